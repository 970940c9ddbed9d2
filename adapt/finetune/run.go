package finetune

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// run is the state of Run.
type run struct {
	Config
	network   *network.Network
	selection network.Selection
	prefix    *prefix
	frontiers *frontiers
	kept      *kept
	data      []*taskData
	before    []*adapt.Result // of each task, the end of phase 1
	source    source
	history   []Epoch
	latest    *Epoch // of phase 2, for the progress
	phases    [2]Phase
	seconds   Seconds
}

// Run fine-tunes a base and trains a head for each task.
//
// The same configuration gives the same result, also when it was interrupted
// any number of times and resumed. Its errors are Available's, those of the
// recipe, the folders and the base (what to change is in the hint),
// adapt.ErrDiverged, the context's, and ErrUnfinished.
//
// Memory does not grow with the number of images but for their features, while
// phase 1 trains on them: the rest lies in unlinked files under Scratch.
func Run(ctx context.Context, c Config) (*Tuned, error) {
	if err := Available(); err != nil {
		return nil, err
	}
	return runWith(ctx, c, newTop)
}

// runWith is Run with the maker of the top.
func runWith(ctx context.Context, c Config, newTop func(topConfig) (top, error)) (*Tuned, error) {
	defer sparing()()
	start := time.Now()
	r := &run{Config: c}
	if err := r.validate(); err != nil {
		return nil, err
	}
	n, s, err := Select(r.Base.Data, r.Recipe)
	if err != nil {
		return nil, err
	}
	r.network, r.selection = n, s
	from, err := r.begin()
	if err != nil {
		return nil, err
	}
	if r.prefix, err = openPrefix(r.Engine, n, s); err != nil {
		return nil, err
	}
	defer r.prefix.close()
	if r.frontiers, err = newFrontiers(r.Scratch, n, s); err != nil {
		return nil, err
	}
	defer r.frontiers.close()
	r.kept = newKept(r.Scratch, r.Base.Extractor.Preprocessing)
	defer func() { r.kept.close() }() // unless the result has taken it
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	identity, err := r.identity()
	if err != nil {
		return nil, err
	}
	if from != nil {
		if err := identity.check(from.Identity); err != nil {
			return nil, err
		}
	}
	if err := r.trainHeads(ctx); err != nil {
		return nil, err
	}
	r.release()
	tuned, err := r.trainTop(ctx, newTop, identity, from)
	if err != nil {
		return nil, err
	}
	tuned.Seconds = r.seconds
	tuned.Seconds.Total = time.Since(start).Seconds()
	tuned.kept, r.kept = r.kept, nil
	return tuned, nil
}

// release gives the features of phase 1 back to the system, before TensorFlow
// asks for memory of its own: phase 2 reads from the disk.
func (r *run) release() {
	for i := range r.data {
		r.data[i].features, r.before[i].Features = nil, nil
	}
	debug.FreeOSMemory()
}

// Select reads a base and finds the part of it that a recipe trains.
func Select(base []byte, r Recipe) (*network.Network, network.Selection, error) {
	m, err := file.Parse(base)
	if err != nil {
		return nil, network.Selection{}, err
	}
	n, err := network.Read(m)
	if err != nil {
		return nil, network.Selection{}, err
	}
	var s network.Selection
	if r.From != "" {
		s, err = n.UnfreezeFrom(r.From, r.BatchNorm == Batch)
	} else {
		s, err = n.Unfreeze(r.Fraction, r.BatchNorm == Batch)
	}
	return n, s, err
}

// ErrUnfinished is the cause when the folder of checkpoints holds an unfinished
// run that nobody asked to go on with.
var ErrUnfinished = errors.New("holds a run that did not finish")

// begin looks at what earlier runs left, and returns the state to go on from,
// or nil.
func (r *run) begin() (*state, error) {
	c := checkpoints{r.Checkpoints}
	last, err := c.last()
	if err != nil {
		return nil, err
	}
	switch {
	case r.Resume:
		return last, nil
	case last == nil || last.finished():
		return nil, nil
	}
	return nil, hint.Wrap(fmt.Errorf("%s %w", r.Checkpoints, ErrUnfinished),
		fmt.Sprintf("go on after its epoch %d with --resume, give another --out, or remove the folder", last.Epoch))
}

func (r *run) identity() (identity, error) {
	i := identity{Base: r.Base.Digest, Recipe: r.Recipe, Images: map[string]digest.Digest{}}
	for _, t := range r.data {
		i.Images[t.Name] = imagesDigest(t.dataset)
	}
	var err error
	if r.Calibrate != "" {
		i.Calibrate, err = folderDigest(r.Calibrate)
	}
	return i, err
}

// trainHeads is phase 1: a head a task, over features of the frozen base.
func (r *run) trainHeads(ctx context.Context) error {
	start := time.Now()
	recipe := r.Recipe.head()
	histories := make([][]adapt.Epoch, len(r.data))
	for i, t := range r.data {
		set := func(split adapt.Split) adapt.Set {
			return t.dataset.Set(t.features, func(s adapt.Sample) bool { return s.Split == split })
		}
		train := set(adapt.SplitTrain)
		h := head.New(train.F, recipe.Hidden, len(t.dataset.Labels), recipe.Seed)
		if recipe.Epochs > 0 {
			var err error
			h, histories[i], err = adapt.Train(ctx, recipe, len(t.dataset.Labels), train, set(adapt.SplitVal), func(e adapt.Epoch) {
				r.Progress(Progress{Stage: StageHead, Task: t.Name, Done: e.Epoch, Total: recipe.Epochs, Epoch: &Epoch{Phase: 1, Epoch: e}})
			})
			if err != nil {
				return fmt.Errorf("train the head of %s: %w", t.Name, err)
			}
		}
		r.before = append(r.before, measured(t.dataset, t.features, h, histories[i], recipe.Epochs))
	}
	for e := range recipe.Epochs {
		tasks := make([]adapt.Epoch, len(r.data))
		for i := range r.data {
			tasks[i] = histories[i][e]
		}
		r.history = append(r.history, joined(1, e+1, tasks))
		if err := r.Epoch(r.history[e]); err != nil {
			return err
		}
	}
	r.seconds.Head = time.Since(start).Seconds()
	r.phases[0] = Phase{Name: "head", Epochs: recipe.Epochs, Rate: recipe.Rate, Seconds: r.seconds.Head}
	return nil
}
