package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
)

// The names of what stands in the folder of --out.
const (
	tunedName       = "base.tflite"
	tunedInt8Name   = "base-int8.tflite"
	resultName      = "finetune.json"
	checkpointsName = "checkpoints"
)

// tuning is one `edge finetune` on its way.
type tuning struct {
	*app
	flags  *finetuneFlags
	recipe finetune.Recipe
	store  *models.Store
	drafts []*models.Draft // of each task
	parent *device.Base
	bar    *progress
	curves *liveCurves
	out    place
	start  time.Time
}

// finetune trains, stores and reports.
func (a *app) finetune(ctx context.Context, f *finetuneFlags, recipe finetune.Recipe, tasks []finetune.Task) error {
	if err := finetune.Available(); err != nil {
		return err
	}
	t := &tuning{app: a, flags: f, recipe: recipe, start: time.Now()}
	var err error
	if t.store, err = a.openStore(); err != nil {
		return err
	}
	for _, task := range tasks {
		draft, err := t.store.Begin(task.Name)
		if err != nil {
			return err
		}
		defer draft.Discard()
		t.drafts = append(t.drafts, draft)
	}
	t.bar = newProgress(a.stderr, a.quiet)
	defer t.bar.close()
	if err := t.fetchAll(ctx, tasks); err != nil {
		return blame(err)
	}
	if err := os.MkdirAll(t.out.dir, 0o755); err != nil {
		return hint.Wrap(fmt.Errorf("the folder of the result: %w", err), "give another --out")
	}
	if t.parent, err = a.openBase(ctx, f.base); err != nil {
		return err
	}
	defer t.parent.Close()
	t.parent.Source.Preprocessing = recipe.Preprocessing(t.parent.Source.Preprocessing)
	if t.curves, err = openCurves(f.tensorboard); err != nil {
		return err
	}
	defer t.curves.close()

	tuned, err := t.train(ctx, tasks)
	if err != nil {
		t.bar.close()
		return blame(t.howToGoOn(ctx, err))
	}
	defer tuned.Close()
	done, err := t.finish(ctx, tuned)
	t.bar.close()
	if err != nil {
		return device.InputOr(err)
	}
	if err := t.out.send(ctx); err != nil {
		return err
	}
	if a.json {
		return a.print(done)
	}
	return report.FineTuneText(a.stdout, done, textOptions(a.stdout))
}

// train runs the two phases.
func (t *tuning) train(ctx context.Context, tasks []finetune.Task) (*finetune.Tuned, error) {
	data, err := os.ReadFile(t.parent.Source.Path)
	if err != nil {
		return nil, err
	}
	return finetune.Run(ctx, finetune.Config{
		Tasks:  tasks,
		Base:   finetune.Base{Data: data, Digest: t.parent.Source.Digest, Extractor: t.parent.Extractor()},
		Recipe: t.recipe, Engine: t.engine(),
		ValFraction: t.flags.valFraction, Calibrate: t.flags.calibrate,
		Checkpoints: filepath.Join(t.out.dir, checkpointsName), Resume: t.flags.resume,
		Threads: t.flags.base.threads, Scratch: t.flags.scratch,
		Progress: t.show, Warn: t.goOnWithout, Epoch: t.epoch(ctx),
	})
}

func (t *tuning) engine() cutEngine {
	return cutEngine{options: tflite.Options{Threads: t.flags.base.threads, NoXNNPACK: t.flags.base.noXNNPACK}, dir: t.flags.scratch}
}

// howToGoOn tells an interrupted person that nothing is lost.
func (t *tuning) howToGoOn(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	if epochs, _ := filepath.Glob(filepath.Join(t.out.dir, checkpointsName, "epoch-*")); len(epochs) > 0 {
		return hint.Wrap(err, fmt.Sprintf("the last epoch's state is kept in %s; the same command with --resume goes on from there", t.flags.out))
	}
	return err
}

// show shows one step of finetune.Run.
func (t *tuning) show(p finetune.Progress) {
	message := map[finetune.Stage]string{
		finetune.StageFeatures: "features", finetune.StageHead: "head", finetune.StagePictures: "pictures",
		finetune.StageStatistics: "statistics of batch norm", finetune.StageTop: "top layers",
	}[p.Stage]
	if e := p.Epoch; e != nil {
		message = fmt.Sprintf("epoch %d: loss %.3f, validation %.1f %%", e.Epoch.Epoch, e.Loss, 100*e.ValAccuracy)
	}
	t.bar.update(string(p.Stage)+p.Task, message, p.Done, p.Total)
}

// finish measures the written files, stores the generations and reports.
func (t *tuning) finish(ctx context.Context, tuned *finetune.Tuned) (*report.FineTune, error) {
	path := filepath.Join(t.out.dir, tunedName)
	if err := renameio.WriteFile(path, tuned.Base, 0o644, renameio.WithTempDir(t.out.dir)); err != nil {
		return nil, fmt.Errorf("write the new base: %w", err)
	}
	start := time.Now()
	source := t.source(path, tuned.Base, "finetuned")
	tunedBase, err := t.runBase(ctx, source, t.flags.base)
	if err != nil {
		return nil, err
	}
	defer tunedBase.Close()
	results, err := t.measure(ctx, tuned, tunedBase)
	if err != nil {
		return nil, err
	}
	tuned.Seconds.Measure = time.Since(start).Seconds()
	f, err := t.describe(tuned, tunedBase, results)
	if err != nil {
		return nil, err
	}
	if err := t.compare(f); err != nil {
		return nil, err
	}
	if t.flags.int8 {
		if err := t.quantise(ctx, tuned, f); err != nil {
			return nil, err
		}
	}
	f.Files.BaseBytes = int64(len(tuned.Base))
	if f.Files.DeltaBytes, err = t.writeDelta(tuned.Base); err != nil {
		return nil, err
	}
	if err := t.keepAll(ctx, tuned, tunedBase, results, f); err != nil {
		return nil, err
	}
	return f, t.write(f)
}

// source describes a base that came out of the parent, and is fed as it is.
func (t *tuning) source(path string, data []byte, suffix string) base.Source {
	p := t.parent.Source
	return base.Source{
		Name: p.Name + "-" + suffix, Path: path, Digest: digest.Of(data),
		Preprocessing: p.Preprocessing, Features: p.Features, Known: true,
	}
}

// measure measures all heads over a base.
func (t *tuning) measure(ctx context.Context, tuned *finetune.Tuned, b *device.Base) ([]*adapt.Result, error) {
	var results []*adapt.Result
	for i, task := range tuned.Tasks {
		r, err := tuned.Measure(ctx, i, b.Extractor(), func(done, total int) {
			t.bar.update("measure "+b.Source.Name+task.Name, "measure", done, total)
		}, t.goOnWithout)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}
