package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
)

// releaseFlags say how a release is published.
type releaseFlags struct {
	headOnly, baseOnly, allFiles, noSelfTest bool

	channel, salt, notes string
	percent              float64
	parents              []string
	gates                []string
	margin               float64

	bases         []string
	input         string
	edge          string
	memory        int
	architectures []string
}

func (f *releaseFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.headOnly, "head-only", false, "leave the base out: devices have it")
	flags.BoolVar(&f.baseOnly, "base-only", false, "leave the head out: each device fits its own")
	flags.BoolVar(&f.allFiles, "all-files", false, "publish reports and lists of samples too, which may show or name pictures")
	flags.BoolVar(&f.noSelfTest, "no-self-test", false, "add no self-test to the head")
	flags.StringVar(&f.channel, "channel", "stable", "channel to publish in")
	flags.Float64Var(&f.percent, "percent", 100, "per cent of the devices that take it at first")
	flags.StringVar(&f.salt, "salt", "", "releases with the same salt come to the same devices first (default one of its own)")
	flags.StringVar(&f.notes, "notes", "", "what people read about it")
	flags.StringArrayVar(&f.parents, "parent", nil, "file of a base that devices have, to make a delta from; may be given again")
	flags.StringArrayVar(&f.gates, "gate", nil, "what measures must be, as accuracy>=0.85 or val.loss<=0.4; may be given again")
	flags.Float64Var(&f.margin, "margin", -1, "with 0 or more: how much less accurate than the release before it may be, such as 0.01")
	flags.StringSliceVar(&f.bases, "requires-base", nil, "only for devices whose active base has one of these digests")
	flags.StringVar(&f.input, "requires-input", "", "only for devices whose active base takes pictures of this size, as 128x128")
	flags.StringVar(&f.edge, "requires-edge", "", "only for this version of edge or newer, as v1.2.0")
	flags.IntVar(&f.memory, "requires-memory", 0, "only for devices with this many MiB of memory")
	flags.StringSliceVar(&f.architectures, "requires-arch", nil, "only for these processors, as arm64")
}

// options are the flags as models/publish has them.
func (f *releaseFlags) options(a *app, cmd *cobra.Command) (publish.AddOptions, error) {
	o := publish.AddOptions{
		Channel: f.channel, Percent: f.percent, Salt: f.salt, Notes: f.notes, Parents: f.parents, AllFiles: f.allFiles,
		Requires: release.Requires{Edge: f.edge, MemoryMiB: f.memory, Architectures: f.architectures},
	}
	if cmd.Flags().Changed("task") {
		o.Task = a.task
	}
	switch {
	case f.headOnly && f.baseOnly:
		return o, errors.New("--head-only and --base-only: nothing is left")
	case f.headOnly:
		o.Part = publish.HeadOnly
	case f.baseOnly:
		o.Part = publish.BaseOnly
	}
	for _, text := range f.bases {
		if !strings.HasPrefix(text, "sha256:") {
			text = "sha256:" + text
		}
		d, err := digest.Parse(text)
		if err != nil {
			return o, fmt.Errorf("--requires-base: %w", err)
		}
		o.Requires.Bases = append(o.Requires.Bases, d)
	}
	if f.input != "" {
		width, height, _ := strings.Cut(f.input, "x")
		w, err := strconv.Atoi(width)
		h, err2 := strconv.Atoi(height)
		if err != nil || err2 != nil || w < 1 || h < 1 {
			return o, fmt.Errorf("--requires-input %q: want for example 128x128", f.input)
		}
		o.Requires.Width, o.Requires.Height = w, h
	}
	if f.percent < 0 || f.percent > 100 {
		return o, fmt.Errorf("--percent %v: want 0 to 100", f.percent)
	}
	if len(f.gates) > 0 || f.margin >= 0 {
		o.Gate = &publish.Gate{Against: f.margin >= 0, Margin: f.margin}
	}
	for _, text := range f.gates {
		if err := o.Gate.ParseGate(text); err != nil {
			return o, err
		}
	}
	if !f.noSelfTest {
		o.Score = scorePictures
	}
	return o, nil
}

