package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/foreign"
)

// importFlags are the flags of `edge import`.
type importFlags struct {
	out       string // a project's pictures go there
	labels    string
	normalise *base.Range
	baseOnly  string
	activate  bool
	base      baseFlags
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	var normalise string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Take over what Teachable Machine or Frigate has made: models and photos",
		Long: `Take over what others have made.

A classifier becomes the next generation of the task: the zip that Teachable
Machine exports for TensorFlow Lite, a folder of Frigate's model_cache, or any
.tflite classifier whose last layers are a head as edge has them (a dense layer
with softmax, perhaps one with relu before it). The network is cut at its pooled
features, runs in a child process first, and answers together with its head as
the whole does: both are compared before anything is kept. Of any other
classifier --base-only NAME takes the base alone.

The photos of a Teachable Machine project (.tm) are written as a folder a class
into --out DIR. edge adapt and edge eval also take a .tm file as their --dir.

Frigate's photos need no import: edge adapt --dir CLIPS/NAME.`,
		Example: `  edge import converted_tflite.zip --task lamps --activate
  edge import /config/model_cache/doors --task doors
  edge import flowers.tflite --labels flowers.txt
  edge import project.tm --out photos`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("normalise") {
				r, err := parseRange(normalise)
				if err != nil {
					return usageError{err, cmd.CommandPath()}
				}
				f.normalise = &r
			}
			kind, err := foreign.Detect(args[0])
			if err != nil {
				return device.InputError{Err: err}
			}
			switch {
			case kind == foreign.KindProject:
				return a.importProject(cmd.Context(), args[0], f)
			case f.out != "":
				return usageError{errors.New("--out is for the photos of a project (.tm); a classifier goes into the store"), cmd.CommandPath()}
			case f.baseOnly != "":
				return a.importBaseOnly(cmd.Context(), args[0], f)
			}
			return a.importClassifier(cmd.Context(), args[0], f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "", "new `folder` for the photos of a project")
	flags.StringVar(&f.labels, "labels", "", "`file` of labels: a name a line, 0 name, 0:name, or JSON; default: those that came with the model")
	flags.StringVar(&normalise, "normalise", "", "what the bytes 0 and 255 of a picture become, as `MIN,MAX`; default: as the model says")
	flags.StringVar(&f.baseOnly, "base-only", "", "keep the base alone, under this `name`")
	flags.BoolVar(&f.activate, "activate", false, "use the generation from now on")
	f.base.registerInterpreter(cmd)
	return cmd
}

// importedProject is what `edge import --json` prints of a project.
type importedProject struct {
	Kind    foreign.Kind           `json:"kind"`
	Dir     string                 `json:"dir"`
	Version string                 `json:"version,omitempty"` // of the program that wrote it
	Classes []foreign.ProjectClass `json:"classes"`
	foreign.Unpacked
}

// importProject writes the photos of a project into a new folder.
func (a *app) importProject(ctx context.Context, path string, f importFlags) error {
	p, err := foreign.OpenProject(path)
	if err != nil {
		return device.InputError{Err: err}
	}
	defer p.Close()
	if f.out == "" {
		return device.InputError{Err: hint.Wrap(fmt.Errorf("import %s: these are photos, and --out says not where to", path),
			"write them into a folder with --out DIR, or learn from them as they are: edge adapt --dir "+path)}
	}
	u, err := p.Unpack(ctx, f.out, foreign.Limits{})
	if err != nil {
		return device.InputOr(err)
	}
	if a.json {
		return a.print(importedProject{foreign.KindProject, f.out, p.Version, p.Classes, u})
	}
	a.warnSkipped(u)
	t := newTable("class", "photos", "folder")
	for _, c := range p.Classes {
		t.AppendRow([]any{c.Name, c.Pictures, c.Folder})
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n\n%d photos are in %s\nlearn from them: edge adapt --dir %s\n", t.Render(), u.Pictures, f.out, f.out)
	return err
}

func (a *app) warnSkipped(u foreign.Unpacked) {
	for _, s := range u.Skipped {
		a.warn("skipped %s: %s", s.Name, s.Reason)
	}
}
