package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/runtime/engine"
)

// RebaseConfig says what Rebase fits anew, and for which base.
type RebaseConfig struct {
	Store *models.Store
	Task  string
	Dir   string // of the device's own samples, a folder a class; "", or not there: it has none
	// Base is the new base. The caller closes it.
	Base *Base
	// Engine opens the base of the generation in use, if that is another one and the
	// features of the held-out images are asked for, and Cache remembers them.
	Engine *engine.Engine
	Cache  Cache
	// Head is the published head for Base, in the light form. nil: a base came alone.
	// The caller closes it.
	Head *bundle.Bundle
	// Release goes into the generation. nil: nobody published it.
	Release *release.Release
	// Recipe trains the head. nil: that of the generation in use, or
	// adapt.DefaultRecipe() if that is unknown.
	Recipe *adapt.TrainConfig
	Split  adapt.SplitOptions
	// Margin is rebase.Input's. Zero: the rule of package rebase.
	Margin float64
	// NoActivate keeps the new generation without putting it in use.
	NoActivate bool
	// Refused is the path of the report about a head that is refused; it is replaced
	// whole. "": none is written.
	Refused string
	Version string // of the program, for the manifest

	// Progress is told how far a stage is, from the calling goroutine; nil means
	// nobody asks.
	Progress func(adapt.Progress)
	// Warn is told what went wrong without ending the run; nil means nobody asks.
	Warn func(error)
}

// Rebase fits the task's head for a new base, compares the two and, if the
// verdict says so, makes the new one the task's next generation, in use from
// then on. What it returns is what Adapt returns, with Rebase filled in: there is
// the verdict. Generation is 0 of a head that was refused: the store is as it was
// then, but for a report at Refused.
//
// What the release, the samples or the generation in use are to blame for and
// what no verdict can be about, such as a head for another base, is an
// InputError. Other errors are models.ErrChanged, if the comparison is with a
// generation that is in use no more; those of the recipe, of the store and of the
// disk, and the context's. After them what was in use is in use.
func Rebase(ctx context.Context, c RebaseConfig) (*report.Run, error) {
	run, err := c.rebase(ctx)
	if ctx.Err() != nil && err != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return run, nil
}

func (c RebaseConfig) rebase(ctx context.Context) (*report.Run, error) {
	start := time.Now()
	draft, err := c.Store.Begin(c.Task)
	if err != nil {
		return nil, err
	}
	defer draft.Discard()
	if c.Warn == nil {
		c.Warn = func(error) {}
	}
	if c.Progress == nil {
		c.Progress = func(adapt.Progress) {}
	}
	used, err := c.inUse()
	if err != nil {
		return nil, InputOr(err)
	}
	in := rebase.Input{Recipe: c.recipe(used), Margin: c.Margin, OnEpoch: func(e adapt.Epoch) {
		c.Progress(adapt.Progress{Stage: adapt.StageTrain, Done: e.Epoch, Total: c.recipe(used).Epochs, Epoch: &e})
	}}
	if in.Server, err = c.published(); err != nil {
		return nil, err
	}
	if err := c.look(ctx, &in, used); err != nil {
		return nil, InputOr(err)
	}
	features := time.Since(start).Seconds()
	o, err := rebase.Run(ctx, in)
	if err != nil {
		return nil, InputOr(err)
	}
	result := o.Result
	if result == nil {
		result = &adapt.Result{Dataset: in.Dataset, Features: in.Features}
	}
	if result.Dataset == nil {
		result.Dataset = &adapt.Dataset{Dir: c.Dir}
	}
	result.Seconds.Features, result.Seconds.Total = features, time.Since(start).Seconds()
	run, err := c.describe(in, used, o, result)
	if err != nil {
		return nil, err
	}
	if !o.Verdict.Activate {
		return run, c.writeRefused(run, result)
	}
	return run, c.keep(ctx, draft, used, o, run)
}

// inUse is the generation in use; nil if there is none.
func (c RebaseConfig) inUse() (*models.Generation, error) {
	g, err := c.Store.Current(c.Task)
	if errors.Is(err, models.ErrNotFound) {
		return nil, nil
	}
	return &g, err
}

// recipe is what the head is trained by.
func (c RebaseConfig) recipe(used *models.Generation) adapt.TrainConfig {
	if c.Recipe != nil {
		return *c.Recipe
	}
	var r adapt.TrainConfig
	if used != nil && json.Unmarshal(used.Recipe, &r) == nil && r.Validate() == nil {
		return r
	}
	return adapt.DefaultRecipe()
}

