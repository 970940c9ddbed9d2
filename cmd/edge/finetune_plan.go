package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/report"
)

// finetunePlan is what `edge finetune plan --json` prints.
type finetunePlan struct {
	Base     string          `json:"base"`
	Unfreeze report.Unfreeze `json:"unfreeze"`
	network.Plan
	Batch       int   `json:"batch"`
	MemoryBytes int64 `json:"memory_bytes"` // of the trainer, estimated
	// StepSeconds is what a step would take here, judged by how fast the base
	// runs; 0: unknown.
	StepSeconds float64 `json:"step_seconds"`
	// StepMACs are the multiply-accumulates of a step of phase 2: the top
	// forwards and back.
	StepMACs int64 `json:"step_macs"`
}

func (a *app) finetunePlanCommand() *cobra.Command {
	f := &finetuneFlags{}
	seed, _ := finetune.NamedRecipe("seed")
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Print what would train, without training",
		Long: `Print the layers of a base as Keras counts them, which of them would train, how
many parameters that is, and what a step would take of time and memory. Nothing
is trained, so TensorFlow is not needed: the time is judged by how fast the base
itself runs on this machine.`,
		Example: `  edge finetune plan
  edge finetune plan --base mobilenet_v2.tflite --unfreeze 0.5
  edge finetune plan --unfreeze-from block_14_expand --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.recipe, f.valFraction = "seed", 0.2
			recipe, err := f.chosen(cmd, a.seed)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			return a.finetunePlan(cmd.Context(), f.base, recipe)
		},
	}
	cmd.Flags().StringVar(&f.base.ref, "base", "", "a .tflite file; default: the base that edge brings along")
	cmd.Flags().IntVar(&f.config.Batch, "batch", seed.Batch, "images a step")
	cmd.Flags().StringVar(&f.bn, "bn", string(seed.BatchNorm), "batch norm: folded (stays as it is) or batch (trains on each batch)")
	f.registerUnfreeze(cmd)
	return cmd
}

func (a *app) finetunePlan(ctx context.Context, flags baseFlags, recipe finetune.Recipe) error {
	flags.noCache = true
	b, err := a.openBase(ctx, flags)
	if err != nil {
		return err
	}
	defer b.Close()
	source := b.Source
	data, err := os.ReadFile(source.Path)
	if err != nil {
		return err
	}
	n, s, err := finetune.Select(data, recipe)
	if err != nil {
		return device.InputError{Err: fmt.Errorf("base %s: %w", source.Name, err)}
	}
	plan := finetunePlan{
		Base: source.Name, Unfreeze: unfrozen(&finetune.Tuned{Network: n, Selection: s}, recipe),
		Plan: n.Plan(s), Batch: recipe.Batch,
	}
	plan.MemoryBytes = plan.Memory(plan.Batch)
	plan.StepMACs = 3 * plan.TopMACs * int64(plan.Batch)
	perMAC, err := timeOf(b, plan.PrefixMACs+plan.TopMACs)
	if err != nil {
		return err
	}
	plan.StepSeconds = perMAC * slower * float64(plan.StepMACs)
	if a.json {
		return a.print(plan)
	}
	return printPlan(a.stdout, plan)
}

// slower is how many times longer TensorFlow takes for a multiply-accumulate of
// training than TensorFlow Lite does for one of running: an estimate, from steps
// of MobileNetV2 1.0 on two x86-64 cores.
const slower = 2.5

// timeOf returns the seconds of one of the multiply-accumulates that a base
// needs for a picture: the fastest of some runs.
func timeOf(b *device.Base, macs int64) (float64, error) {
	pixels, features := make([]float32, b.Source.Preprocessing.Len()), make([]float32, b.Source.Features)
	fastest := math.Inf(1)
	for range 10 {
		start := time.Now()
		if err := b.Embed(features, pixels); err != nil {
			return 0, err
		}
		fastest = min(fastest, time.Since(start).Seconds())
	}
	return fastest / float64(macs), nil
}

func printPlan(w io.Writer, p finetunePlan) error {
	layers := newTable("#", "layer", "kind", "output", "parameters", "")
	for i, row := range p.Layers {
		mark := ""
		if row.Trains {
			mark = "trains"
		}
		layers.AppendRow([]any{i + 1, row.Name, row.Kind, shape(row.Shape), count(row.Parameters), mark})
	}
	facts := newTable()
	facts.AppendRow([]any{"base", p.Base})
	from := "none: the head alone trains"
	if p.Unfrozen > 0 {
		from = fmt.Sprintf("the last %d of %d, from %s on; %d kernels train", p.Unfrozen, len(p.Layers), p.Unfreeze.From, p.Unfreeze.Kernels)
	}
	facts.AppendRow([]any{"unfrozen", from})
	facts.AppendRow([]any{"parameters", fmt.Sprintf("%d of %d train, and the head's", p.Trainable, p.Parameters)})
	facts.AppendRow([]any{"work", fmt.Sprintf("%.0f million multiply-accumulates a picture once, then %.0f million a step of %d pictures",
		float64(p.PrefixMACs)/1e6, float64(p.StepMACs)/1e6, p.Batch)})
	facts.AppendRow([]any{"time", fmt.Sprintf("about %.0f ms a step on this machine", 1000*p.StepSeconds)})
	facts.AppendRow([]any{"kept", fmt.Sprintf("%.1f KiB a picture on disk: %s", float64(p.FrontierBytes)/1024, shapes(p.Frontier))})
	facts.AppendRow([]any{"memory", fmt.Sprintf("about %d MiB in steps of %d", p.MemoryBytes>>20, p.Batch)})
	_, err := fmt.Fprintf(w, "%s\n\n%s\n", layers.Render(), facts.Render())
	return err
}

func shapes(all [][]int) string {
	texts := make([]string, len(all))
	for i, s := range all {
		texts[i] = shape(s)
	}
	return strings.Join(texts, " and ")
}
