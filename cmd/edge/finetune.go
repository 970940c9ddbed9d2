package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/models"
)

// finetuneFlags are the flags of `edge finetune`, those that its subcommands
// have too among them.
type finetuneFlags struct {
	dirs        []string
	base        baseFlags
	recipe      string
	config      finetune.Recipe // what the flags below the recipe override
	epochs      []int
	rates       []float64
	bn          string
	resize      resizeFlag
	augment     bool
	calibrate   string
	valFraction float64
	int8        bool
	out         string
	resume      bool
	scratch     string
	tensorboard string
	against     string
}

func (a *app) finetuneCommand() *cobra.Command {
	f := &finetuneFlags{}
	cmd := &cobra.Command{
		Use:   "finetune --dir DIR",
		Short: "Train the top layers of a base and a head, on a server",
		Long: `Train a base's top layers together with a head on DIR, which holds images as
"edge adapt" takes them. Phase 1 trains the head alone, as a device does; phase 2
goes on with the head and the last part of the base, at a smaller rate. After
every epoch a checkpoint is written, and the best epoch is kept: the result is
never below phase 1 on the validation images.

With several --dir the tasks share the base and get a head each. Each folder
then names its task.

What comes out is a base of the same operators, base.tflite in the folder of
--out, the heads, a report, and a new generation of each task in the store, in
use from then on.

Layers are counted as Keras counts them: MobileNetV2 has 154, and --unfreeze 0.2
trains the last 30. "edge finetune plan" lists them.

Batch norm is folded into the kernels of a .tflite file and stays as it is
(--bn folded). --bn batch puts it back and trains it on the statistics of each
batch. What its layers saw when the base was made is not in the file any more:
it is measured on the training pictures or, better, on pictures like those that
the base was made with (--bn-calibrate).

This needs TensorFlow: a program made by "make trainer".`,
		Example: `  edge finetune --dir ./photos --base mobilenet_v2.tflite --out ./tuned
  edge finetune --dir ./photos --out ./tuned --resume
  edge finetune --dir ./lamps --dir ./valves --unfreeze 0.5 --epochs 5,20
  edge finetune --dir ./few --recipe generalise
  edge finetune plan --unfreeze 0.1
  edge finetune sweep --dir ./photos --unfreeze 0,0.1,0.2,0.5 --seeds 1,2,3`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			recipe, err := f.chosen(cmd, a.seed)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			tasks, err := f.tasks(cmd, a.task)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			return a.finetune(cmd.Context(), f, recipe, tasks)
		},
	}
	f.register(cmd)
	f.registerUnfreeze(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "finetuned", "folder of the result and the checkpoints, or s3://BUCKET/FOLDER")
	flags.BoolVar(&f.resume, "resume", false, "go on from the last checkpoint in --out, if there is one")
	flags.StringVar(&f.tensorboard, "tensorboard", "", "also write TensorBoard event files into this folder")
	flags.StringVar(&f.against, "against", "", "folder of another run, to stand as \"before\" in the table")
	cobra.CheckErr(cmd.MarkFlagDirname("out"))
	cobra.CheckErr(cmd.MarkFlagDirname("tensorboard"))
	cobra.CheckErr(cmd.MarkFlagDirname("against"))
	cmd.AddCommand(a.finetunePlanCommand(), a.finetuneSweepCommand())
	return cmd
}

// register registers what every command that trains has.
func (f *finetuneFlags) register(cmd *cobra.Command) {
	f.config, _ = finetune.NamedRecipe("seed")
	flags := cmd.Flags()
	flags.StringArrayVar(&f.dirs, "dir", nil, "folder of images, a folder a class, or s3://BUCKET/FOLDER; may be given several times, a task each")
	f.base.register(cmd)
	flags.StringVar(&f.recipe, "recipe", "seed", "seed: the reference, 5 and 5 epochs; generalise: against learning by heart, for few images")
	flags.IntSliceVar(&f.epochs, "epochs", f.config.Epochs[:], "epochs of the two phases at most")
	flags.Float64SliceVar(&f.rates, "rates", f.config.Rates[:], "learning rates of the two phases")
	flags.IntVar(&f.config.Batch, "batch", f.config.Batch, "images a step")
	flags.IntVar(&f.config.Hidden, "hidden", f.config.Hidden, "units of the heads' hidden layer; 0: no hidden layer")
	flags.Float64Var(&f.config.Dropout, "dropout", f.config.Dropout, "share of hidden units dropped while training")
	flags.StringVar(&f.bn, "bn", string(f.config.BatchNorm), "batch norm: folded (stays as it is) or batch (trains on each batch)")
	f.resize.register(cmd)
	flags.StringVar(&f.calibrate, "bn-calibrate", "", "with --bn batch: folder of pictures like those that the base was made with")
	flags.IntVar(&f.config.Patience, "patience", f.config.Patience, "epochs of phase 2 without improvement before stopping; 0: never stop")
	flags.BoolVar(&f.augment, "augment", false, "change training pictures anew in each epoch, each way below to the usual degree; takes several times as long")
	flags.BoolVar(&f.config.Flip, "flip", false, "mirror every other training picture, left to right")
	flags.Float64Var(&f.config.Crop, "crop", 0, "smallest share of a training picture's area that is kept; 0: all of it")
	flags.Float64Var(&f.config.Rotate, "rotate", 0, "degrees by which training pictures are turned at most")
	flags.Float64Var(&f.config.Light, "light", 0, "how far brightness, contrast and saturation of training pictures stray from 1")
	flags.Float64Var(&f.config.Erase, "erase", 0, "largest share of a training picture's area that is hidden")
	flags.Float64Var(&f.config.Mix, "mix", 0, "share of training pictures that another one is blended into")
	flags.Float64Var(&f.config.LabelSmoothing, "label-smoothing", f.config.LabelSmoothing, "share of each target spread over all classes")
	flags.Float64Var(&f.config.WeightDecay, "weight-decay", f.config.WeightDecay, "decay of kernels, as AdamW has it")
	flags.Float64Var(&f.valFraction, "val-fraction", 0.2, "share of the images held back when there is no val folder")
	flags.BoolVar(&f.int8, "int8", false, "also write the new base quantised to int8")
	flags.StringVar(&f.scratch, "scratch", "", "folder of temporary files, which hold what is too much for memory (default the system's)")
	cobra.CheckErr(cmd.MarkFlagDirname("dir"))
	cobra.CheckErr(cmd.MarkFlagDirname("bn-calibrate"))
	cobra.CheckErr(cmd.MarkFlagDirname("scratch"))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("recipe", cobra.FixedCompletions(finetune.RecipeNames(), cobra.ShellCompDirectiveNoFileComp)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("bn", cobra.FixedCompletions([]string{"folded", "batch"}, cobra.ShellCompDirectiveNoFileComp)))
}