// look lists the device's samples and puts them through both bases.
func (c RebaseConfig) look(ctx context.Context, in *rebase.Input, used *models.Generation) error {
	if used != nil {
		data, err := readFile(used.HeadPath())
		if err != nil {
			return err
		}
		h, err := head.Decode(data)
		if err != nil {
			return hint.Wrap(fmt.Errorf("generation %d of task %q: %w", used.Generation, c.Task, err), "activate another generation: edge models list, edge models activate N")
		}
		in.InUse = &rebase.InUse{Head: h, Labels: used.Labels}
	}
	if c.Dir == "" {
		return nil
	}
	d, err := adapt.List(ctx, c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	extract := func(e adapt.Extractor, d *adapt.Dataset) (*adapt.Features, error) {
		return e.Extract(ctx, d, func(done, total int) {
			c.Progress(adapt.Progress{Stage: adapt.StageFeatures, Done: done, Total: total})
		}, c.Warn)
	}
	if in.Features, err = extract(c.Base.Extractor(), d); err != nil {
		return err
	}
	if err := c.Base.CloseCache(); err != nil {
		c.Warn(err)
	}
	var was map[digest.Digest]adapt.Split
	if used != nil {
		if was, err = readReceipt(*used); err != nil {
			c.Warn(fmt.Errorf("what the head in use was trained on is not known: %w", err))
		}
	}
	if err := d.Resettle(c.Split, was); err != nil {
		return err
	}
	in.Dataset = d
	if used == nil {
		return nil
	}
	old := sourceOf(*used)
	if old.Digest == c.Base.Source.Digest && old.Preprocessing == c.Base.Source.Preprocessing {
		in.InUse.Features = in.Features
		return nil
	}
	held := &adapt.Dataset{Dir: d.Dir}
	for _, s := range d.Samples {
		if s.Split != adapt.SplitTrain {
			held.Samples = append(held.Samples, s)
		}
	}
	if len(held.Samples) == 0 {
		return nil
	}
	b, err := OpenBase(ctx, c.Engine, old, c.Cache, c.Warn)
	if err != nil {
		return err
	}
	in.InUse.Features, err = extract(b.Extractor(), held)
	return errors.Join(err, b.Close())
}

// sourceOf is the base of a generation.
func sourceOf(g models.Generation) base.Source {
	return base.Source{
		Name: g.Base.Name, Path: g.BasePath(), Digest: g.Base.Digest, Preprocessing: g.Preprocessing, Features: g.Features,
	}
}

// describe puts what was found into the form in which it is shown.
func (c RebaseConfig) describe(in rebase.Input, used *models.Generation, o *rebase.Outcome, result *adapt.Result) (*report.Run, error) {
	run := Describe(c.Task, c.Base, result, c.Version)
	var err error
	if run.Recipe, err = json.Marshal(in.Recipe); err != nil {
		return nil, err
	}
	run.Rebase = &report.Rebase{Outcome: o, Thumbnails: flipped(c.Dir, o.Flipped)}
	if used != nil {
		run.Rebase.From, run.Rebase.Generation = report.Base{Name: used.Base.Name, Digest: used.Base.Digest}, used.Generation
	}
	if c.Release != nil {
		run.Rebase.Release = c.Release.Number
	}
	return run, nil
}

// keep makes the result the task's next generation.
func (c RebaseConfig) keep(ctx context.Context, draft *models.Draft, used *models.Generation, o *rebase.Outcome, run *report.Run) error {
	k := Keeping{
		Store: c.Store, Draft: draft, Dir: c.Dir, Base: c.Base, Result: o.Result, Run: run, NoActivate: c.NoActivate,
		Reason: "rebased: " + o.Verdict.Reason, Learned: &Learned{o.Train, o.Val}, Files: map[string][]byte{},
	}
	if used != nil {
		k.Parent = used.Generation
	}
	if c.Release != nil {
		data, err := c.Release.EncodeStored()
		if err != nil {
			return err
		}
		k.Files[release.FileName] = data
		k.Reason = fmt.Sprintf("release %d: %s", c.Release.Number, o.Verdict.Reason)
	}
	if o.Verdict.Kind == rebase.AsPublished {
		var files map[string][]byte
		var err error
		if k.Calibrated, files, err = c.taken(o.Result.Head); err != nil {
			return err
		}
		maps.Copy(k.Files, files)
	}
	// A person may have adapted or gone back meanwhile, and that stays. Keep asks
	// again when it matters; asking now saves a generation that nobody would use.
	now, err := c.inUse()
	if err != nil {
		return err
	}
	if (now == nil) != (used == nil) || now != nil && now.Generation != used.Generation {
		return fmt.Errorf("rebase task %q: %w", c.Task, models.ErrChanged)
	}
	k.Over = &k.Parent
	return Keep(ctx, k)
}
