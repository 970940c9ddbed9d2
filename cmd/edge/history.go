package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/sink"
)

// historyFlags say which events are shown, and from where.
type historyFlags struct {
	configFile string
	file       string
	since      string
	label      string
	kinds      []string
	limit      int
}

// everyKind stands for all kinds of events.
const everyKind = "all"

func (a *app) historyCommand() *cobra.Command {
	f := &historyFlags{}
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show what the daemon has seen",
		Long: `Show the latest events of the daemon's history: what each task saw, since when and
for how long. A change ends with the task's next one; how long is not known while
there is none, and where the daemon was stopped meanwhile.

The history is written where events.history.path is set, and read whether or not
the daemon runs. The path is taken from the configuration, as edge run has it, or
from --file.`,
		Example: `  edge history --task front-door --since 24h
  edge history --label open --limit 1000 --json | jq -s 'map(.seconds) | add'
  edge history --kind all --since 2026-11-24 --config /etc/edge/edge.yaml`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := a.historyQuery(cmd, f, time.Now())
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			path, err := a.historyPath(f)
			if err != nil {
				return err
			}
			events, err := sink.ReadHistory(cmd.Context(), path, q)
			if err != nil {
				return historyError(err)
			}
			return a.printHistory(events)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.configFile, "config", "", "YAML file that says where the history is (default $EDGE_CONFIG, else none)")
	flags.StringVar(&f.file, "file", "", "the history itself, an SQLite file (default: events.history.path of the configuration)")
	flags.StringVar(&f.since, "since", "", "only what came later: an age such as 90m or 7d, or a date, with or without a time")
	flags.StringVar(&f.label, "label", "", "only this label")
	flags.StringSliceVar(&f.kinds, "kind", []string{string(runtime.KindChange)}, "kinds of events, or all")
	flags.IntVar(&f.limit, "limit", 100, "how many events at most, the latest")
	cobra.CheckErr(cmd.MarkFlagFilename("config", "yaml", "yml"))
	cobra.CheckErr(cmd.MarkFlagFilename("file", "db", "sqlite"))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions(append(kindNames(), everyKind), cobra.ShellCompDirectiveNoFileComp)))
	for _, name := range []string{"since", "label", "limit"} {
		cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions))
	}
	return cmd
}

func kindNames() []string {
	var names []string
	for _, k := range runtime.Kinds() {
		names = append(names, string(k))
	}
	return names
}

// historyQuery is what the flags ask for.
func (a *app) historyQuery(cmd *cobra.Command, f *historyFlags, now time.Time) (sink.Query, error) {
	q := sink.Query{Label: f.label, Limit: f.limit}
	if cmd.Flags().Changed("task") {
		q.Task = a.task
	}
	if f.limit < 1 || f.limit > math.MaxInt32 {
		return q, fmt.Errorf("--limit %d: want a number of 1 or more", f.limit)
	}
	var err error
	if q.From, err = parseSince(f.since, now); err != nil {
		return q, err
	}
	if slices.Contains(f.kinds, everyKind) {
		return q, nil
	}
	for _, name := range f.kinds {
		k := runtime.Kind(name)
		if !slices.Contains(runtime.Kinds(), k) {
			return q, hint.Wrap(fmt.Errorf("--kind %s: there is no such kind of event", name), fmt.Sprintf("there are %v, and %s", kindNames(), everyKind))
		}
		q.Kinds = append(q.Kinds, k)
	}
	return q, nil
}

// sinceForms are the times that --since takes, of this machine's time zone unless
// they name one.
var sinceForms = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// parseSince reads an age or a time; "" is no bound.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	var age config.Duration
	if age.UnmarshalText([]byte(text)) == nil {
		return now.Add(-age.D()), nil
	}
	for _, form := range sinceForms {
		if at, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %q: want an age such as 90m, 24h or 7d, or a time such as 2026-11-24 or 2026-11-24T16:30", text)
}

// historyPath is where the history is.
func (a *app) historyPath(f *historyFlags) (string, error) {
	if f.file != "" {
		return f.file, nil
	}
	in := config.Input{File: f.configFile, Environ: os.Environ()}
	if in.File == "" {
		in.File = os.Getenv("EDGE_CONFIG")
	}
	loaded, err := a.loadConfig(in)
	if err != nil {
		return "", err
	}
	if loaded.Events.History.Path == "" {
		return "", device.InputError{Err: hint.Wrap(errors.New("no history is configured"),
			"have edge run write one: set events.history.path in its configuration; name that with --config, or the history with --file")}
	}
	return loaded.Events.History.Path, nil
}

// historyError says what to do about a history that cannot be read.
func historyError(err error) error {
	next := "name another file with --file; docs/running.md says what a history is"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		next = "edge run writes it with its first event: is it running, with the same events.history.path? edge config show says which that is"
	case errors.Is(err, fs.ErrPermission):
		next = "ask as the user that edge run runs as"
	}
	return device.InputError{Err: hint.Wrap(err, next)}
}

// printHistory prints events, the oldest first.
func (a *app) printHistory(events []sink.Past) error {
	if a.json {
		for _, e := range events {
			if err := a.print(e); err != nil {
				return err
			}
		}
		return nil
	}
	if len(events) == 0 {
		_, err := fmt.Fprintln(a.stdout, "the history has no such events")
		return err
	}
	return writeHistory(a.stdout, events)
}

// writeHistory writes a table. Only changes need no columns for what else there is.
func writeHistory(w io.Writer, events []sink.Past) error {
	changes := !slices.ContainsFunc(events, func(e sink.Past) bool { return e.Kind != runtime.KindChange })
	header := []any{"time", "task", "label", "score", "seconds"}
	if !changes {
		header = append(header, "kind", "message")
	}
	t := newTable(header...)
	for _, e := range events {
		label, score, seconds, task := e.Label, "-", "-", e.Task
		switch {
		case e.Unknown:
			label = "unknown"
		case label == "":
			label = "-"
		default:
			score = fmt.Sprintf("%.3f", e.Score)
		}
		if e.Seconds > 0 {
			seconds = fmt.Sprintf("%.1f", e.Seconds)
		}
		if task == "" {
			task = "-"
		}
		row := []any{e.Time.Local().Format("2006-01-02 15:04:05"), safe(task), safe(label), score, seconds}
		if !changes {
			row = append(row, string(e.Kind), safe(e.Message))
		}
		t.AppendRow(row)
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}