// registerUnfreeze registers how much of the base trains.
func (f *finetuneFlags) registerUnfreeze(cmd *cobra.Command) {
	seed, _ := finetune.NamedRecipe("seed")
	cmd.Flags().Float64Var(&f.config.Fraction, "unfreeze", seed.Fraction, "share of the base's layers that trains, the last ones")
	cmd.Flags().StringVar(&f.config.From, "unfreeze-from", "", "name of the first layer that trains, instead of --unfreeze")
	cmd.MarkFlagsMutuallyExclusive("unfreeze", "unfreeze-from")
}

// chosen is the named recipe with the flags that were given put over it.
func (f *finetuneFlags) chosen(cmd *cobra.Command, seed uint64) (finetune.Recipe, error) {
	r, ok := finetune.NamedRecipe(f.recipe)
	if !ok {
		return r, fmt.Errorf("--recipe %s: want %s", f.recipe, strings.Join(finetune.RecipeNames(), " or "))
	}
	given := func(name string) bool { return cmd.Flags().Lookup(name) != nil && cmd.Flags().Changed(name) }
	if given("epochs") {
		if len(f.epochs) != 2 {
			return r, errors.New("--epochs takes two numbers, of the head alone and of the head with the top, such as 5,5")
		}
		r.Epochs = [2]int(f.epochs)
	}
	if given("rates") {
		if len(f.rates) != 2 {
			return r, errors.New("--rates takes two numbers, of the head alone and of the head with the top, such as 1e-3,1e-4")
		}
		r.Rates = [2]float64(f.rates)
	}
	override(given("batch"), &r.Batch, f.config.Batch)
	override(given("hidden"), &r.Hidden, f.config.Hidden)
	override(given("dropout"), &r.Dropout, f.config.Dropout)
	override(given("unfreeze"), &r.Fraction, f.config.Fraction)
	if given("unfreeze-from") {
		r.Fraction, r.From = 0, f.config.From
	}
	override(given("bn"), &r.BatchNorm, finetune.BatchNorm(f.bn))
	override(given("patience"), &r.Patience, f.config.Patience)
	if f.augment {
		r.Config = finetune.UsualAugmentation()
	}
	override(given("flip"), &r.Flip, f.config.Flip)
	override(given("crop"), &r.Crop, f.config.Crop)
	override(given("rotate"), &r.Rotate, f.config.Rotate)
	override(given("light"), &r.Light, f.config.Light)
	override(given("erase"), &r.Erase, f.config.Erase)
	override(given("mix"), &r.Mix, f.config.Mix)
	override(given("label-smoothing"), &r.LabelSmoothing, f.config.LabelSmoothing)
	override(given("weight-decay"), &r.WeightDecay, f.config.WeightDecay)
	var err error
	if r.Resize, err = f.resize.chosen(r.Resize); err != nil {
		return r, err
	}
	r.Seed = seed
	if f.valFraction <= 0 || f.valFraction >= 1 {
		return r, fmt.Errorf("--val-fraction %v: want more than 0 and less than 1", f.valFraction)
	}
	if f.calibrate != "" && r.BatchNorm != finetune.Batch {
		return r, errors.New("--bn-calibrate needs --bn batch: folded batch norm keeps its statistics")
	}
	return r, r.Validate()
}

// tasks names the folders: the one with --task, several each by itself.
func (f *finetuneFlags) tasks(cmd *cobra.Command, task string) ([]finetune.Task, error) {
	if len(f.dirs) == 0 {
		return nil, errors.New("--dir is missing: the folder of images, a folder a class")
	}
	if len(f.dirs) == 1 {
		return []finetune.Task{{Name: task, Dir: f.dirs[0]}}, models.CheckTask(task)
	}
	if cmd.Flags().Changed("task") {
		return nil, errors.New("--task names one task, but there are several --dir: each folder names its own")
	}
	var tasks []finetune.Task
	seen := map[string]string{}
	for _, dir := range f.dirs {
		full, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		name := strings.ToLower(filepath.Base(full))
		if err := models.CheckTask(name); err != nil {
			return nil, fmt.Errorf("--dir %s: the folder's name becomes the task's: %w", dir, err)
		}
		if other, ok := seen[name]; ok {
			return nil, fmt.Errorf("--dir %s and --dir %s would both be task %s: rename one of the folders", other, dir, name)
		}
		seen[name] = dir
		tasks = append(tasks, finetune.Task{Name: name, Dir: dir})
	}
	return tasks, nil
}
