package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// answer is one line of `edge classify --json`.
type answer struct {
	Image      string   `json:"image"`
	Label      string   `json:"label,omitempty"`
	Score      float32  `json:"score"`
	Top        []ranked `json:"top,omitempty"`
	Unknown    bool     `json:"unknown"`            // it shows none of the classes: label means little
	Distance   float32  `json:"distance,omitempty"` // to the nearest class; 1 is the generation's threshold, 0: not known
	Generation int      `json:"generation"`
	Error      string   `json:"error,omitempty"`
}

// classifyFlags are the flags of `edge classify`.
type classifyFlags struct {
	generation, top int
	unknownAbove    float32
	noCalibration   bool
}

func (a *app) classifyCommand() *cobra.Command {
	var base baseFlags
	var f classifyFlags
	cmd := &cobra.Command{
		Use:   "classify IMAGE…",
		Short: "Say what images show",
		Long: `Say what images show, a line an image: label, probability, file. "-" reads an
image from standard input. An image that cannot be read is named on standard
error, the others are still classified, and the exit code is 3.

Probabilities are calibrated on the images that were held back in training. An
image that is unlike all classes is called unknown, without a probability; with
--json it has "unknown": true beside the likeliest label. Generations that were
made with few images, or by an older edge, call nothing unknown.`,
		Example: `  edge classify photo.jpg
  edge classify --json --top 3 *.jpg`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, images []string) error {
			base.noCache = true
			if !(f.unknownAbove >= 0) {
				return usageError{fmt.Errorf("--unknown-above %v: want 0 (never) or more, 1 is the generation's own", f.unknownAbove), cmd.CommandPath()}
			}
			c, err := a.openClassifier(cmd.Context(), f.generation, base)
			if err != nil {
				return err
			}
			defer c.close()
			if f.noCalibration {
				c.calibration = nil
			}
			failed := false
			for _, path := range images {
				ok, err := a.classifyOne(c, path, f)
				if err != nil {
					return err
				}
				failed = failed || !ok
			}
			if failed {
				return errSilent
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&f.top, "top", 5, "classes to list with --json")
	cmd.Flags().IntVar(&f.generation, "generation", 0, "generation to use; 0: the one in use")
	cmd.Flags().Float32Var(&f.unknownAbove, "unknown-above", 1, "distance above which an image is unknown; 1: the generation's threshold; 0: nothing is unknown")
	cmd.Flags().BoolVar(&f.noCalibration, "no-calibration", false, "print the head's own scores, and call nothing unknown")
	base.registerInterpreter(cmd)
	return cmd
}

// classifyOne prints what one image shows, and reports whether it could.
func (a *app) classifyOne(c *classifier, path string, f classifyFlags) (bool, error) {
	out := answer{Image: path, Generation: c.generation.Generation}
	data, err := a.readImage(path)
	if err == nil {
		out.Top, out.Distance, err = c.classify(data)
	}
	if err != nil {
		out.Error = err.Error()
		if a.json {
			return false, a.print(out)
		}
		_, printErr := fmt.Fprintf(a.stderr, "edge: %s: %v\n", path, err)
		return false, printErr
	}
	out.Label, out.Score = out.Top[0].Label, out.Top[0].Score
	out.Top = out.Top[:max(1, min(f.top, len(out.Top)))]
	out.Unknown = f.unknownAbove > 0 && !(out.Distance <= f.unknownAbove)
	if a.json {
		return true, a.print(out)
	}
	if out.Unknown {
		_, err = fmt.Fprintf(a.stdout, "unknown\t-\t%s\n", path)
		return true, err
	}
	_, err = fmt.Fprintf(a.stdout, "%s\t%.3f\t%s\n", out.Label, out.Score, path)
	return true, err
}
