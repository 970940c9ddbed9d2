package runtime

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime/probation"
)

// carryOut does what the verdicts on the active generation and the shadow say.
func (t *Task) carryOut(ctx context.Context) {
	if t.lock(ctx) != nil {
		return
	}
	defer t.unlock()
	now := time.Now()
	switch n, v := t.judging.takeVerdict(now); v.Decision {
	case probation.Good:
		if err := t.markGood(ctx, n, v.Reason); err != nil {
			t.pass()
			t.runtime.log.Warn("that a generation is good is not on record", "task", t.name, "generation", n, "error", err)
		}
	case probation.RollBack:
		if err := t.goBack(ctx, n, models.ByProbation, v.Reason, true); err != nil {
			t.setProblem(n, fmt.Errorf("it must go (%s), but %w", v.Reason, err))
			t.runtime.log.Error("no way back from a bad generation", "task", t.name, "generation", n, "reason", v.Reason, "error", err)
		}
	}
	if n, v := t.judging.takeShadowVerdict(now); v.Decision != probation.Continue && n != 0 {
		message := "it may be activated: " + v.Reason
		if v.Decision == probation.RollBack {
			message = "it must not be activated: " + v.Reason
		}
		t.publish(Event{Kind: KindShadow, Generation: n, Message: message})
	}
	t.showProbation()
}

// markGood records that generation n, which serves, is good, and ends its
// probation. Needs the lock.
func (t *Task) markGood(ctx context.Context, n int, why string) error {
	if err := t.runtime.store.MarkGood(ctx, t.name, n, why); err != nil {
		return err
	}
	t.pass()
	t.publish(Event{Kind: KindGood, Generation: n, Message: why})
	return nil
}

// pass ends the probation of the generation that serves. Needs the lock.
func (t *Task) pass() {
	t.judging.pass()
	t.before.swap(nil)
	t.showProbation()
}

// isGood reports whether g is on record as good. A record that cannot be read
// keeps nothing from serving: the generation is then on probation once more.
func (r *Runtime) isGood(g models.Generation) bool {
	marks, err := r.store.Good(g.Task)
	if err != nil {
		r.log.Warn("which generations are good cannot be read", "task", g.Task, "error", err)
	}
	return slices.ContainsFunc(marks, func(m models.Mark) bool { return m.Generation == g.Generation })
}

// showProbation sets the gauges of probation and shadow.
func (t *Task) showProbation() {
	v, shift := 0.0, 0.0
	watch, shadow := t.judging.status(time.Now())
	if watch != nil {
		v = 1
	}
	if shadow != nil && shadow.Beside != nil {
		shift = shadow.Beside.ScoreShift
	}
	t.metrics.Probation.Set(v)
	t.metrics.ShadowShift.Set(shift)
}
