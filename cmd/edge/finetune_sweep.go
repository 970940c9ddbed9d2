package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/hint"
)

// sweepFlags are the flags of `edge finetune sweep` beyond those of its runs.
type sweepFlags struct {
	finetuneFlags
	fractions []float64
	seeds     []uint
	only      int
}

func (a *app) finetuneSweepCommand() *cobra.Command {
	f := &sweepFlags{}
	cmd := &cobra.Command{
		Use:   "sweep --dir DIR",
		Short: "Fine-tune with several fractions and seeds, and compare",
		Long: `Fine-tune once for each share of layers in --unfreeze and each seed in --seeds,
one after the other, each in a process of its own so that its memory can be told,
and compare accuracy, loss, gap, time and memory. The other flags are those of
"edge finetune", for every run alike.

Each run has a folder in --out. A sweep that was interrupted goes on where it
was: runs that have ended are not repeated. --only N does one of the runs, from
0, and no comparison: the job of one machine of many that share --out, a folder on
a disk or in an object store.`,
		Example: `  edge finetune sweep --dir ./photos --unfreeze 0,0.1,0.2,0.5 --seeds 1,2,3
  edge finetune sweep --dir ./photos --only 4 --out /shared/sweep
  edge finetune sweep --dir s3://fleet/photos --only 4 --out s3://fleet/sweep`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			recipe, err := f.chosen(cmd, a.seed)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			if _, err := f.tasks(cmd, a.task); err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			runs, err := f.runs(cmd, recipe)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			return a.finetuneSweep(cmd.Context(), f, runs)
		},
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.Float64SliceVar(&f.fractions, "unfreeze", []float64{0, 0.1, 0.2, 0.5}, "shares of the base's layers that train")
	flags.UintSliceVar(&f.seeds, "seeds", []uint{1}, "seeds")
	flags.IntVar(&f.only, "only", -1, "do this one of the runs, from 0, and compare nothing; -1: all")
	flags.StringVar(&f.out, "out", "sweep", "folder of the runs and the comparison, or s3://BUCKET/FOLDER")
	cobra.CheckErr(cmd.MarkFlagDirname("out"))
	return cmd
}

// sweepRun is one of the runs: its folder, what it does and its command line.
type sweepRun struct {
	out    string
	recipe finetune.Recipe
	args   []string
}

// runs are the runs of a sweep, all seeds of a fraction together.
func (f *sweepFlags) runs(cmd *cobra.Command, recipe finetune.Recipe) ([]sweepRun, error) {
	if len(f.fractions) == 0 || len(f.seeds) == 0 {
		return nil, errors.New("--unfreeze and --seeds take at least one number each")
	}
	var common []string
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "unfreeze", "seeds", "only", "out", "json", "quiet", "seed", "store":
			return
		}
		if list, ok := flag.Value.(pflag.SliceValue); ok && flag.Name == "dir" {
			for _, dir := range list.GetSlice() {
				common = append(common, "--dir="+dir)
			}
			return
		}
		common = append(common, "--"+flag.Name+"="+flagText(flag.Value))
	})
	var runs []sweepRun
	for _, fraction := range f.fractions {
		if !(fraction >= 0 && fraction <= 1) {
			return nil, fmt.Errorf("--unfreeze %v: want shares from 0 (the head alone) to 1 (every layer)", fraction)
		}
		share := strconv.FormatFloat(fraction, 'g', -1, 64)
		for _, seed := range f.seeds {
			n := strconv.FormatUint(uint64(seed), 10)
			out := under(f.out, "unfreeze-"+share, "seed-"+n)
			args := append([]string{"finetune", "--json", "--resume", "--unfreeze=" + share, "--seed=" + n, "--out=" + out}, common...)
			recipe.Fraction, recipe.Seed = fraction, uint64(seed)
			runs = append(runs, sweepRun{out, recipe, args})
		}
	}
	if f.only >= len(runs) {
		return nil, fmt.Errorf("--only %d: there are %d runs, from 0", f.only, len(runs))
	}
	return runs, nil
}