func (a *app) publishAddCommand(f *publishFlags) *cobra.Command {
	rf, number := releaseFlags{}, 0
	cmd := &cobra.Command{
		Use:   "add [FILE]",
		Short: "Publish a bundle, a base, or a generation of the store",
		Long: `Publish FILE: a bundle, such as the bundle.tar of "edge finetune --out DIR", or a base,
a .tflite file. Without FILE the active generation of the task is published, or the one
that --generation names.

Devices fetch no more than they need: deltas are made from every base that the channels
carry, from the one that edge brings along, and from those that --parent names. What is
in a bundle of reports and lists of samples stays here unless --all-files is given. A
base alone goes to the task that --task names, or to every task that the --requires-
flags let through.`,
		Example: `  edge publish add out/lamps/bundle.tar --channel canary --gate 'accuracy>=0.9'
  edge publish add --task lamps --head-only --percent 10
  edge publish add base.tflite --requires-input 128x128 --requires-memory 256`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := rf.options(a, cmd)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			if err := a.whatToAdd(cmd, &o, args, number); err != nil {
				return err
			}
			p := newProgress(a.stderr, a.quiet)
			defer p.close()
			o.Progress = func(stage string, done, total int64) { p.update(stage, stage, int(done), int(total)) }
			rel, err := r.Add(cmd.Context(), o)
			p.close()
			return a.published(err, map[string]any{"channel": o.Channel, "release": rel}, "%s", addedText(rel, o.Channel))
		},
	}
	rf.register(cmd)
	cmd.Flags().IntVar(&number, "generation", 0, "publish this generation of the task (default the active one)")
	return cmd
}

// whatToAdd finds what the command line names.
func (a *app) whatToAdd(cmd *cobra.Command, o *publish.AddOptions, args []string, number int) error {
	known, err := base.Prepare(cmd.Context(), "", filepath.Join(cacheDir(), "bases"))
	if err != nil {
		return err
	}
	o.Known = []string{known.Path}
	if len(args) > 0 {
		if number > 0 {
			return usageError{errors.New("--generation and a file"), cmd.CommandPath()}
		}
		if filepath.Ext(args[0]) != ".tflite" && !a.isLibraryBase(args[0]) {
			o.Bundle = args[0]
			return nil
		}
		source, err := a.prepareBase(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		for _, note := range source.Notes {
			a.warn("%s", note)
		}
		o.Base = &publish.BaseFile{Path: source.Path, Name: source.Name, Preprocessing: source.Preprocessing, Features: source.Features}
		return nil
	}
	store, err := a.openStore()
	if err != nil {
		return err
	}
	g, err := store.Current(a.task)
	if number > 0 {
		g, err = store.Generation(a.task, number)
	}
	if err != nil {
		return device.InputError{Err: hint.Wrap(err, "name a bundle or a base: edge publish add FILE")}
	}
	o.Generation = &g
	return nil
}

// addedText says what a release brings and how large it is.
func addedText(rel release.Release, channel string) string {
	var parts []string
	if rel.Base.Full != nil {
		parts = append(parts, fmt.Sprintf("base %s (%s)", rel.Base.Name, humanize.IBytes(uint64(rel.Base.Bytes))))
	}
	for _, d := range rel.Base.Deltas {
		parts = append(parts, fmt.Sprintf("delta from %s (%s)", d.From.Short(), humanize.IBytes(uint64(d.Bytes))))
	}
	if rel.Head != nil {
		parts = append(parts, fmt.Sprintf("head for task %s (%s)", rel.Task, humanize.IBytes(uint64(rel.Head.Bytes))))
	}
	return fmt.Sprintf("release %d in channel %s, for %v %% of the devices: %s", rel.Number, channel, rel.Rollout.Percent, strings.Join(parts, ", "))
}
