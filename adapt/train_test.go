package adapt

import (
	"bytes"
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// blobs returns n images whose features lie around one point a class. spread
// is how far, where 1 makes classes overlap.
func blobs(seed uint64, n, features, classes int, spread float32) Set {
	centres := head.NewRandom(77, 1) // the same for every set
	mid := make([]float32, classes*features)
	for i := range mid {
		mid[i] = centres.Uniform()
	}
	rng := head.NewRandom(seed, 2)
	s := Set{F: features}
	for i := range n {
		label := i % classes
		for f := range features {
			s.Features = append(s.Features, mid[label*features+f]+spread*(rng.Uniform()+rng.Uniform()-1))
		}
		s.Labels = append(s.Labels, int32(label))
	}
	return s
}

func mustTrain(t testing.TB, cfg TrainConfig, classes int, train, val Set) (*head.Head, []Epoch) {
	t.Helper()
	h, history, err := Train(t.Context(), cfg, classes, train, val, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h, history
}

func mustEncode(t testing.TB, h *head.Head) []byte {
	t.Helper()
	data, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestTrainLearns(t *testing.T) {
	train, val := blobs(1, 200, 20, 4, 0.5), blobs(2, 60, 20, 4, 0.5)
	cfg := SeedRecipe()
	cfg.Rate, cfg.Epochs = 1e-2, 8
	var told []Epoch
	h, history, err := Train(t.Context(), cfg, 4, train, val, func(e Epoch) { told = append(told, e) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(told, history) || len(history) != 8 {
		t.Fatalf("told of %d epochs, returned %d, want 8", len(told), len(history))
	}
	for i, e := range history {
		if e.Epoch != i+1 || e.Seconds <= 0 || e.Accuracy < 0 || e.Accuracy > 1 {
			t.Errorf("epoch %d: %+v", i+1, e)
		}
	}
	last := history[len(history)-1]
	m := Evaluate(h, val, nil)
	if m.Accuracy < 0.95 || last.Loss > history[0].Loss/2 {
		t.Errorf("learned too little: %+v", last)
	}
	// Without patience the last head is kept.
	if m.Loss != last.ValLoss || m.Accuracy != last.ValAccuracy {
		t.Errorf("the kept head has loss %v and accuracy %v, the last epoch %+v", m.Loss, m.Accuracy, last)
	}
}

// The same inputs and seed give the same bytes, on any number of processors.
func TestTrainIsReproducible(t *testing.T) {
	// Large enough that batches are divided among the processors.
	train, val := blobs(1, 150, 700, 5, 1), blobs(2, 40, 700, 5, 1)
	cfg := SeedRecipe()
	cfg.Epochs, cfg.Seed, cfg.Patience, cfg.ClassWeights = 3, 9, 2, Balanced
	run := func(procs int, cfg TrainConfig) ([]byte, []Epoch) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		h, history := mustTrain(t, cfg, 5, train, val)
		for i := range history {
			history[i].Seconds = 0
		}
		return mustEncode(t, h), history
	}
	want, wantHistory := run(1, cfg)
	for _, procs := range []int{1, 2, 5} {
		got, history := run(procs, cfg)
		if !bytes.Equal(got, want) || !slices.Equal(history, wantHistory) {
			t.Errorf("%d processors: another head or another history", procs)
		}
	}
	cfg.Seed = 10
	if got, _ := run(2, cfg); bytes.Equal(got, want) {
		t.Error("the seed has no effect")
	}
}

// A receipt holds on every machine: the digest was computed on amd64 and is
// the same on arm64.
func TestTrainIsTheSameOnEveryProcessor(t *testing.T) {
	train, val := blobs(1, 90, 33, 3, 1), blobs(2, 30, 33, 3, 1)
	cfg := TrainConfig{Hidden: 17, Dropout: 0.3, Rate: 3e-3, Epochs: 6, Batch: 16, Seed: 5, Patience: 3, ClassWeights: Balanced}
	h, _ := mustTrain(t, cfg, 3, train, val)
	const want = "eafeb3dc9ad0"
	if got := digest.Of(mustEncode(t, h)).Short(); got != want {
		t.Errorf("the head is %s, want %s", got, want)
	}
}

// A step so small that nothing changes: the history then says what every image
// costs at the start, each counted once, the last and smaller batch included.
func TestHistoryCountsEveryImageOnce(t *testing.T) {
	train := blobs(1, 37, 6, 3, 1)
	cfg := TrainConfig{Hidden: 5, Rate: 1e-30, Epochs: 2, Batch: 8, Seed: 4}
	h, history := mustTrain(t, cfg, 3, train, train)
	want := Evaluate(head.New(6, 5, 3, 4), train, nil)
	for _, e := range history {
		if math.Abs(e.Loss-want.Loss) > 1e-12 || math.Abs(e.Accuracy-want.Accuracy) > 1e-12 {
			t.Errorf("%+v, want loss %v and accuracy %v", e, want.Loss, want.Accuracy)
		}
		if e.ValLoss != want.Loss || e.ValAccuracy != want.Accuracy {
			t.Errorf("%+v, want validation loss %v and accuracy %v", e, want.Loss, want.Accuracy)
		}
	}
	if start := head.New(6, 5, 3, 4); !slices.Equal(h.W1, start.W1) || !slices.Equal(h.W2, start.W2) {
		t.Error("training does not start at head.New")
	}
}

func TestBatchLargerThanTheSet(t *testing.T) {
	train := blobs(1, 9, 6, 3, 1)
	cfg := TrainConfig{Hidden: 5, Dropout: 0.5, Rate: 1e-2, Epochs: 3, Batch: 9}
	want, _ := mustTrain(t, cfg, 3, train, train)
	cfg.Batch = 1000
	got, _ := mustTrain(t, cfg, 3, train, train)
	if !bytes.Equal(mustEncode(t, got), mustEncode(t, want)) {
		t.Error("the batch is not bounded by the set")
	}
}

func TestPatience(t *testing.T) {
	// Few, overlapping images and a large step: overfits at once.
	train, val := blobs(1, 24, 30, 4, 2.5), blobs(2, 40, 30, 4, 2.5)
	cfg := TrainConfig{Hidden: 32, Rate: 2e-2, Epochs: 60, Batch: 8, Patience: 4, Seed: 2}
	h, history := mustTrain(t, cfg, 4, train, val)
	best := history[0]
	for _, e := range history {
		if Better(e, best) {
			best = e
		}
	}
	if len(history) == 60 || len(history) != best.Epoch+4 {
		t.Fatalf("stopped after %d epochs, the best was %d", len(history), best.Epoch)
	}
	if got := Evaluate(h, val, nil); got.Loss != best.ValLoss || got.Accuracy != best.ValAccuracy {
		t.Errorf("kept a head of loss %v, the best epoch has %v", got.Loss, best.ValLoss)
	}
	// With fewer epochs than patience needs, the best is kept all the same.
	cfg.Epochs = best.Epoch + 1
	again, history := mustTrain(t, cfg, 4, train, val)
	if len(history) != best.Epoch+1 || !bytes.Equal(mustEncode(t, again), mustEncode(t, h)) {
		t.Errorf("cut off after %d epochs, another head was kept", len(history))
	}
}

func TestLinearHead(t *testing.T) {
	train, val := blobs(1, 100, 12, 3, 0.3), blobs(2, 30, 12, 3, 0.3)
	h, _ := mustTrain(t, TrainConfig{Dropout: 0.5, Rate: 3e-2, Epochs: 20, Batch: 16}, 3, train, val)
	if h.Hidden != 0 {
		t.Errorf("%d hidden units", h.Hidden)
	}
	if m := Evaluate(h, val, nil); m.Accuracy < 0.95 {
		t.Errorf("accuracy %v", m.Accuracy)
	}
}

func TestClassWeights(t *testing.T) {
	got := classWeights(Balanced, []int32{0, 0, 0, 0, 0, 0, 3, 3, 1}, 4)
	if want := []float32{0.5, 3, 0, 1.5}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	if classWeights("", []int32{0, 1}, 2) != nil {
		t.Error("weights without being asked")
	}

	// 95 images of one class against 5 of another that overlaps it.
	train, val := Set{F: 8}, blobs(3, 100, 8, 2, 1.2)
	all := blobs(1, 190, 8, 2, 1.2)
	for i := range all.Len() {
		if all.Labels[i] == 0 || i < 10 {
			train.Features = append(train.Features, all.Row(i)...)
			train.Labels = append(train.Labels, all.Labels[i])
		}
	}
	cfg := TrainConfig{Hidden: 8, Rate: 1e-2, Epochs: 10, Batch: 16}
	plain, _ := mustTrain(t, cfg, 2, train, val)
	cfg.ClassWeights = Balanced
	balanced, _ := mustTrain(t, cfg, 2, train, val)
	before, after := Evaluate(plain, val, nil).PerClass[1].Recall, Evaluate(balanced, val, nil).PerClass[1].Recall
	if after < before+0.2 {
		t.Errorf("recall of the rare class went from %v to %v", before, after)
	}
}

func TestTrainStopsWithItsContext(t *testing.T) {
	train := blobs(1, 64, 6, 3, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cfg := SeedRecipe()
	h, history, err := Train(ctx, cfg, 3, train, train, func(e Epoch) {
		if e.Epoch == 2 {
			cancel()
		}
	})
	if h != nil || !errors.Is(err, context.Canceled) || len(history) != 2 {
		t.Errorf("head %v, %d epochs, error %v", h, len(history), err)
	}
	if _, history, err := Train(ctx, cfg, 3, train, train, nil); !errors.Is(err, context.Canceled) || len(history) != 0 {
		t.Errorf("%d epochs, error %v", len(history), err)
	}
}

func TestTrainDiverges(t *testing.T) {
	train := blobs(1, 64, 6, 3, 1)
	cfg := SeedRecipe()
	cfg.Rate, cfg.Epochs = 1e30, 50
	h, _, err := Train(t.Context(), cfg, 3, train, train, nil)
	if h != nil || !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "epoch 1") {
		t.Fatalf("head %v, error %v", h, err)
	}
	if got := hint.Of(err); !strings.Contains(got, "--rate") {
		t.Errorf("hint %q", got)
	}
}

func TestTrainRefusesBadSets(t *testing.T) {
	good := func() Set { return blobs(1, 12, 6, 3, 1) }
	for name, c := range map[string]struct {
		spoil func(train, val *Set)
		want  string
	}{
		"no training images":  {func(train, _ *Set) { *train = Set{F: 6} }, "no training images"},
		"nothing at all":      {func(train, val *Set) { *train, *val = Set{}, Set{} }, "no training images"},
		"no validation":       {func(_, val *Set) { *val = Set{F: 6} }, "no validation images"},
		"other features":      {func(_, val *Set) { *val = blobs(1, 12, 5, 3, 1) }, "5 features, want 6"},
		"too few numbers":     {func(train, _ *Set) { train.Features = train.Features[1:] }, "71 numbers"},
		"label too large":     {func(train, _ *Set) { train.Labels[4] = 3 }, "training image 4 has class 3 of 3"},
		"label below zero":    {func(_, val *Set) { val.Labels[2] = -1 }, "validation image 2 has class -1 of 3"},
		"NaN":                 {func(train, _ *Set) { train.Features[8] = float32(math.NaN()) }, "feature 2 of training image 1 is NaN"},
		"infinity":            {func(_, val *Set) { val.Features[71] = float32(math.Inf(-1)) }, "feature 5 of validation image 11 is -Inf"},
		"no features":         {func(train, val *Set) { train.F, val.F, train.Features, val.Features = 0, 0, nil, nil }, "0 features"},
		"negative width":      {func(train, val *Set) { train.F, val.F = -1, -1 }, "-1 features"},
		"recipe out of range": {nil, "--epochs 0"},
	} {
		t.Run(name, func(t *testing.T) {
			train, val, cfg := good(), good(), SeedRecipe()
			if c.spoil == nil {
				cfg.Epochs = 0
			} else {
				c.spoil(&train, &val)
			}
			h, history, err := Train(t.Context(), cfg, 3, train, val, nil)
			if h != nil || history != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if _, _, err := Train(t.Context(), SeedRecipe(), 1, good(), good(), nil); err == nil {
		t.Error("one class was accepted")
	}
}

// An epoch over a thousand images of the shared base with the reference head.
func BenchmarkEpoch(b *testing.B) {
	t := newTrainer(SeedRecipe(), 10, blobs(1, 1000, 1280, 10, 1))
	for b.Loop() {
		if _, _, err := t.epoch(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