// flagText is a flag's value as the command line takes it.
func flagText(v pflag.Value) string {
	if list, ok := v.(pflag.SliceValue); ok {
		var b bytes.Buffer
		for i, s := range list.GetSlice() {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(s)
		}
		return b.String()
	}
	return v.String()
}

// finetuneSweep does the runs that are left, and compares all.
func (a *app) finetuneSweep(ctx context.Context, f *sweepFlags, runs []sweepRun) error {
	if err := finetune.Available(); err != nil {
		return err
	}
	source, err := a.prepareBase(ctx, f.base.ref)
	if err != nil {
		return err
	}
	if f.only >= 0 {
		runs = runs[f.only : f.only+1]
	}
	bar := newProgress(a.stderr, a.quiet)
	defer bar.close()
	sweep := &report.Sweep{Base: source.Name, Dirs: f.dirs, Version: version}
	for i, r := range runs {
		bar.update("sweep", r.out, i, len(runs))
		done, err := r.result(ctx)
		switch {
		case err != nil:
		case done != nil:
			err = r.same(done)
		default:
			done, err = a.sweepOne(ctx, r)
		}
		if err != nil {
			return err
		}
		sweep.Runs = append(sweep.Runs, report.SweepRun{
			Unfreeze: done.Unfreeze, Seed: r.recipe.Seed, Before: done.Before, After: done.After,
			Seconds: done.Seconds.Total, PeakRSSMiB: done.PeakRSSMiB, Path: r.out,
		})
	}
	bar.update("sweep", "done", len(runs), len(runs))
	bar.close()
	if f.only >= 0 {
		return a.printSweepRun(sweep.Runs[0])
	}
	return a.writeSweep(ctx, f.out, sweep)
}

// same refuses the result of a run that had other settings.
func (r sweepRun) same(done *report.FineTune) error {
	var was tunedRecipe
	if err := json.Unmarshal(done.Recipe, &was); err != nil {
		return fmt.Errorf("%s: %w", r.out, err)
	}
	if was.Recipe != r.recipe {
		return hint.Wrap(fmt.Errorf("%s holds a run with other settings", r.out), "give another --out, or remove the folder")
	}
	return nil
}

// sweepOne does a run in a process of its own.
func (a *app) sweepOne(ctx context.Context, r sweepRun) (*report.FineTune, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	store, sweepUp, err := r.ownStore()
	if err != nil {
		return nil, err
	}
	defer sweepUp()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, append(r.args, "--quiet", "--store="+store)...) //nolint:gosec // this very program
	cmd.Args[0] = os.Args[0]
	cmd.Stderr = &stderr
	// Interrupted, not killed: the run sweeps up behind itself.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		var failed struct {
			Error, Hint string
			Code        int
		}
		if json.Unmarshal(bytes.TrimSpace(out), &failed) == nil && failed.Error != "" {
			err = hint.Wrap(fmt.Errorf("%s: %s", r.out, failed.Error), failed.Hint)
			if failed.Code == exitInput { // so that whoever starts pods knows that another would fail too
				err = device.InputError{Err: err}
			}
			return nil, err
		}
		return nil, fmt.Errorf("%s: %w: %s", r.out, err, bytes.TrimSpace(stderr.Bytes()))
	}
	done, err := r.result(ctx)
	if err == nil && done == nil {
		err = fmt.Errorf("%s: the run ended without a result", r.out)
	}
	return done, errors.Join(err, r.forget())
}

func (a *app) printSweepRun(r report.SweepRun) error {
	if a.json {
		return a.print(r)
	}
	_, err := fmt.Fprintf(a.stdout, "%s: validation %.1f %%, %.1f s\n", r.Path, 100*r.After.Val.Accuracy, r.Seconds)
	return err
}

// writeSweep writes the comparison and prints it.
func (a *app) writeSweep(ctx context.Context, out string, s *report.Sweep) error {
	s.Report = under(out, device.ReportName)
	var page bytes.Buffer
	if err := report.SweepHTML(&page, s); err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := putSweep(ctx, out, page.Bytes(), append(data, '\n')); err != nil {
		return err
	}
	if a.json {
		return a.print(s)
	}
	return report.SweepText(a.stdout, s, textOptions(a.stdout))
}
