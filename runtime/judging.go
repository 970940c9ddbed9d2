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

	generation int               // that serves; 0: none
	record     *probation.Record // of what it did
	watch      *probation.Watch  // nil: it is not under watch
	other      int               // that watch compares with; 0: none
	ended      bool              // the verdict on it was taken

	shadow      int // generation in the shadow; 0: none
	shadowWatch *probation.Watch
	shadowEnded bool
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
	if r.generation != j.generation {
		return false
	}
	now := time.Now()
	if r.err == nil {
		j.record.Add(r.answer)
	}
	if w := j.watch; w != nil && !j.ended {
		switch {
		case r.err != nil:
			w.Fail(r.err)
		case r.before != 0 && r.before == j.other:
			w.AddPair(r.answer, r.beforeAnswer)
		default:
			w.Add(r.answer)
		}
		verdict = w.Verdict(now).Decision != probation.Continue
	}
	if r.shadow == 0 || r.shadow != j.shadow {
		return verdict
	}
	switch {
	case r.shadowErr != nil:
		j.shadowWatch.Fail(r.shadowErr)
	default:
		j.shadowWatch.AddPair(r.shadowAnswer, r.answer)
	}
	return verdict || !j.shadowEnded && j.shadowWatch.Verdict(now).Decision != probation.Continue
}

// serve begins with a generation that serves from now on, in place of which it
// puts what was there. With probation it is under watch.
func (j *judging) serve(s *served, o probation.Options, now time.Time, before *served, onProbation bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	other, record := probation.Generation{}, j.record
	if before == nil || before.model.Generation != j.generation {
		record = nil
	}
	if before != nil {
		other = before.judged()
	}
	j.generation, j.record = s.model.Generation, probation.NewRecord(len(s.model.Labels))
	j.watch, j.other, j.ended = nil, other.Number, false
	if onProbation {
		j.watch = probation.NewWatch(o, now, s.judged(), other, record)
	}
	j.startShadow(0, nil)
}

// startShadow begins to compare a generation with the one that serves.
func (j *judging) startShadow(generation int, w *probation.Watch) {
	j.shadow, j.shadowWatch, j.shadowEnded = generation, w, false
}

// setShadow begins to compare s with the generation active; nil ends it.
func (j *judging) setShadow(s, active *served, o probation.Options, now time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s == nil {
		j.startShadow(0, nil)
		return
	}
	j.startShadow(s.model.Generation, probation.NewWatch(o, now, s.judged(), active.judged(), nil))
}

// takeVerdict returns the verdict on the generation that serves, once.
func (j *judging) takeVerdict(now time.Time) (generation int, v probation.Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.watch == nil || j.ended {
		return 0, probation.Verdict{}
	}
	v = j.watch.Verdict(now)
	j.ended = v.Decision != probation.Continue
	return j.generation, v
}

// takeShadowVerdict returns the verdict on the generation in the shadow, once.
func (j *judging) takeShadowVerdict(now time.Time) (generation int, v probation.Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.shadowWatch == nil || j.shadowEnded {
		return 0, probation.Verdict{}
	}
	v = j.shadowWatch.Verdict(now)
	j.shadowEnded = v.Decision != probation.Continue
	return j.shadow, v
}

// pass ends the probation of the generation that serves.
func (j *judging) pass() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.watch = nil
}

// status returns both watches; nil where there is none.
func (j *judging) status(now time.Time) (onProbation, shadow *WatchStatus) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.watch != nil {
		onProbation = &WatchStatus{j.generation, j.watch.Stats(now)}
	}
	if j.shadowWatch != nil {
		shadow = &WatchStatus{j.shadow, j.shadowWatch.Stats(now)}
	}
	return onProbation, shadow
}

func (s *served) judged() probation.Generation {
	return probation.Generation{Number: s.model.Generation, Labels: s.model.Labels, Unknown: s.calibration.Detects()}
}
