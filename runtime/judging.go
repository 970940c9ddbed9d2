package runtime

import (
	"sync"
	"time"

	"github.com/edge-adapt/edge/runtime/probation"
)

// judging watches a task's generations: the active one on probation, and the one
// in the shadow. It gathers, and says when there is a verdict; what becomes of
// it, the task's follower decides.
type judging struct {
	mu sync.Mutex

	active trial             // of the generation that serves
	record *probation.Record // of what that did
	other  int               // that active.watch compares with; 0: none
	shadow trial             // of the generation in the shadow
}

// trial is a generation under watch until there is a verdict.
type trial struct {
	generation int              // 0: none
	watch      *probation.Watch // nil: it is not under watch
	ended      bool             // the verdict on it was taken
}

// due reports whether there is a verdict that nobody has taken yet.
func (t *trial) due(now time.Time) bool {
	return t.watch != nil && !t.ended && t.watch.Verdict(now).Decision != probation.Continue
}

// take returns the verdict, once.
func (t *trial) take(now time.Time) (generation int, v probation.Verdict) {
	if t.watch == nil || t.ended {
		return 0, probation.Verdict{}
	}
	v = t.watch.Verdict(now)
	t.ended = v.Decision != probation.Continue
	return t.generation, v
}

// status returns how the watch stands; nil without one.
func (t *trial) status(now time.Time) *WatchStatus {
	if t.watch == nil {
		return nil
	}
	return &WatchStatus{t.generation, t.watch.Stats(now)}
}

// remark is what is to be known of one image.
type remark struct {
	generation int
	answer     probation.Answer
	err        error // the generation failed; answer does not count

	before       int // the generation before, if it was asked; 0: it was not
	beforeAnswer probation.Answer

	shadow       int // 0: it was not asked
	shadowAnswer probation.Answer
	shadowErr    error
}

// add takes a remark, and reports whether there is a verdict that nobody has
// taken yet. Remarks on generations that are gone meanwhile are ignored.
func (j *judging) add(r remark) (verdict bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.generation != j.active.generation {
		return false
	}
	now := time.Now()
	if r.err == nil {
		j.record.Add(r.answer)
	}
	if w := j.active.watch; w != nil && !j.active.ended {
		switch {
		case r.err != nil:
			w.Fail(r.err)
		case r.before != 0 && r.before == j.other:
			w.AddPair(r.answer, r.beforeAnswer)
		default:
			w.Add(r.answer)
		}
		verdict = j.active.due(now)
	}
	if r.shadow == 0 || r.shadow != j.shadow.generation {
		return verdict
	}
	if r.shadowErr != nil {
		j.shadow.watch.Fail(r.shadowErr)
	} else {
		j.shadow.watch.AddPair(r.shadowAnswer, r.answer)
	}
	return verdict || j.shadow.due(now)
}

// serve begins with a generation that serves from now on, in place of which it
// puts what was there. With probation it is under watch.
func (j *judging) serve(s *served, o probation.Options, now time.Time, before *served, onProbation bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	other, record := probation.Generation{}, j.record
	if before == nil || before.model.Generation != j.active.generation {
		record = nil
	}
	if before != nil {
		other = before.judged()
	}
	j.active = trial{generation: s.model.Generation}
	j.record, j.other = probation.NewRecord(len(s.model.Labels)), other.Number
	if onProbation {
		j.active.watch = probation.NewWatch(o, now, s.judged(), other, record)
	}
	j.shadow = trial{}
}

// setShadow begins to compare s with the generation active; nil ends it.
func (j *judging) setShadow(s, active *served, o probation.Options, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.shadow = trial{}
	if s != nil {
		j.shadow = trial{generation: s.model.Generation, watch: probation.NewWatch(o, now, s.judged(), active.judged(), nil)}
	}
}

// takeVerdict returns the verdict on the generation that serves, once.
func (j *judging) takeVerdict(now time.Time) (generation int, v probation.Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.active.take(now)
}

// takeShadowVerdict returns the verdict on the generation in the shadow, once.
func (j *judging) takeShadowVerdict(now time.Time) (generation int, v probation.Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.shadow.take(now)
}

// pass ends the probation of the generation that serves.
func (j *judging) pass() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active.watch = nil
}

// status returns both watches; nil where there is none.
func (j *judging) status(now time.Time) (onProbation, shadow *WatchStatus) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.active.status(now), j.shadow.status(now)
}

func (s *served) judged() probation.Generation {
	return probation.Generation{Number: s.model.Generation, Labels: s.model.Labels, Unknown: s.calibration.Detects()}
}
