package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
)

// updateApplyFlags are the flags of `edge update apply`.
type updateApplyFlags struct {
	from     sourceFlags
	base     baseFlags
	samples  []string
	margin   float64
	again    bool
	force    bool
	progress string
}

func (a *app) updateApplyCommand() *cobra.Command {
	f := &updateApplyFlags{}
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Take what suits this device, if it proves itself here",
		Long: `Take the newest release of the channel that suits this device, for --task or for
every task of the store.

A new base does not replace what the device has learned: its head is fitted anew on
the device's own samples, together with the classes that the release brings, and
compared with the generation in use on images that were held back. It is used only
if it is no worse; the images that flipped are shown. Without samples the published
head is taken if its own test passes here. A release that was revoked is left.

What is interrupted goes on where it was; the generation in use stays in use.`,
		Example: `  edge update apply
  edge update apply --task lamps --samples ./samples
  edge update apply --from /media/stick/models.tar
  edge update apply --task lamps --samples ./samples --again --force`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (f.again || f.force) && !cmd.Flags().Changed("task") {
				return usageError{errors.New("--again and --force are for one task: name it with --task"), cmd.CommandPath()}
			}
			if f.margin < 0 || f.margin > 100 {
				return usageError{fmt.Errorf("--margin %v: want 0 to 100", f.margin), cmd.CommandPath()}
			}
			return a.updateApply(cmd, f)
		},
	}
	flags := cmd.Flags()
	f.from.register(cmd)
	f.base.registerRunning(cmd)
	flags.StringArrayVar(&f.samples, "samples", nil, "folder of the task's labelled images, or TASK=FOLDER, several times")
	flags.Float64Var(&f.margin, "margin", 0, "points of accuracy that the device's own images may lose")
	flags.BoolVar(&f.again, "again", false, "take up a release that was refused before")
	flags.BoolVar(&f.force, "force", false, "use the release even if it is worse on this device's images")
	flags.StringVar(&f.progress, "progress", "", "lines: how far it is as JSON lines on standard error") // for the daemon
	cobra.CheckErr(flags.MarkHidden("progress"))
	return cmd
}

// folder is the folder of a task's samples.
func (f *updateApplyFlags) folder(task, named string) string {
	for _, s := range f.samples {
		if dir, ok := strings.CutPrefix(s, task+"="); ok {
			return dir
		}
	}
	for _, s := range f.samples {
		if task == named && !strings.Contains(s, "=") {
			return s
		}
	}
	return ""
}

func (a *app) updateApply(cmd *cobra.Command, f *updateApplyFlags) error {
	ctx := cmd.Context()
	store, err := a.openStore()
	if err != nil {
		return err
	}
	c, err := a.updateClient(store, f.from)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it was read from
	ch, err := c.Check(ctx)
	if err != nil {
		return err
	}
	u, err := a.updater(ctx, store, c, f)
	if err != nil {
		return err
	}
	bar := newProgress(a.stderr, a.quiet)
	bar.lines = f.progress == "lines"
	defer bar.close()
	u.Progress = func(stage string, done, total int64) {
		bar.update(stage, stage, int(done), int(total))
	}
	tasks, err := a.updateTasks(cmd, store, ch)
	if err != nil {
		return err
	}
	var done []device.Update
	var failed []error
	for _, task := range tasks {
		one, err := u.Apply(ctx, ch, device.UpdateTask{Name: task, Samples: f.folder(task, a.task), Again: f.again, Force: f.force})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		done = append(done, one)
	}
	bar.close()
	if err := a.printUpdates(done); err != nil {
		return err
	}
	if len(failed) == 0 {
		if err := c.Clean(); err != nil { // what a failure left is gone on with
			a.warn("%v", err)
		}
	}
	return device.InputOr(errors.Join(failed...))
}
