package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
)

func (a *app) updateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "update",
		Short: "Take models over the air: enrol, check, apply, status",
		Long: `Take models that somebody publishes with edge publish. A device is enrolled once,
with the root that it trusts; whatever comes is verified against that, and taken
only if it proves itself on the device's own images.

The daemon does check and apply by itself: see update in its configuration.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.updateEnrolCommand(), a.updateCheckCommand(), a.updateApplyCommand(), a.updateStatusCommand())
	return cmd
}

// updateDir is the folder in which the device keeps what it knows of updates.
func updateDir(store *models.Store) string { return filepath.Join(store.Dir(), "update") }

// sourceFlags choose where a repository is, other than the device is enrolled to.
type sourceFlags struct{ from string }

func (f *sourceFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "from", "", "a packed repository (.tar), or a folder with metadata and targets in it, such as a USB stick; default: the address that the device is enrolled to")
}

// source opens where files come from.
func (f *sourceFlags) source(e update.Enrolment, clock *update.Clock) (update.Source, error) {
	if f.from == "" {
		return e.Source("edge/"+version, clock.Now)
	}
	info, err := os.Stat(f.from)
	switch {
	case err != nil:
		return nil, device.InputError{Err: err}
	case info.IsDir():
		return update.Dir(f.from)
	}
	source, err := update.Tar(f.from)
	return source, device.InputOr(err)
}

// repositoryIn is the folder with the metadata: dir, or public in a publisher's.
func repositoryIn(dir string) string {
	inner := filepath.Join(dir, "public")
	if _, err := os.Stat(filepath.Join(inner, "metadata")); err == nil {
		return inner
	}
	return dir
}

// client opens what the device follows.
func (a *app) updateClient(store *models.Store, f sourceFlags) (*update.Client, error) {
	dir := updateDir(store)
	e, err := update.ReadEnrolment(dir)
	if err != nil {
		return nil, device.InputOr(err)
	}
	clock := update.NewClock(update.ClockConfig{Dir: dir})
	source, err := f.source(e, clock)
	if err != nil {
		return nil, err
	}
	c, err := update.New(update.Config{Dir: dir, Root: e.Root, Channel: e.Channel, Source: source, Clock: clock})
	if err != nil {
		return nil, errors.Join(device.InputOr(err), source.Close())
	}
	return c, nil
}

// tasks are those that --task names, or all of the store.
func (a *app) updateTasks(cmd *cobra.Command, store *models.Store, ch release.Channel) ([]string, error) {
	if cmd.Flags().Changed("task") {
		return []string{a.task}, models.CheckTask(a.task)
	}
	tasks, err := store.Tasks()
	if err != nil || len(tasks) > 0 {
		return tasks, err
	}
	// A device without any generation takes the heads of the channel.
	seen := map[string]bool{}
	for _, r := range ch.Releases {
		if r.Task != "" && !seen[r.Task] {
			seen[r.Task] = true
			tasks = append(tasks, r.Task)
		}
	}
	if len(tasks) == 0 {
		err = hint.Wrap(errors.New("this device has no task yet, and the channel has a head for none"), "train one: edge adapt --dir ./samples")
	}
	return tasks, err
}

// updater joins what an update takes.
func (a *app) updater(ctx context.Context, store *models.Store, c *update.Client, f *updateApplyFlags) (*device.Updater, error) {
	id, err := update.OpenIdentity(ctx, updateDir(store))
	if err != nil {
		return nil, err
	}
	e, err := f.base.engine()
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	return &device.Updater{
		Store: store, Client: c, Dir: updateDir(store), Engine: e, Cache: f.base.cache(), Margin: f.margin / 100, Seed: a.seed,
		Reports: filepath.Join(updateDir(store), "reports"), Version: version, Warn: a.goOnWithout,
		Device: release.Device{ID: id.ID(), Edge: version, Architecture: runtime.GOARCH, MemoryMiB: int(memoryTotal() >> 20)},
	}, nil
}

func (a *app) updateCheckCommand() *cobra.Command {
	var from sourceFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Ask the repository what is new, and say what suits this device",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			store, err := a.openStore()
			if err != nil {
				return err
			}
			c, err := a.updateClient(store, from)
			if err != nil {
				return err
			}
			defer c.Close() //nolint:errcheck // it was read from
			ch, err := c.Check(ctx)
			if err != nil {
				return err
			}
			u, err := a.updater(ctx, store, c, &updateApplyFlags{})
			if err != nil {
				return err
			}
			tasks, err := a.updateTasks(cmd, store, ch)
			if err != nil {
				return err
			}
			var found []device.Update
			for _, task := range tasks {
				one, err := u.Look(ch, device.UpdateTask{Name: task})
				if err != nil {
					return err
				}
				found = append(found, one)
			}
			return a.printUpdates(found)
		},
	}
	from.register(cmd)
	return cmd
}

// printUpdates prints what became of tasks.
func (a *app) printUpdates(updates []device.Update) error {
	if a.json {
		for _, u := range updates {
			if err := a.print(u); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable("task", "", "release", "generation", "why")
	for _, u := range updates {
		t.AppendRow([]any{u.Task, strings.ReplaceAll(string(u.Action), "_", " "), numberOrDash(u.Release), numberOrDash(u.Generation), u.Reason})
	}
	if _, err := fmt.Fprintln(a.stdout, t.Render()); err != nil {
		return err
	}
	for _, u := range updates {
		if u.Run != nil {
			if _, err := fmt.Fprintln(a.stdout); err != nil {
				return err
			}
			if err := report.Text(a.stdout, u.Run, textOptions(a.stdout)); err != nil {
				return err
			}
		}
		if u.Action == device.ActionAvailable {
			a.warn("take it: edge update apply --task %s", u.Task)
		}
	}
	return nil
}

func numberOrDash(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
