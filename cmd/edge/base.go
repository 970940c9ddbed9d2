package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// maxModel is the largest model file that is read into memory to look at.
const maxModel = 1 << 30

func (a *app) baseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "base",
		Short: "Look at bases",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.baseInspectCommand())
	return cmd
}

func (a *app) baseInspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect FILE",
		Short: "Print what is in a .tflite file, without running it",
		Long: `Print what is in a .tflite file: inputs, outputs, operators, weights, metadata
and where its features are. The file is only read, by our own code: nothing of
it runs.`,
		Example: `  edge base inspect mobilenet_v2.tflite
  edge base inspect mobilenet_v2.tflite --json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := readModel(args[0])
			if err != nil {
				return device.InputError{Err: hint.Wrap(fmt.Errorf("inspect %s: %w", args[0], err), "check that the file is a whole TensorFlow Lite model (.tflite)")}
			}
			s := m.Summary()
			if a.json {
				return a.print(s)
			}
			return printSummary(a.stdout, s)
		},
	}
}

func readModel(path string) (*file.Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() || info.Size() > maxModel {
		return nil, fmt.Errorf("a folder, or larger than %d MiB", maxModel>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return file.Parse(data)
}
