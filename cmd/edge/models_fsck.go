package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

func (a *app) modelsFsckCommand() *cobra.Command {
	var repair bool
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Compare the whole store with its digests, and repair it",
		Long: `Read every file of the store and compare it with its digest; look at what points to
what. Without --repair nothing is changed, and the exit code is 3 if anything is
damaged.

With --repair: labels are written anew from the manifest; of a generation whose
head and base are whole, a new one is made without the rest; where the one in use
is damaged, the whole one that was marked good last takes over, else the previous,
else the newest; counter and records are corrected. What cannot be used any more
is set aside in the store's folder lost. What is lost is said, and the exit code
is 3 if damage remains.`,
		Example: `  edge models fsck
  edge models fsck --repair`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.fsck(cmd.Context(), repair) },
	}
	cmd.Flags().BoolVar(&repair, "repair", false, "repair what can be repaired")
	return cmd
}

func (a *app) fsck(ctx context.Context, repair bool) error {
	store, err := a.openStore()
	if err != nil {
		return err
	}
	bar := newProgress(a.stderr, a.quiet)
	defer bar.close()
	r, err := store.Fsck(ctx, models.FsckOptions{Repair: repair, Progress: func(done, total int64) {
		bar.update("fsck", "compared, KiB", int(done>>10), int(total>>10))
	}})
	bar.close()
	if err != nil {
		if !a.json {
			err = errors.Join(a.printFindings(r), err)
		}
		return device.InputOr(err)
	}
	if a.json {
		err = a.print(r)
	} else {
		err = a.printFindings(r)
	}
	if err == nil && r.Damage() > 0 {
		err = errSilent
	}
	return err
}

func (a *app) printFindings(r models.FsckReport) error {
	for _, f := range r.Findings {
		where := ""
		switch {
		case f.Generation > 0:
			where = fmt.Sprintf("task %s, generation %d: ", f.Task, f.Generation)
		case f.Task != "":
			where = fmt.Sprintf("task %s: ", f.Task)
		}
		kind := "damage"
		if f.Note {
			kind = "note"
		}
		fmt.Fprintf(a.stdout, "%s: %s%s\n", kind, where, f.What) //nolint:errcheck // the last line tells
		if f.Repair != "" {
			can := "can be repaired"
			if f.Repaired {
				can = "repaired"
			}
			fmt.Fprintf(a.stdout, "    %s: %s\n", can, f.Repair) //nolint:errcheck // the last line tells
		}
		if f.Lost != "" {
			fmt.Fprintf(a.stdout, "    lost: %s\n", f.Lost) //nolint:errcheck // the last line tells
		}
		if f.Next != "" {
			fmt.Fprintf(a.stdout, "    next: %s\n", f.Next) //nolint:errcheck // the last line tells
		}
	}
	state := "whole"
	if n := r.Damage(); n > 0 {
		state = fmt.Sprintf("damaged, findings that remain: %d", n)
	}
	_, err := fmt.Fprintf(a.stdout, "%d tasks, %d generations, %d bases, %s compared: %s\n", r.Tasks, r.Generations, r.Bases, sizeText(r.Bytes), state)
	return err
}
