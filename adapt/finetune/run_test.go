package finetune

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// result of a run, as bytes that can be compared.
func fingerprint(t *testing.T, tuned *Tuned) []byte {
	t.Helper()
	var b bytes.Buffer
	b.Write(tuned.Base)
	for _, task := range tuned.Tasks {
		data, err := task.Head.Encode()
		if err != nil {
			t.Fatal(err)
		}
		b.Write(data)
	}
	history, err := json.Marshal(tuned.History)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(history)
	return b.Bytes()
}

func TestRun(t *testing.T) {
	c := small(t)
	c.Recipe.Rates[0] = 1e-5 // leaves something to learn
	var stages []Stage
	c.Progress = func(p Progress) {
		if !slices.Contains(stages, p.Stage) {
			stages = append(stages, p.Stage)
		}
		if p.Done > p.Total {
			t.Errorf("%s: %d of %d", p.Stage, p.Done, p.Total)
		}
	}
	var told []int
	c.Epoch = func(e Epoch) error {
		told = append(told, e.Epoch.Epoch)
		return nil
	}
	tuned, err := runWith(t.Context(), c, newHeadTop)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Stage{StageFeatures, StageHead, StageTop}; !slices.Equal(stages, want) {
		t.Errorf("stages %v, want %v", stages, want)
	}
	if want := []int{1, 2, 3, 4, 5, 6}; !slices.Equal(told, want) || len(tuned.History) != 6 {
		t.Errorf("told of epochs %v, history of %d", told, len(tuned.History))
	}
	for i, e := range tuned.History {
		if e.Epoch.Epoch != i+1 || (e.Phase == 1) != (i < 2) {
			t.Errorf("entry %d: epoch %d, phase %d", i, e.Epoch.Epoch, e.Phase)
		}
	}
	last := tuned.History[5]
	if !(last.Loss < tuned.History[2].Loss) || !(last.ValLoss < tuned.History[1].ValLoss) {
		t.Errorf("nothing was learned: %+v", tuned.History)
	}
	if tuned.Best < 3 || tuned.Best > 6 {
		t.Errorf("best epoch %d", tuned.Best)
	}
	// What the run says of its best epoch is what the files do.
	e := c.Base.Extractor
	r, err := tuned.Measure(t.Context(), 0, e, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkReplay(t, tuned, e, r)
	best := tuned.History[tuned.Best-1]
	if r.Val.Accuracy != best.ValAccuracy || r.Val.Loss-best.ValLoss > 1e-5 || best.ValLoss-r.Val.Loss > 1e-5 {
		t.Errorf("measured %v %v, the history says %v %v", r.Val.Accuracy, r.Val.Loss, best.ValAccuracy, best.ValLoss)
	}
	if b := tuned.Tasks[0].Before; r.Val.Accuracy < b.Val.Accuracy || b.History[1].ValLoss-b.Val.Loss > 1e-6 {
		t.Errorf("validation %v after %v; phase 1 ended with %v, measured %v", r.Val.Accuracy, b.Val.Accuracy, b.History[1].ValLoss, b.Val.Loss)
	}
	if left, err := os.ReadDir(c.Scratch); err != nil || len(left) > 0 {
		t.Errorf("%v is left of the temporary files, %v", left, err)
	}
	m, err := file.Parse(tuned.Base)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Main().Operators) != len(tuned.Network.Model.Main().Operators) || bytes.Equal(tuned.Base, c.Base.Data) {
		t.Error("the new base is not the old one with other constants")
	}
	again, err := runWith(t.Context(), c, newHeadTop) // over a finished run: anew, and the same
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fingerprint(t, tuned), fingerprint(t, again)) {
		t.Error("the same configuration came to another result")
	}
}

