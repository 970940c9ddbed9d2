package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/bundle"
)

// unbundled is what `edge unbundle --json` prints.
type unbundled struct {
	Task       string      `json:"task"`
	Generation int         `json:"generation"` // 0 with --check: nothing was stored
	Active     bool        `json:"active"`
	From       madeAs      `json:"from"`
	Base       models.Base `json:"base"`
	Labels     []string    `json:"labels"`
}

// madeAs is what a generation was where it was made.
type madeAs struct {
	Task       string `json:"task"`
	Generation int    `json:"generation"`
}

func (a *app) unbundleCommand() *cobra.Command {
	var f unbundleFlags
	cmd := &cobra.Command{
		Use:   "unbundle FILE",
		Short: "Take a generation out of a bundle into the store",
		Long: `Take the generation out of FILE, a bundle that edge bundle or edge finetune has
packed, and store it as the next generation of a task: of the one it belonged to
where it was made, or of the one that --task names. - reads standard input.

Every byte is compared with the manifest first. The base runs in a child process
before it is trusted, and the head must fit it. A file that fails leaves nothing
behind. Who made the bundle it does not say: take it from people you know, or
publish it signed (edge publish).`,
		Example: `  edge unbundle lamps.tar --activate
  edge unbundle lamps.tar --task hall-lamps
  edge unbundle lamps.tar --check`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.check && f.activate {
				return usageError{errors.New("--check stores nothing that --activate could use"), cmd.CommandPath()}
			}
			task := ""
			if cmd.Flags().Changed("task") {
				task = a.task
				if err := models.CheckTask(task); err != nil {
					return usageError{err, cmd.CommandPath()}
				}
			}
			u, err := a.unbundle(cmd.Context(), args[0], task, f)
			if err != nil {
				return err
			}
			return a.printUnbundled(u, f)
		},
	}
	cmd.Flags().BoolVar(&f.activate, "activate", false, "use the generation from now on")
	cmd.Flags().BoolVar(&f.check, "check", false, "read it and try it, and store nothing")
	f.base.registerInterpreter(cmd)
	return cmd
}

// unbundleFlags are the flags of `edge unbundle`.
type unbundleFlags struct {
	activate, check bool
	base            baseFlags
}

// unbundle reads, tries and stores a bundle; task "" is the bundle's own.
func (a *app) unbundle(ctx context.Context, path, task string, f unbundleFlags) (u unbundled, err error) {
	store, err := a.openStore()
	if err != nil {
		return u, err
	}
	in, name, err := a.openBundle(path)
	if err != nil {
		return u, err
	}
	b, err := bundle.Read(ctx, in, "", bundle.Limits{})
	if err = errors.Join(err, in.Close()); err != nil {
		return u, device.InputOr(fmt.Errorf("%s: %w", path, err))
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := a.tryBundle(ctx, b, f.base); err != nil {
		return u, err
	}
	if task == "" {
		task = b.Task
	}
	u = unbundled{Task: task, From: madeAs{b.Task, b.Generation}, Base: b.Base, Labels: b.Labels}
	if f.check {
		return u, nil
	}
	reason := fmt.Sprintf("unpacked from %s, generation %d of task %s", name, b.Generation, b.Task)
	g, err := b.Import(ctx, store, task, reason)
	if err != nil {
		return u, err
	}
	u.Generation = g.Generation
	if f.activate {
		if err := store.Activate(ctx, task, g.Generation, reason); err != nil {
			return u, fmt.Errorf("generation %d is stored, and not in use: %w", g.Generation, err)
		}
		u.Active = true
	}
	return u, nil
}

// openBundle opens a bundle, or standard input for "-", and returns what it is
// called in the records.
func (a *app) openBundle(path string) (io.ReadCloser, string, error) {
	if path == "-" {
		return io.NopCloser(a.stdin), "standard input", nil
	}
	f, err := os.Open(path)
	if err == nil {
		var info os.FileInfo
		if info, err = f.Stat(); err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a folder", path)
		}
		if err != nil {
			_ = f.Close()
		}
	}
	if err != nil {
		return nil, "", device.InputError{Err: hint.Wrap(err, "give a file that edge bundle has packed")}
	}
	return f, shortName(path), nil
}

// shortName is a file's name as records can hold it.
func shortName(path string) string {
	name := filepath.Base(path)
	return strings.ToValidUTF8(name[:min(len(name), 200)], "?")
}

// tryBundle runs what a bundle holds, after a trial in a child process, and makes
// sure that its parts fit together.
func (a *app) tryBundle(ctx context.Context, b *bundle.Bundle, f baseFlags) error {
	wrong := func(format string, args ...any) error {
		return device.InputError{Err: hint.Wrap(fmt.Errorf("the bundle cannot be used: "+format, args...), "pack the generation again with edge, where it was made")}
	}
	data, err := os.ReadFile(b.Path(models.HeadName))
	if err != nil {
		return err
	}
	h, err := head.Decode(data)
	if err != nil {
		return wrong("%w", err)
	}
	if h.Features != b.Features || h.Classes != len(b.Labels) {
		return wrong("its head takes %d features and knows %d classes, its base gives %d and there are %d labels", h.Features, h.Classes, b.Features, len(b.Labels))
	}
	if _, ok := b.File(calibrate.FileName); ok {
		of, _ := b.File(models.HeadName)
		if _, err := calibrate.Read(b.Path(calibrate.FileName), b.Base.Digest, of.Digest, h); err != nil {
			return wrong("its calibration: %w", err)
		}
	}
	f.noCache = true
	opened, err := a.runBase(ctx, base.Source{
		Name: b.Base.Name, Path: b.BasePath(), Digest: b.Base.Digest, Preprocessing: b.Preprocessing, Features: b.Features,
	}, f)
	if err != nil {
		return err
	}
	defer opened.Close()
	features := make([]float32, h.Features)
	if err := opened.Embed(features, make([]float32, b.Preprocessing.Len())); err != nil {
		return wrong("its base: %w", err)
	}
	for _, s := range h.Scorer()(features) {
		if math.IsNaN(float64(s)) {
			return wrong("it gives what is no number")
		}
	}
	return nil
}

func (a *app) printUnbundled(u unbundled, f unbundleFlags) error {
	if a.json {
		return a.print(u)
	}
	what := fmt.Sprintf("base %s, %d classes: %s", u.Base.Name, len(u.Labels), some(u.Labels, 12))
	var err error
	switch {
	case f.check:
		_, err = fmt.Fprintf(a.stdout, "generation %d of task %s can be used: %s\n", u.From.Generation, u.From.Task, what)
	case u.Active:
		_, err = fmt.Fprintf(a.stdout, "task %s uses generation %d: %s\n", u.Task, u.Generation, what)
	default:
		_, err = fmt.Fprintf(a.stdout, "generation %d of task %s: %s\nuse it: edge models activate %d --task %s\n", u.Generation, u.Task, what, u.Generation, u.Task)
	}
	return err
}
