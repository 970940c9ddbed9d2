package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite/file"
)

func (a *app) baseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "base",
		Short: "Bases: import, list, look into, check",
		Long: `A base is the frozen network that turns a picture into features. One comes with
edge; others are imported from model files and get a name, which every --base
understands. They lie in the store's folder bases/.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.baseImportCommand(), a.baseListCommand(), a.baseInspectCommand(), a.basePullCommand(), a.baseRemoveCommand(), a.baseVerifyCommand())
	return cmd
}

func (a *app) baseInspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect NAME|FILE",
		Short: "Print what is in a base or a .tflite file, without running it",
		Long: `Print what is in a base or in any .tflite file: inputs, outputs, operators,
weights, metadata, where its features are and what else could be features. The
file is only read, by our own code: nothing of it runs.

A name is looked up first; ./NAME is always a file.`,
		Example: `  edge base inspect mobilenet_v2.tflite
  edge base inspect default --json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			library, err := a.openLibrary()
			if err != nil {
				return err
			}
			in, err := a.inspected(cmd, library, args[0])
			if err != nil {
				return device.InputError{Err: hint.Wrap(fmt.Errorf("inspect %s: %w", args[0], err), "check that the file is a whole TensorFlow Lite model (.tflite)")}
			}
			if a.json {
				return a.print(in)
			}
			if in.Base != nil {
				if err := printEntry(a.stdout, *in.Base); err != nil {
					return err
				}
			}
			return printSummary(a.stdout, in.Summary, in.Candidates)
		},
	}
}

// inspection is what `edge base inspect` says.
type inspection struct {
	Base *base.Entry `json:"base,omitempty"` // of the library
	file.Summary
	Candidates []file.Feature `json:"candidates,omitempty"` // the deepest first
}

func (a *app) inspected(cmd *cobra.Command, library *base.Library, ref string) (inspection, error) {
	var in inspection
	path := ref
	entry, err := library.Get(ref)
	switch {
	case err == nil:
		in.Base, path = &entry, entry.Path
	case !errors.Is(err, base.ErrNotFound):
		return in, err
	case isEmbedded(ref):
		s, err := a.prepareBase(cmd.Context(), ref)
		if err != nil {
			return in, err
		}
		path = s.Path
	}
	data, err := base.ReadFile(path)
	if err != nil {
		return in, err
	}
	m, err := file.Parse(data)
	if err != nil {
		return in, err
	}
	in.Summary, in.Candidates = m.Summary(), m.Features()
	return in, nil
}
