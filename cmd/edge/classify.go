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
	Generation int      `json:"generation"`
	Error      string   `json:"error,omitempty"`
}

func (a *app) classifyCommand() *cobra.Command {
	var base baseFlags
	var generation, top int
	cmd := &cobra.Command{
		Use:   "classify IMAGE…",
		Short: "Say what images show",
		Long: `Say what images show, a line an image: label, probability, file. "-" reads an
image from standard input. An image that cannot be read is named on standard
error, the others are still classified, and the exit code is 3.`,
		Example: `  edge classify photo.jpg
  edge classify --json --top 3 *.jpg`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, images []string) error {
			base.noCache = true
			c, err := a.openClassifier(cmd.Context(), generation, base)
			if err != nil {
				return err
			}
			defer c.close()
			failed := false
			for _, path := range images {
				ok, err := a.classifyOne(c, path, top)
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
	cmd.Flags().IntVar(&top, "top", 5, "classes to list with --json")
	cmd.Flags().IntVar(&generation, "generation", 0, "generation to use; 0: the one in use")
	base.registerInterpreter(cmd)
	return cmd
}

// classifyOne prints what one image shows, and reports whether it could.
func (a *app) classifyOne(c *classifier, path string, top int) (bool, error) {
	out := answer{Image: path, Generation: c.generation.Generation}
	data, err := a.readImage(path)
	if err == nil {
		out.Top, err = c.classify(data)
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
	out.Top = out.Top[:max(1, min(top, len(out.Top)))]
	if a.json {
		return true, a.print(out)
	}
	_, err = fmt.Fprintf(a.stdout, "%s\t%.3f\t%s\n", out.Label, out.Score, path)
	return true, err
}
