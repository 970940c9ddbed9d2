package probation

// recordFrames is how many frames half a Record spans: at ten a second, eight
// minutes.
const recordFrames = 5000

// Record is what a serving generation did lately: the last 5,000 to 10,000
// frames, older ones are forgotten. It is what the next generation's Watch
// compares with.
type Record struct{ old, new half }

// half is one of the two stretches of frames that a Record holds.
type half struct {
	frames  uint64
	visits  visits
	latency Histogram
}

// NewRecord returns the empty Record of a generation with so many classes.
func NewRecord(classes int) *Record {
	return &Record{old: half{visits: newVisits(classes)}, new: half{visits: newVisits(classes)}}
}

func (r *Record) classes() int { return len(r.new.visits.of) - 1 }

// Add takes the answer to one frame. It panics on a class that there is not.
func (r *Record) Add(a Answer) {
	if r.new.frames == recordFrames {
		r.old, r.new = r.new, r.old
		v := r.new.visits
		clear(v.of)
		v.last, v.run = r.old.visits.last, r.old.visits.run
		r.new = half{visits: v}
	}
	r.new.frames++
	if a.isNaN() {
		return
	}
	r.new.visits.add(a.Class)
	if a.Latency > 0 {
		r.new.latency.Add(a.Latency)
	}
}

// Frames returns how many frames the Record spans.
func (r *Record) Frames() uint64 { return r.old.frames + r.new.frames }

// Latency returns the latencies of these frames, as a copy.
func (r *Record) Latency() Histogram {
	h := r.old.latency
	h.merge(&r.new.latency)
	return h
}

// visited returns the visits by class, Unknown first.
func (r *Record) visited() []uint64 {
	sum := make([]uint64, len(r.new.visits.of))
	for i := range sum {
		sum[i] = r.old.visits.of[i] + r.new.visits.of[i]
	}
	return sum
}
