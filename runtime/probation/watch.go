package probation

import (
	"fmt"
	"slices"
	"time"
)

// Generation is what a Watch needs to know of a generation. The zero Generation
// is none.
type Generation struct {
	Number  int
	Labels  []string // kept, not changed
	Unknown bool     // whether it can answer Unknown
}

// Watch judges one generation.
type Watch struct {
	options Options
	labels  []string
	other   int // number of the other generation
	since   time.Time

	frames    uint64
	errors    uint64
	lastError string
	nan       uint64
	scores    float64  // sum over frames with numbers
	counts    []uint64 // of those, by class, Unknown first
	visits    visits
	latency   Histogram

	before  before
	pairs   pairs
	block   block
	verdict Verdict
}

// before is what a Record knew of the other generation.
type before struct {
	frames  uint64
	visited []uint64 // by its class, Unknown first
	latency Histogram
}

// NewWatch begins to watch a generation, at now. It is compared with other: with
// its answers to the same frames (AddPair), and with its record, which is read
// now and not kept; nil means that nothing is known of it. Without both, only
// errors and NaN count. NewWatch panics on options that Validate refuses, and on
// a record of other labels.
func NewWatch(o Options, now time.Time, judged, other Generation, record *Record) *Watch {
	if err := o.Validate(); err != nil {
		panic("probation: " + err.Error())
	}
	w := &Watch{
		options: o.OrDefault(), labels: judged.Labels, other: other.Number, since: now,
		counts: make([]uint64, len(judged.Labels)+1), visits: newVisits(len(judged.Labels)),
		pairs:   newPairs(judged, other),
		verdict: Verdict{Decision: Continue},
	}
	if record != nil {
		if record.classes() != len(other.Labels) {
			panic(fmt.Sprintf("probation: a record of %d classes for %d labels", record.classes(), len(other.Labels)))
		}
		w.before = before{record.Frames(), record.visited(), record.Latency()}
	}
	return w
}

// Add takes the judged's answer to a frame that the other did not answer. It
// panics on a class that there is not.
func (w *Watch) Add(a Answer) {
	if a.isNaN() {
		w.nan++
	}
	w.add(a)
	w.judge()
}

// AddPair takes the answers of both to one frame. A frame for which both have
// scores that are no numbers speaks against neither. AddPair panics on classes
// that there are not.
func (w *Watch) AddPair(a, other Answer) {
	if a.isNaN() && !other.isNaN() {
		w.nan++
	}
	w.add(a)
	if !a.isNaN() && !other.isNaN() {
		w.pairs.add(a, other)
	}
	if other.Latency > 0 {
		w.pairs.latency.Add(other.Latency)
		w.block.other.Add(other.Latency)
	}
	w.judge()
}

func (w *Watch) add(a Answer) {
	w.frames++
	if a.Latency > 0 {
		w.latency.Add(a.Latency)
		w.block.judged.Add(a.Latency)
	}
	if !a.isNaN() {
		w.counts[a.Class+1]++
		w.scores += float64(a.Score)
		w.visits.add(a.Class)
	}
}

// Fail takes a frame that the judged could not answer, for a reason that lies in
// the generation and not in the frame.
func (w *Watch) Fail(err error) {
	w.errors++
	w.lastError = err.Error()
	w.judge()
}

// Verdict returns what is to be done, at now. Once it is not Continue it stays.
func (w *Watch) Verdict(now time.Time) Verdict {
	if w.frames >= uint64(w.options.MinFrames) && now.Sub(w.since) >= w.options.Time {
		w.atLast()
	}
	return w.verdict
}

// judge comes to a verdict after a frame or an error, if there is one to come to.
func (w *Watch) judge() {
	if w.verdict.Decision != Continue {
		return
	}
	o := w.options
	switch {
	case w.errors >= uint64(o.MaxErrors):
		w.rollBack("%d frames failed, the last with: %s", w.errors, w.lastError)
	case w.nan >= uint64(o.MaxNaN):
		w.rollBack("its scores were not numbers in %d of %d frames", w.nan, w.frames)
	case w.block.judged.Count() >= uint64(o.LatencyFrames):
		w.judgeLatency()
	}
	if w.frames%collapseEvery == 0 {
		w.judgeCollapse()
		w.judgeAgreement()
	}
	if w.frames >= uint64(max(o.Frames, o.MinFrames)) {
		w.atLast()
	}
}

// collapseEvery is after how many frames the tests that count visits are made.
const collapseEvery = 32

// atLast comes to the verdict when there was enough to see. A block that was too
// slow is given the next one to prove or refute it.
func (w *Watch) atLast() {
	if w.block.slow {
		return
	}
	w.judgeCollapse()
	w.judgeAgreement()
	if w.verdict.Decision == Continue {
		w.verdict = Verdict{Good, fmt.Sprintf("%d frames without a complaint", w.frames)}
	}
}

func (w *Watch) judgeAgreement() {
	p := &w.pairs
	if w.verdict.Decision != Continue || p.frames < uint64(w.options.MinFrames) || p.agreement() >= w.options.MinAgreement {
		return
	}
	w.rollBack("it agrees with generation %d on %.1f %% of %d frames, asked for are %.1f %%",
		w.other, 100*p.agreement(), p.frames, 100*w.options.MinAgreement)
}

func (w *Watch) rollBack(format string, args ...any) {
	w.verdict = Verdict{RollBack, fmt.Sprintf(format, args...)}
}

// numbers returns the frames whose scores were numbers.
func (w *Watch) numbers() uint64 {
	var n uint64
	for _, c := range w.counts {
		n += c
	}
	return n
}

// top returns the class of the most frames, and of how many.
func (w *Watch) top() (class int, frames uint64) {
	frames = slices.Max(w.counts)
	return slices.Index(w.counts, frames) - 1, frames
}
