package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// trainTop is phase 2: the heads with the top of the base, from the given state
// or, if it is nil, from the end of phase 1.
func (r *run) trainTop(ctx context.Context, newTop func(topConfig) (top, error), id identity, from *state) (*Tuned, error) {
	c := topConfig{
		network: r.network, selection: r.selection, norm: r.Recipe.BatchNorm,
		weightDecay: r.Recipe.WeightDecay, threads: r.Threads,
	}
	for _, b := range r.before {
		c.heads = append(c.heads, b.Head)
	}
	var err error
	if c.moments, err = r.statistics(ctx); err != nil {
		return nil, err
	}
	if err := r.openSource(ctx); err != nil {
		return nil, err
	}
	defer r.source.close()
	resumed := 0
	if from != nil {
		resumed = from.Epoch
	}
	start := time.Now()
	t, err := newTop(c)
	if err != nil {
		return nil, fmt.Errorf("build the graph of the top: %w", err)
	}
	defer t.Close()

	s, err := r.train(ctx, t, id, from)
	if err != nil {
		return nil, err
	}
	r.seconds.Train = time.Since(start).Seconds()
	r.phases[1] = Phase{Name: "top", Epochs: s.Epoch, Rate: r.Recipe.Rates[1], Seconds: r.seconds.Train}
	if s.Epoch < r.Recipe.Epochs[1] {
		r.phases[1].Stopped = fmt.Sprintf("no better epoch than %d for %d epochs", len(r.history)+s.Best, r.Recipe.Patience)
	}
	tuned := &Tuned{
		Base: r.Base.Data, Network: r.network, Selection: r.selection, Phases: r.phases,
		History: append(r.history, s.History[1:]...), Best: len(r.history) + s.Best,
		Resumed: resumed,
	}
	for i, d := range r.data {
		tuned.Tasks = append(tuned.Tasks, TunedTask{Task: d.Task, Head: c.heads[i], Before: r.before[i]})
	}
	if s.Best == 0 { // the first phase's end, to the bit
		return tuned, nil
	}
	return tuned, r.take(t, s, tuned)
}

