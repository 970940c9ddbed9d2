package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/camera/pixel"
)

// adaptFlags are the flags of `edge adapt`.
type adaptFlags struct {
	dir         string
	base        baseFlags
	recipe      string
	resize      resizeFlag
	config      adapt.TrainConfig // what the flags below the recipe override
	valFraction float64
	tensorboard string
	noActivate  bool
	watch       bool
	settle      time.Duration
	progress    string
}

func (a *app) adaptCommand() *cobra.Command {
	f := &adaptFlags{config: adapt.DefaultRecipe()}
	cmd := &cobra.Command{
		Use:   "adapt --dir DIR",
		Short: "Train a head on a folder of labelled images",
		Long: `Train a head on DIR, which holds a folder a class, each with images of that
class. Folders train, val and test inside DIR are honoured; without them a fifth
of the images is held back to measure the head.

The result becomes the task's next generation and is used from then on. A run
that fails or is killed leaves the generation before it in use.

With --watch edge stays, and adapts again whenever DIR has changed and has then
been still for a moment; a line a run, until Ctrl-C. Only new images go through
the base.`,
		Example: `  edge adapt --dir ./samples
  edge adapt --dir ./samples --recipe seed --seed 3
  edge adapt --dir ./samples --base mobilenet_v2.tflite --json
  edge adapt --dir ./samples --watch`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := needDir(cmd, f.dir); err != nil {
				return err
			}
			recipe, err := f.chosen(cmd, a.seed)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			if f.settle <= 0 {
				return usageError{fmt.Errorf("--settle %v: want more than 0", f.settle), cmd.CommandPath()}
			}
			if f.watch {
				return a.adaptWatching(cmd.Context(), f, recipe)
			}
			dir, done, err := a.samplesFolder(cmd.Context(), f.dir)
			if err != nil {
				return err
			}
			defer done()
			f.dir = dir
			return a.adapt(cmd.Context(), f, recipe)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "folder of images, a folder a class; or a Teachable Machine project (.tm)")
	f.base.register(cmd)
	flags.Lookup("base").Usage = "a .tflite file, or current: that of the generation in use; default: the base that edge brings along"
	flags.StringVar(&f.recipe, "recipe", "default", "default: until validation stops improving; seed: the reference, 5 epochs at 0.001")
	f.resize.register(cmd)
	flags.IntVar(&f.config.Hidden, "hidden", f.config.Hidden, "units of the hidden layer; 0: no hidden layer")
	flags.Float64Var(&f.config.Dropout, "dropout", f.config.Dropout, "share of hidden units dropped while training")
	flags.Float64Var(&f.config.Rate, "rate", f.config.Rate, "learning rate of Adam")
	flags.IntVar(&f.config.Epochs, "epochs", f.config.Epochs, "epochs at most")
	flags.IntVar(&f.config.Patience, "patience", f.config.Patience, "epochs without improvement before stopping; 0: never stop, keep the last epoch")
	flags.IntVar(&f.config.Batch, "batch", f.config.Batch, "images a step")
	flags.StringVar(&f.config.ClassWeights, "class-weights", f.config.ClassWeights, `"balanced" weighs rare classes up`)
	flags.Float64Var(&f.valFraction, "val-fraction", 0.2, "share of the images held back when there is no val folder")
	flags.StringVar(&f.tensorboard, "tensorboard", "", "also write TensorBoard event files into this folder")
	flags.BoolVar(&f.noActivate, "no-activate", false, "keep the generation without using it: edge models activate N does")
	flags.BoolVar(&f.watch, "watch", false, "stay, and adapt again whenever the images have changed")
	flags.DurationVar(&f.settle, "settle", 2*time.Second, "how long the images must be still before --watch adapts")
	flags.StringVar(&f.progress, "progress", "", "lines: how far it is as JSON lines on standard error") // for the daemon
	cobra.CheckErr(flags.MarkHidden("progress"))
	cobra.CheckErr(cmd.MarkFlagDirname("dir"))
	cobra.CheckErr(cmd.MarkFlagDirname("tensorboard"))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("recipe", cobra.FixedCompletions([]string{"default", "seed"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// needDir refuses a command without --dir.
func needDir(cmd *cobra.Command, dir string) error {
	if dir == "" {
		return usageError{errors.New("--dir is missing: the folder of images, a folder a class"), cmd.CommandPath()}
	}
	return nil
}

// chosen is the named recipe with the flags that were given put over it.
func (f *adaptFlags) chosen(cmd *cobra.Command, seed uint64) (adapt.TrainConfig, error) {
	var c adapt.TrainConfig
	switch f.recipe {
	case "default":
		c = adapt.DefaultRecipe()
	case "seed":
		c = adapt.SeedRecipe()
	default:
		return c, fmt.Errorf("--recipe %s: want default or seed", f.recipe)
	}
	given := cmd.Flags().Changed
	override(given("hidden"), &c.Hidden, f.config.Hidden)
	override(given("dropout"), &c.Dropout, f.config.Dropout)
	override(given("rate"), &c.Rate, f.config.Rate)
	override(given("epochs"), &c.Epochs, f.config.Epochs)
	override(given("patience"), &c.Patience, f.config.Patience)
	override(given("batch"), &c.Batch, f.config.Batch)
	override(given("class-weights"), &c.ClassWeights, f.config.ClassWeights)
	c.Seed = seed
	if _, err := f.resize.chosen(""); err != nil {
		return c, err
	}
	if f.valFraction <= 0 || f.valFraction >= 1 {
		return c, fmt.Errorf("--val-fraction %v: want more than 0 and less than 1", f.valFraction)
	}
	return c, c.Validate()
}

func override[T any](given bool, dst *T, value T) {
	if given {
		*dst = value
	}
}

// preprocessing is the base's, resized as the flags or the recipe say.
func (f *adaptFlags) preprocessing(p pixel.Preprocessing) (pixel.Preprocessing, error) {
	var recipe pixel.Resize
	if f.recipe == "seed" {
		recipe = adapt.SeedResize
	}
	rule, err := f.resize.chosen(recipe)
	if err != nil {
		return p, err
	}
	if rule != "" {
		p.Resize = rule
	}
	return p, p.Validate()
}

// adapt trains, stores and reports.
func (a *app) adapt(ctx context.Context, f *adaptFlags, recipe adapt.TrainConfig) error {
	run, err := a.adaptOnce(ctx, f, recipe)
	if err != nil {
		return err
	}
	if a.json {
		return a.print(run)
	}
	return report.Text(a.stdout, run, textOptions(a.stdout))
}

// adaptOnce trains and stores.
func (a *app) adaptOnce(ctx context.Context, f *adaptFlags, recipe adapt.TrainConfig) (*report.Run, error) {
	store, err := a.openStore()
	if err != nil {
		return nil, err
	}
	base, err := a.openBaseOrCurrent(ctx, store, f.base)
	if err != nil {
		return nil, err
	}
	defer base.Close()
	if base.Source.Preprocessing, err = f.preprocessing(base.Source.Preprocessing); err != nil {
		return nil, err
	}
	curves, err := openCurves(f.tensorboard)
	if err != nil {
		return nil, err
	}
	defer curves.close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)

	bar := newProgress(a.stderr, a.quiet || f.watch) // which says a line a run
	bar.lines = f.progress == "lines"
	defer bar.close()
	return device.Adapt(ctx, device.Config{
		Store: store, Task: a.task, Dir: f.dir, Base: base, Recipe: recipe,
		Split:      adapt.SplitOptions{Seed: a.seed, ValFraction: f.valFraction},
		NoActivate: f.noActivate, Version: version, Warn: a.goOnWithout,
		Progress: func(p adapt.Progress) {
			showStep(bar, p)
			if p.Epoch == nil {
				return
			}
			if err := curves.epoch(*p.Epoch); err != nil {
				fail(err)
			}
		},
	})
}

// showStep shows one step of adapt.Run.
func showStep(bar *progress, p adapt.Progress) {
	message := "features"
	if e := p.Epoch; e != nil {
		message = fmt.Sprintf("epoch %d: loss %.3f, validation %.1f %%", e.Epoch, e.Loss, 100*e.ValAccuracy)
	}
	bar.update(string(p.Stage), message, p.Done, p.Total)
}