// TestResume ends runs at random steps and goes on with them until they are
// done: they must come to what one run comes to.
func TestResume(t *testing.T) {
	c := small(t)
	whole, err := runWith(t.Context(), c, newHeadTop)
	if err != nil {
		t.Fatal(err)
	}
	want := fingerprint(t, whole)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range 5 {
		c.Checkpoints = filepath.Join(t.TempDir(), "checkpoints")
		c.Resume = true
		ended := 0
		for {
			ctx, cancel := context.WithCancel(t.Context())
			left := 1 + rng.IntN(12)
			tuned, err := runWith(ctx, c, func(tc topConfig) (top, error) {
				h, err := newHeadTop(tc)
				h.(*headTop).onStep = func() {
					if left--; left == 0 {
						cancel()
					}
				}
				return h, err
			})
			cancel()
			if errors.Is(err, context.Canceled) {
				if ended++; ended > 200 {
					t.Fatal("no progress")
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(fingerprint(t, tuned), want) {
				t.Errorf("round %d: ended %d times, came to another result", round, ended)
			}
			break
		}
		t.Logf("ended %d times", ended)
	}
}

// stopped leaves the checkpoint of a run that was interrupted in its third epoch.
func stopped(t *testing.T, c Config) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := 0
	_, err := runWith(ctx, c, func(tc topConfig) (top, error) {
		h, err := newHeadTop(tc)
		h.(*headTop).onStep = func() {
			if steps++; steps == 8 {
				cancel()
			}
		}
		return h, err
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestResumeRefuses(t *testing.T) {
	c := small(t)
	stopped(t, c)
	_, err := runWith(t.Context(), c, newHeadTop)
	if !errors.Is(err, ErrUnfinished) || !strings.Contains(hint.Of(err), "--resume") {
		t.Errorf("an unfinished run was not respected: %v", err)
	}
	c.Resume = true
	for _, change := range []struct {
		name, want string
		do         func(*Config)
	}{
		{"rate", "rates is [0.001,0.01] and was [0.001,0.05]", func(c *Config) { c.Recipe.Rates[1] = 0.01 }},
		{"seed", "seed is 2 and was 1", func(c *Config) { c.Recipe.Seed = 2 }},
		{"base", "the base is", func(c *Config) {
			c.Base.Digest = "sha256:" + "0000000000000000000000000000000000000000000000000000000000000000"
		}},
		{"task", "the tasks are other, and were panel", func(c *Config) { c.Tasks = []Task{{"other", c.Tasks[0].Dir}} }},
		{"images", "the images of task panel have changed", func(c *Config) {
			c.Tasks = []Task{{"panel", photos(t, 9, "lamp_green", "lamp_red", "valve_open")}}
		}},
	} {
		changed := c
		change.do(&changed)
		_, err := runWith(t.Context(), changed, newHeadTop)
		if err == nil || !strings.Contains(err.Error(), change.want) || hint.Of(err) == "" {
			t.Errorf("%s: %v, want %q", change.name, err, change.want)
		}
	}
	tuned, err := runWith(t.Context(), c, newHeadTop)
	if err != nil {
		t.Fatal(err)
	}
	if tuned.Resumed != 2 {
		t.Errorf("resumed after epoch %d, want 2", tuned.Resumed)
	}
}

func TestDivergence(t *testing.T) {
	c := small(t)
	_, err := runWith(t.Context(), c, func(tc topConfig) (top, error) {
		h, err := newHeadTop(tc)
		h.(*headTop).failAt = 5 // in the second of epochs of three steps
		return h, err
	})
	if !errors.Is(err, adapt.ErrDiverged) || !strings.Contains(err.Error(), "epoch 2") || !strings.Contains(hint.Of(err), "epoch-0001") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if s, err := (checkpoints{c.Checkpoints}).last(); err != nil || s.Epoch != 1 {
		t.Errorf("the last good state is %+v, %v", s, err)
	}
}

// TestNeverBelow trains away from what was learned: the end of phase 1 is kept.
func TestNeverBelow(t *testing.T) {
	c := small(t)
	c.Recipe.Epochs, c.Recipe.Patience = [2]int{20, 5}, 2
	c.Recipe.Rates[1] = 1
	tuned, err := runWith(t.Context(), c, func(tc topConfig) (top, error) {
		h, err := newHeadTop(tc)
		h.(*headTop).worsens = true
		return h, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if tuned.Best != 20 || !bytes.Equal(tuned.Base, c.Base.Data) || tuned.Tasks[0].Head != tuned.Tasks[0].Before.Head {
		t.Errorf("best epoch %d, not the end of phase 1", tuned.Best)
	}
	if len(tuned.History) != 22 || !strings.Contains(tuned.Phases[1].Stopped, "no better epoch than 20") {
		t.Errorf("%d epochs, %q", len(tuned.History), tuned.Phases[1].Stopped)
	}
}

func TestSeveralTasks(t *testing.T) {
	c := small(t)
	c.Tasks = append(c.Tasks, Task{"valves", photos(t, 25, "valve_closed", "valve_open")})
	seen := map[int]int{}
	tuned, err := runWith(t.Context(), c, func(tc topConfig) (top, error) {
		h, err := newHeadTop(tc)
		return counting{h, seen}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(tuned.Tasks) != 2 || tuned.Tasks[0].Head.Classes != 3 || tuned.Tasks[1].Head.Classes != 2 {
		t.Errorf("tasks %+v", tuned.Tasks)
	}
	if seen[0] != seen[1] || seen[0] != 4*5 { // 40 training images, 8 a step, 4 epochs
		t.Errorf("steps by task: %v", seen)
	}
	for _, e := range tuned.History {
		if len(e.Tasks) != 2 || e.ValAccuracy != (e.Tasks[0].ValAccuracy+e.Tasks[1].ValAccuracy)/2 {
			t.Errorf("epoch %+v", e)
		}
	}
}

type counting struct {
	top
	steps map[int]int
}

func (c counting) Step(b batch, rate float64) (result, error) {
	c.steps[b.task]++
	return c.top.Step(b, rate)
}

func TestFreshPictures(t *testing.T) {
	c := small(t)
	c.Recipe.Epochs = [2]int{1, 2}
	c.Recipe.Config = UsualAugmentation()
	c.Recipe.LabelSmoothing = 0.1
	var frontiers [][]float32
	record := func(tc topConfig) (top, error) {
		h, err := newHeadTop(tc)
		return recording{h, &frontiers}, err
	}
	tuned, err := runWith(t.Context(), c, record)
	if err != nil {
		t.Fatal(err)
	}
	if tuned.Seconds.Augment <= 0 {
		t.Error("augmentation cost nothing")
	}
	first := frontiers
	frontiers = nil
	if _, err := runWith(t.Context(), c, record); err != nil {
		t.Fatal(err)
	}
	if len(first) != 6 || !slices.EqualFunc(first, frontiers, slices.Equal[[]float32]) {
		t.Errorf("%d steps, and others the second time", len(first))
	}
	if slices.Equal(first[0], first[3]) {
		t.Error("the second epoch saw the first one's pictures")
	}
}

type recording struct {
	top
	frontiers *[][]float32
}

func (r recording) Step(b batch, rate float64) (result, error) {
	for i := 0; i < len(b.targets); i += 3 {
		if sum := b.targets[i] + b.targets[i+1] + b.targets[i+2]; sum < 0.9999 || sum > 1.0001 {
			return result{}, errors.New("targets do not sum to 1")
		}
	}
	*r.frontiers = append(*r.frontiers, slices.Clone(b.frontier[0]))
	return r.top.Step(b, rate)
}

func TestUnavailable(t *testing.T) {
	if Available() == nil {
		t.Skip("this build can train")
	}
	if _, err := Run(t.Context(), Config{}); err == nil || !strings.Contains(hint.Of(err), "make trainer") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}
