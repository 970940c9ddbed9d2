package adapt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/hint"
)

// Epoch is one time over the training images.
//
// Loss and Accuracy are of the training images as training met them: running
// over the epoch, with dropout, before each step, as Keras reports them. The
// validation figures are of the head at the end of the epoch, without dropout.
// Losses are mean cross-entropies in nats, Loss with class weights if there
// are any, ValLoss without.
type Epoch struct {
	Epoch       int     `json:"epoch"` // from 1
	Loss        float64 `json:"loss"`
	Accuracy    float64 `json:"accuracy"` // 0 to 1
	ValLoss     float64 `json:"val_loss"`
	ValAccuracy float64 `json:"val_accuracy"`
	Seconds     float64 `json:"-"` // this epoch alone; not a function of the inputs
}

// ErrDiverged is the cause when a loss became NaN or infinite.
var ErrDiverged = errors.New("training diverged")

// Train trains a head for classes classes.
//
// It starts at head.New and takes steps of Adam on batches in an order that is
// shuffled for each epoch; the last batch of an epoch may be smaller. After
// each epoch it calls onEpoch, which may be nil, from the same goroutine. val
// chooses the best epoch if the recipe has Patience, and is never trained on.
//
// The same recipe, sets and classes give the same bytes and the same history,
// on any number of processors and on any kind of them. Train returns the
// history also of epochs whose head was not kept. Its errors are those of
// Validate, of sets that are empty, mismatched or not finite, ErrDiverged, and
// ctx's, which is looked at before each step. It keeps no reference to the
// sets, and runs on up to all processors.
func Train(ctx context.Context, cfg TrainConfig, classes int, train, val Set, onEpoch func(Epoch)) (*head.Head, []Epoch, error) {
	if err := cfg.Validate(); err != nil {
		return nil, nil, err
	}
	if classes < 2 {
		return nil, nil, fmt.Errorf("%d classes: there is nothing to tell apart", classes)
	}
	if err := train.check("training", train.F, classes); err != nil {
		return nil, nil, err
	}
	if err := val.check("validation", train.F, classes); err != nil {
		return nil, nil, err
	}
	t := newTrainer(cfg, classes, train)
	best := keeper{patience: cfg.Patience}
	var history []Epoch
	for len(history) < cfg.Epochs {
		begin := time.Now()
		e := Epoch{Epoch: len(history) + 1}
		var err error
		if e.Loss, e.Accuracy, err = t.epoch(ctx); err != nil {
			if errors.Is(err, ErrDiverged) {
				err = diverged(cfg, e.Epoch, "training", e.Loss)
			}
			return nil, history, err
		}
		v := Evaluate(t.head, val, nil)
		e.ValLoss, e.ValAccuracy = v.Loss, v.Accuracy
		if !isFinite(v.Loss) {
			return nil, history, diverged(cfg, e.Epoch, "validation", v.Loss)
		}
		e.Seconds = time.Since(begin).Seconds()
		history = append(history, e)
		if onEpoch != nil {
			onEpoch(e)
		}
		if best.enough(e, t.head) {
			break
		}
	}
	return best.head, history, nil
}

func diverged(cfg TrainConfig, epoch int, which string, loss float64) error {
	err := fmt.Errorf("%w in epoch %d: the %s loss is %v", ErrDiverged, epoch, which, loss)
	return hint.Wrap(err, fmt.Sprintf("try a smaller --rate than %v", cfg.Rate))
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// trainer is the state between two steps of training.
type trainer struct {
	cfg     TrainConfig
	set     Set
	weights []float32 // of the classes; nil: all 1

	head *head.Head
	grad *head.Head
	adam *head.Adam
	pass *head.Pass

	shuffle *head.Random
	dropout *head.Random
	order   []int // of the images, this epoch

	batch        []float32 // [Batch][F]
	labels       []int32   // [Batch]
	batchWeights []float32 // [Batch]
	keep         []float32 // [Batch][Hidden]
}

func newTrainer(cfg TrainConfig, classes int, set Set) *trainer {
	rows := min(cfg.Batch, set.Len())
	h := head.New(set.F, cfg.Hidden, classes, cfg.Seed)
	t := &trainer{
		cfg: cfg, set: set, weights: classWeights(cfg.ClassWeights, set.Labels, classes),
		head: h, grad: h.Clone(), adam: head.NewAdam(h, cfg.Rate), pass: head.NewPass(h, rows),
		shuffle: head.NewRandom(cfg.Seed, head.StreamOrder),
		dropout: head.NewRandom(cfg.Seed, head.StreamDropout),
		order:   make([]int, set.Len()),
		batch:   make([]float32, rows*set.F),
		labels:  make([]int32, rows),
	}
	for i := range t.order {
		t.order[i] = i
	}
	if t.weights != nil {
		t.batchWeights = make([]float32, rows)
	}
	if cfg.Dropout > 0 && cfg.Hidden > 0 {
		t.keep = make([]float32, rows*cfg.Hidden)
	}
	return t
}

// classWeights returns one weight a class, such that the weights of all images
// sum to their number; nil if mode is "". A class without images gets 0.
func classWeights(mode string, labels []int32, classes int) []float32 {
	if mode != Balanced {
		return nil
	}
	count := make([]int, classes)
	for _, label := range labels {
		count[label]++
	}
	present := 0
	for _, n := range count {
		if n > 0 {
			present++
		}
	}
	w := make([]float32, classes)
	for c, n := range count {
		if n > 0 {
			w[c] = float32(float64(len(labels)) / float64(present*n))
		}
	}
	return w
}

// epoch goes over all images once, and returns the mean of their losses and
// the share that was right, each as met on the way. On ErrDiverged the loss is
// the one that is not finite.
func (t *trainer) epoch(ctx context.Context) (loss, accuracy float64, err error) {
	t.shuffle.Shuffle(t.order)
	var correct int
	for rest := t.order; len(rest) > 0; {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		n := min(t.cfg.Batch, len(rest))
		sum, right := t.step(rest[:n])
		if !isFinite(sum) {
			return sum, 0, ErrDiverged
		}
		loss += sum
		correct += right
		rest = rest[n:]
	}
	n := float64(len(t.order))
	return loss / n, float64(correct) / n, nil
}

// step trains on one batch, the images that rows names. It returns the sum of
// their losses and how many were right, both before the step.
func (t *trainer) step(rows []int) (loss float64, correct int) {
	n := len(rows)
	var weights, keep []float32
	for i, row := range rows {
		copy(t.batch[i*t.set.F:], t.set.Row(row))
		t.labels[i] = t.set.Labels[row]
	}
	if t.weights != nil {
		weights = t.batchWeights[:n]
		for i, label := range t.labels[:n] {
			weights[i] = t.weights[label]
		}
	}
	if t.keep != nil {
		keep = t.keep[:n*t.cfg.Hidden]
		t.dropout.Dropout(keep, t.cfg.Dropout)
	}
	t.pass.Forward(t.batch[:n*t.set.F], n, keep)
	loss, correct = t.pass.Loss(t.labels[:n], weights)
	t.pass.Backward(t.grad, t.labels[:n], weights)
	t.adam.Step(t.head, t.grad)
	return loss, correct
}
