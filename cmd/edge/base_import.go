package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/base"
)

func (a *app) baseImportCommand() *cobra.Command {
	o := base.ImportOptions{}
	var normalise string
	var force bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a base of a model file and give it a name",
		Long: `Make a base of a model file: a MobileNet or EfficientNet-Lite like image
classifier or feature extractor, float or quantised, as .tflite. A classifier is
cut at its pooled features, its classes are kept for information. What was found
and decided is printed, and can be decided otherwise.

MobileNetV2 of any width is also read as Keras saves it, weights (.h5, .weights.h5)
or whole models (.h5, .keras), without Keras: batch norm is folded into the
convolutions, and --input may be any size from 32 pixels on.

The base then runs in a child process: it must survive that, and give features
that are numbers, differ from picture to picture, and are always the same.
Nothing is kept of a model that fails.`,
		Example: `  edge base import mobilenet_v2_1.0_224_quant.tflite
  edge base import mobilenet_v2_1.0_224_quant.tflite --input 128 --name small
  edge base import mobilenet_v2_0.35_224_no_top.weights.h5 --input 128
  edge base import odd.tflite --features 'block_12_add/add' --normalise 0,1
  edge adapt --dir ./samples --base small`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			if cmd.Flags().Changed("normalise") {
				r, err := parseRange(normalise)
				if err != nil {
					return usageError{err, cmd.CommandPath()}
				}
				o.Normalise = &r
			}
			e, err := a.importBase(cmd, o, force)
			if err != nil {
				return device.InputOr(err)
			}
			return a.printNewEntry(e)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Name, "name", "", "name of the base; default: the file's, and the size if it is changed")
	flags.IntVar(&o.Input, "input", 0, "side of the input in `pixels`; 0: as the model has it")
	flags.StringVar(&o.Features, "features", "", "`tensor` that the features are, by its name or as #12; default: it is found")
	flags.StringVar(&normalise, "normalise", "", "what the bytes 0 and 255 of a picture become, as `MIN,MAX`; default: as the file says")
	flags.BoolVar(&force, "force", false, "replace a base of the same name")
	return cmd
}

// printNewEntry says what a base that came into the library is, and its use.
func (a *app) printNewEntry(e base.Entry) error {
	if a.json {
		return a.print(e)
	}
	if err := printEntry(a.stdout, e); err != nil || a.quiet {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "Use it: edge adapt --dir DIR --base %s\n", e.Name)
	return err
}

// importBase reads, makes, tries and keeps a base.
func (a *app) importBase(cmd *cobra.Command, o base.ImportOptions, force bool) (base.Entry, error) {
	library, err := a.openLibrary()
	if err != nil {
		return base.Entry{}, err
	}
	data, err := base.ReadFile(o.File)
	if err != nil {
		return base.Entry{}, fmt.Errorf("import %s: %w", o.File, err)
	}
	draft, err := base.NewDraft(data, o)
	if err != nil {
		return base.Entry{}, err
	}
	draft.Replace = force
	return library.Add(cmd.Context(), draft)
}

// parseRange reads MIN,MAX.
func parseRange(s string) (base.Range, error) {
	low, high, ok := strings.Cut(s, ",")
	if ok {
		least, err := strconv.ParseFloat(strings.TrimSpace(low), 32)
		most, err2 := strconv.ParseFloat(strings.TrimSpace(high), 32)
		if err == nil && err2 == nil && least < most && !math.IsInf(most-least, 0) {
			return base.Range{Min: float32(least), Max: float32(most)}, nil
		}
	}
	return base.Range{}, fmt.Errorf("--normalise %q: want MIN,MAX, such as -1,1 or 0,1 or 0,255", s)
}