// train runs the epochs of phase 2 that are left, a checkpoint after each.
func (r *run) train(ctx context.Context, t top, id identity, from *state) (*state, error) {
	folder := checkpoints{r.Checkpoints}
	s := from
	if s == nil {
		// What earlier runs left in the folder is of no use any more.
		if err := folder.keep(); err != nil {
			return nil, err
		}
		s = &state{Identity: id, History: []Epoch{r.start()}}
		if err := folder.write(*s, t.Save); err != nil {
			return nil, err
		}
	} else if err := t.Restore(folder.variables(s.Epoch)); err != nil {
		return nil, fmt.Errorf("go on from the checkpoint of epoch %d: %w", s.Epoch, err)
	}
	for _, e := range s.History[1:] {
		if err := r.Epoch(e); err != nil {
			return nil, err
		}
	}
	for !s.finished() {
		begin := time.Now()
		e, err := r.epoch(ctx, t, s.Epoch+1)
		if errors.Is(err, adapt.ErrDiverged) {
			return nil, hint.Wrap(err, fmt.Sprintf("the state of the epoch before is kept in %s; try a smaller second rate than --rates %g,%g",
				folder.path(s.Epoch), r.Recipe.Rates[0], r.Recipe.Rates[1]))
		}
		if err != nil {
			return nil, err
		}
		e.Seconds = time.Since(begin).Seconds()
		s.Epoch++
		s.History = append(s.History, e)
		if Better(e, s.History[s.Best]) {
			s.Best = s.Epoch
		}
		if err := folder.write(*s, t.Save); err != nil {
			return nil, err
		}
		r.Progress(Progress{Stage: StageTop, Done: s.Epoch * r.steps(), Total: r.Recipe.Epochs[1] * r.steps(), Epoch: &e})
		if err := r.Epoch(e); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// start is the end of phase 1 as the epoch before the first of phase 2, with
// the training images measured without dropout.
func (r *run) start() Epoch {
	var tasks []adapt.Epoch
	for _, b := range r.before {
		tasks = append(tasks, adapt.Epoch{
			Loss: b.Train.Loss, Accuracy: b.Train.Accuracy, ValLoss: b.Val.Loss, ValAccuracy: b.Val.Accuracy,
		})
	}
	return joined(2, len(r.history), tasks)
}

// steps is how many steps an epoch has.
func (r *run) steps() int {
	return len(schedule(r.Recipe.Seed, 0, r.counts(), r.Recipe.Batch))
}

func (r *run) counts() []int {
	counts := make([]int, len(r.data))
	for i, t := range r.data {
		counts[i] = t.train.len()
	}
	return counts
}

// epoch trains once over the images, and measures.
func (r *run) epoch(ctx context.Context, t top, number int) (Epoch, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	steps := schedule(r.Recipe.Seed, number, r.counts(), r.Recipe.Batch)
	f := r.feed(ctx, number, steps)
	defer func() { // whatever happens, the feed ends before the next one begins
		cancel()
		for range f.batches {
		}
	}()
	sums := make([]sum, len(r.data))
	done := 0
	for b := range f.batches {
		if err := ctx.Err(); err != nil {
			return Epoch{}, err
		}
		res, err := t.Step(*b, r.Recipe.Rates[1])
		if err != nil {
			return Epoch{}, fmt.Errorf("epoch %d, step %d: %w", number, done+1, err)
		}
		if !finite(res.loss) {
			return Epoch{}, fmt.Errorf("%w in epoch %d of phase 2: the training loss is %v", adapt.ErrDiverged, number, res.loss)
		}
		sums[b.task].add(res, b.n)
		f.free <- b
		done++
		r.Progress(Progress{Stage: StageTop, Done: (number-1)*len(steps) + done, Total: r.Recipe.Epochs[1] * len(steps), Epoch: r.latest})
	}
	if err := errors.Join(f.err, ctx.Err()); err != nil {
		return Epoch{}, err
	}
	if r.Recipe.Fresh() {
		r.seconds.Augment += f.seconds
	}
	e, err := r.validated(ctx, t, number, sums)
	r.latest = &e
	return e, err
}

// validated measures every task on its validation images and completes the
// epoch.
func (r *run) validated(ctx context.Context, t top, number int, trained []sum) (Epoch, error) {
	tasks := make([]adapt.Epoch, len(r.data))
	var b batch
	for task, d := range r.data {
		var val sum
		classes := len(d.dataset.Labels)
		for from := 0; from < d.val.len(); from += evaluateImages {
			if err := ctx.Err(); err != nil {
				return Epoch{}, err
			}
			to := min(from+evaluateImages, d.val.len())
			r.shape(&b, task, to-from)
			for i, label := range d.val.labels[from:to] {
				b.targets[i*classes+label] = 1
			}
			if err := r.frontiers.read(b.frontier, d.val.images[from:to]); err != nil {
				return Epoch{}, err
			}
			res, err := t.Evaluate(b)
			if err != nil {
				return Epoch{}, fmt.Errorf("validate epoch %d: %w", number, err)
			}
			val.add(res, b.n)
		}
		if v := val.loss / float64(val.images); !finite(v) {
			return Epoch{}, fmt.Errorf("%w in epoch %d of phase 2: the validation loss is %v", adapt.ErrDiverged, number, v)
		}
		tasks[task] = adapt.Epoch{}
		tasks[task].Loss, tasks[task].Accuracy = trained[task].means()
		tasks[task].ValLoss, tasks[task].ValAccuracy = val.means()
	}
	return joined(2, len(r.history)+number, tasks), nil
}

// evaluateImages is how many images are measured at once.
const evaluateImages = 64

// sum adds up what batches come to.
type sum struct {
	loss    float64
	correct int
	images  int
}

func (s *sum) add(r result, images int) {
	s.loss += r.loss * float64(images)
	s.correct += r.correct
	s.images += images
}

func (s *sum) means() (loss, accuracy float64) {
	return s.loss / float64(s.images), float64(s.correct) / float64(s.images)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// take puts the best epoch's weights into the base's file and its heads beside
// it.
func (r *run) take(t top, s *state, tuned *Tuned) error {
	if s.Best != s.Epoch {
		if err := t.Restore(checkpoints{r.Checkpoints}.variables(s.Best)); err != nil {
			return fmt.Errorf("go back to the best epoch: %w", err)
		}
	}
	weights, err := t.Weights()
	if err != nil {
		return fmt.Errorf("read the trained weights: %w", err)
	}
	if tuned.Base, err = file.Patch(r.Base.Data, weights); err != nil {
		return fmt.Errorf("write the trained weights into the base: %w", err)
	}
	for i := range tuned.Tasks {
		var h *head.Head
		if h, err = t.Head(i); err != nil {
			return fmt.Errorf("read the trained head: %w", err)
		}
		tuned.Tasks[i].Head = h
	}
	return nil
}
