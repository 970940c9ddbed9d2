package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/publish"
)

func (a *app) publishWatchCommand(f *publishFlags) *cobra.Command {
	rf := releaseFlags{}
	cmd := &cobra.Command{
		Use:   "watch DIR",
		Short: "Publish what a trainer leaves in DIR, if it is good enough",
		Long: `Wait for bundle.tar of "edge finetune --out" in DIR/TASK or DIR/RUN/TASK, and publish the
newest of each task, if its measures pass the gates and it is not worse than the release
before by more than the margin. What the repository has already is passed over, so the
watch may be stopped and started at any time.`,
		Example: "  edge publish watch runs --channel canary --percent 20 --gate 'accuracy>=0.85' --margin 0.01",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := rf.options(a, cmd)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			known, err := base.Prepare(cmd.Context(), "", filepath.Join(cacheDir(), "bases"))
			if err != nil {
				return err
			}
			o.Known = []string{known.Path}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			return r.Watch(cmd.Context(), publish.WatchOptions{Dir: args[0], Add: o, Tell: func(w publish.Watched) { a.printWatched(w, o.Channel) }})
		},
	}
	rf.register(cmd)
	cmd.Flags().Lookup("channel").DefValue = "canary"
	rf.channel = "canary"
	cmd.Flags().Lookup("margin").DefValue = "0.01"
	rf.margin = 0.01
	return cmd
}

// watchedLine is one line of `edge publish watch --json`.
type watchedLine struct {
	Bundle  string `json:"bundle,omitempty"`
	Task    string `json:"task,omitempty"`
	Channel string `json:"channel"`
	Release int    `json:"release,omitempty"` // 0: none was published
	Reason  string `json:"reason,omitempty"`  // why not, or why not yet
	Hint    string `json:"hint,omitempty"`
}

func (a *app) printWatched(w publish.Watched, channel string) {
	line := watchedLine{Bundle: w.Bundle, Task: w.Task, Channel: channel, Release: w.Release}
	if w.Err != nil {
		line.Reason, line.Hint = w.Err.Error(), hint.Of(w.Err)
	}
	switch {
	case a.json:
		a.print(line) //nolint:errcheck // who reads it is gone
	case errors.Is(w.Err, publish.ErrSame):
		a.warn("%s: %v", w.Bundle, w.Err)
	case w.Err != nil:
		fmt.Fprintf(a.stderr, "edge: %s: %v\n", w.Bundle, w.Err)
		if line.Hint != "" {
			fmt.Fprintf(a.stderr, "hint: %s\n", line.Hint)
		}
	default:
		fmt.Fprintf(a.stdout, "%s: release %d of task %s in channel %s\n", w.Bundle, w.Release, w.Task, channel)
	}
}
