package main

import (
	"bytes"
	"context"
	"encoding/json"
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
)

// tunedRecipe is what a generation's manifest says of its making.
type tunedRecipe struct {
	finetune.Recipe
	ParentBase digest.Digest `json:"parent_base"`
}

// describe puts what the run did into the form in which it is shown.
func (t *tuning) describe(tuned *finetune.Tuned, b *device.Base, results []*adapt.Result) (*report.FineTune, error) {
	first, err := t.describeTask(tuned, b, results, 0)
	if err != nil {
		return nil, err
	}
	f := &report.FineTune{
		Run:      *first,
		Parent:   report.Base{Name: t.parent.Source.Name, Digest: t.parent.Source.Digest},
		Unfreeze: unfrozen(tuned, t.recipe),
		Before:   report.NewOutcome(tuned.Tasks[0].Before),
		After:    report.NewOutcome(results[0]),
		Resumed:  tuned.Resumed,
	}
	for _, p := range tuned.Phases {
		f.Phases = append(f.Phases, report.Phase(p))
	}
	// One curve for all tasks: their means.
	f.History = nil
	for _, e := range tuned.History {
		f.History = append(f.History, e.Epoch)
	}
	for i, task := range tuned.Tasks {
		f.Tasks = append(f.Tasks, report.TaskOutcome{
			Task: task.Name, Labels: results[i].Dataset.Labels, Images: results[i].Dataset.Images(),
			Before: report.NewOutcome(task.Before), After: report.NewOutcome(results[i]),
		})
	}
	f.Seconds = report.FineTuneSeconds(tuned.Seconds)
	f.Seconds.Total = time.Since(t.start).Seconds()
	return f, nil
}

// describeTask is what `edge adapt` would say of one task's head.
func (t *tuning) describeTask(tuned *finetune.Tuned, b *device.Base, results []*adapt.Result, i int) (*report.Run, error) {
	run := device.Describe(tuned.Tasks[i].Name, b, results[i], version)
	run.Seconds = adapt.Seconds{Total: time.Since(t.start).Seconds(), Features: tuned.Seconds.Features + tuned.Seconds.Prefix, Train: tuned.Seconds.Head + tuned.Seconds.Train}
	if w := t.parent.Warning(); w != "" {
		run.Warnings = append(run.Warnings, w)
	}
	var err error
	run.Recipe, err = json.Marshal(tunedRecipe{t.recipe, t.parent.Source.Digest})
	return run, err
}

// unfrozen says which part of the base trained.
func unfrozen(tuned *finetune.Tuned, r finetune.Recipe) report.Unfreeze {
	n, s := tuned.Network, tuned.Selection
	u := report.Unfreeze{
		Fraction: r.Fraction, Layers: s.Counted, Of: len(n.Counted),
		Parameters: n.Plan(s).Trainable, BatchNorm: string(r.BatchNorm),
	}
	if s.Counted > 0 {
		u.From = n.Counted[len(n.Counted)-s.Counted].Name
	}
	for _, kernel := range s.Kernels {
		if kernel {
			u.Kernels++
		}
	}
	return u
}

// compare reads the other run that the table compares with.
func (t *tuning) compare(f *report.FineTune) error {
	if t.flags.against == "" {
		return nil
	}
	other, err := readResult(t.flags.against)
	if err != nil {
		return hint.Wrap(fmt.Errorf("--against %s: %w", t.flags.against, err), "give the --out of a run that has ended")
	}
	f.Against = &report.Against{Name: t.flags.against, Run: other.After}
	return nil
}

// readResult reads what a run wrote about itself.
func readResult(out string) (*report.FineTune, error) {
	data, err := os.ReadFile(filepath.Join(out, resultName))
	if err != nil {
		return nil, err
	}
	var f report.FineTune
	return &f, json.Unmarshal(data, &f)
}

// keepAll makes the heads the tasks' next generations, and puts their files
// beside the base.
func (t *tuning) keepAll(ctx context.Context, tuned *finetune.Tuned, b *device.Base, results []*adapt.Result, f *report.FineTune) error {
	for i, task := range tuned.Tasks {
		run, err := t.describeTask(tuned, b, results, i)
		if err != nil {
			return err
		}
		if err := device.Keep(ctx, device.Keeping{
			Store: t.store, Draft: t.drafts[i], Dir: task.Dir, Base: b, Result: results[i], Run: run, Exemplars: true,
		}); err != nil {
			return err
		}
		dir := filepath.Join(t.out.dir, task.Name)
		g, err := t.store.Generation(task.Name, run.Generation)
		if err != nil {
			return err
		}
		if err := copyGeneration(g, dir); err != nil {
			return err
		}
		f.Tasks[i].Bundle = filepath.Join(dir, bundleName)
		if err := writeBundle(ctx, f.Tasks[i].Bundle, g); err != nil {
			return err
		}
		f.Tasks[i].Generation, f.Tasks[i].Head = run.Generation, filepath.Join(dir, models.HeadName)
		if i == 0 {
			f.Generation, f.Path = run.Generation, run.Path
		}
	}
	return nil
}

// copyGeneration copies the files of a generation into a folder.
func copyGeneration(g models.Generation, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	names := []string{models.ManifestName}
	for _, f := range g.Files {
		names = append(names, f.Name)
	}
	for _, name := range names {
		data, err := os.ReadFile(g.Path(name))
		if err != nil {
			return err
		}
		if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o644, renameio.WithTempDir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// write writes the page and the result itself.
func (t *tuning) write(f *report.FineTune) error {
	out := t.out.dir
	f.Files.Base, f.Files.Delta = filepath.Join(out, tunedName), filepath.Join(out, deltaName)
	f.Files.Head, f.Files.Bundle = f.Tasks[0].Head, f.Tasks[0].Bundle
	f.Files.Report, f.Files.Result, f.Files.Checkpoints = filepath.Join(out, device.ReportName), filepath.Join(out, resultName), filepath.Join(out, checkpointsName)
	if f.Int8 != nil {
		f.Files.Int8 = filepath.Join(out, tunedInt8Name)
	}
	f.Report = f.Files.Report
	f.PeakRSSMiB = device.PeakRSS()
	f.Seconds.Total = time.Since(t.start).Seconds()
	var page bytes.Buffer
	if err := report.FineTuneHTML(&page, f); err != nil {
		return err
	}
	result, err := json.MarshalIndent(f, "", "\t")
	if err != nil {
		return err
	}
	return errors.Join(
		renameio.WriteFile(f.Files.Report, page.Bytes(), 0o644, renameio.WithTempDir(out)),
		renameio.WriteFile(f.Files.Result, append(result, '\n'), 0o644, renameio.WithTempDir(out)),
	)
}
