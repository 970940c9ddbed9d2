package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/hint"
)

// evaluation is what `edge eval --json` prints.
type evaluation struct {
	Task       string         `json:"task"`
	Generation int            `json:"generation"`
	Dir        string         `json:"dir"`
	Split      string         `json:"split"`
	Labels     []string       `json:"labels"`
	Measures   adapt.Measures `json:"measures"`
	Skipped    []adapt.Skip   `json:"skipped,omitempty"`
}

func (a *app) evalCommand() *cobra.Command {
	var base baseFlags
	var dir, split string
	var generation int
	cmd := &cobra.Command{
		Use:   "eval --dir DIR",
		Short: "Measure a generation on a folder of labelled images",
		Long: `Measure a generation on DIR, which holds a folder a class, named as the classes
of the task are. Where DIR has train, val and test folders, the test images
count, and all images where it has none; --split chooses otherwise.`,
		Example: `  edge eval --dir ./more
  edge eval --dir ./photos --split val --generation 3`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needDir(cmd, dir); err != nil {
				return err
			}
			switch split {
			case "", "all", "train", "val", "test":
			default:
				return usageError{fmt.Errorf("--split %s: want all, train, val or test", split), cmd.CommandPath()}
			}
			c, err := a.openClassifier(cmd.Context(), generation, base)
			if err != nil {
				return err
			}
			defer c.close()
			folder, done, err := a.samplesFolder(cmd.Context(), dir)
			if err != nil {
				return err
			}
			defer done()
			e, err := a.evaluate(cmd.Context(), c, folder, split)
			if err != nil {
				return device.InputOr(err)
			}
			e.Dir = dir
			if a.json {
				return a.print(e)
			}
			for _, s := range e.Skipped {
				a.warn("skipped %s: %s", s.Path, s.Reason)
			}
			return report.MeasuresText(a.stdout, e.Split, e.Measures, e.Labels, textOptions(a.stdout))
		},
	}
	base.registerRunning(cmd)
	cmd.Flags().StringVar(&dir, "dir", "", "folder of images, a folder a class")
	cmd.Flags().StringVar(&split, "split", "", "images to measure on: all, train, val or test")
	cmd.Flags().IntVar(&generation, "generation", 0, "generation to measure; 0: the one in use")
	cobra.CheckErr(cmd.MarkFlagDirname("dir"))
	return cmd
}

// evaluate measures c on the images of dir.
func (a *app) evaluate(ctx context.Context, c *classifier, dir, split string) (*evaluation, error) {
	labels := c.generation.Labels
	d, err := adapt.List(ctx, dir)
	if err != nil {
		return nil, err
	}
	if err := d.Relabel(labels); err != nil {
		return nil, err
	}
	bar := newProgress(a.stderr, a.quiet)
	defer bar.close()
	extractor := c.base.Extractor()
	features, err := extractor.Extract(ctx, d, func(done, total int) {
		bar.update("features", "features", done, total)
	}, a.goOnWithout)
	bar.close()
	if err != nil {
		return nil, err
	}
	d.Prune()
	if split == "" {
		split = "all"
		if d.Count(adapt.SplitTest) > 0 {
			split = "test"
		}
	}
	set := d.Set(features, func(s adapt.Sample) bool { return split == "all" || string(s.Split) == split })
	if len(set.Labels) == 0 {
		return nil, hint.Wrap(fmt.Errorf("%s: no usable image in split %q", dir, split), "try --split all")
	}
	return &evaluation{
		Task: a.task, Generation: c.generation.Generation, Dir: dir, Split: split, Labels: labels,
		Measures: adapt.Evaluate(c.head, set, labels), Skipped: d.Skipped,
	}, nil
}
