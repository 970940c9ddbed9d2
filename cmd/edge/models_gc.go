package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

func (a *app) modelsGCCommand() *cobra.Command {
	var o models.GCOptions
	var limit string
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove generations and bases that nobody needs",
		Long: `Remove old generations of all tasks, and the bases that none is left to name.

Always kept are, of each task, the generation in use and the previous one, the
one that was marked good last and the one a rollback would go to, what is pinned,
the newest, what a newer edge made, and what is being made at this moment. A task
whose pointers or pins are damaged stays as it is: edge models fsck.

With --limit more goes until the store is within it: what fsck set aside, and then
the oldest of the --keep newest. Numbers are not given again.`,
		Example: `  edge models gc --dry-run
  edge models gc --keep 5 --limit 200MiB`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Limit, err = storeLimit(limit); err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			if o.Newest < 1 {
				return usageError{fmt.Errorf("--keep %d: want 1 or more", o.Newest), cmd.CommandPath()}
			}
			return a.collect(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Newest, "keep", models.DefaultNewest, "newest generations of each task to keep")
	flags.StringVar(&limit, "limit", "", "what the store may take, such as 200MiB; default: no limit")
	flags.BoolVar(&o.Lost, "lost", false, "also remove what fsck set aside")
	flags.BoolVar(&o.DryRun, "dry-run", false, "only say what would go")
	return cmd
}

// storeLimit reads a size; "" is no limit.
func storeLimit(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return 0, fmt.Errorf("--limit %s: want a size such as 200MiB or 1GB", text)
	}
	return int64(n), nil
}

// collect collects and says what went.
func (a *app) collect(ctx context.Context, o models.GCOptions) error {
	store, err := a.openStore()
	if err != nil {
		return err
	}
	r, err := store.GC(ctx, o)
	if err != nil {
		return errors.Join(a.printCollected(r, true), device.InputOr(err))
	}
	return a.printCollected(r, false)
}

// printCollected prints the report; of a collection that failed, what went.
func (a *app) printCollected(r models.GCReport, failed bool) error {
	if a.json {
		if failed {
			return nil // the error is the object
		}
		return a.print(r)
	}
	if failed && len(r.Removed) == 0 {
		return nil
	}
	if len(r.Removed) > 0 {
		t := newTable("task", "generation", "size", "why")
		for _, i := range r.Removed {
			if i.Generation > 0 {
				t.AppendRow([]any{i.Task, i.Generation, sizeText(i.Bytes), i.Why})
			} else {
				t.AppendRow([]any{"", "base " + i.Base.Short(), sizeText(i.Bytes), i.Why})
			}
		}
		fmt.Fprintln(a.stdout, t.Render()) //nolint:errcheck // the next line tells
	}
	for _, note := range r.Notes {
		a.warn("%s", note)
	}
	verb := "freed"
	if r.DryRun {
		verb = "would free"
	}
	_, err := fmt.Fprintf(a.stdout, "%s %s; %d generations stay, the store takes %s\n", verb, sizeText(r.Freed), len(r.Kept), sizeText(r.Bytes))
	if over := r.Over(); over > 0 && !failed {
		a.warn("the store is %s beyond its limit: what is left is in use, good, pinned or the newest", sizeText(over))
	}
	return err
}

// sizeText is a size for people, with small files told apart.
func sizeText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }
