package probation

import "time"

// block is the latencies of LatencyFrames frames, and whether those of the block
// before were too long.
type block struct {
	judged, other Histogram
	slow          bool
}

// judgeLatency ends a block. The other generation's latencies are those of the
// same frames if they were measured, else those of its Record, if that has
// enough of them.
func (w *Watch) judgeLatency() {
	b := &w.block
	other := &b.other
	if other.Count() < b.judged.Count() {
		other = &w.before.latency
	}
	slow := false
	if w.options.LatencyFactor != never && other.Count() >= uint64(w.options.LatencyFrames) {
		ours, theirs := b.judged.Quantile(0.99), other.Quantile(0.99)
		factor := float64(ours) / float64(max(theirs, time.Microsecond))
		slow = factor > w.options.LatencyFactor && ours > theirs+w.options.LatencySlack
		if slow && b.slow {
			w.rollBack("99 %% of its answers took up to %.1f ms, %.1f times generation %d's %.1f ms, twice in a row over %d frames; allowed is %g times",
				ms(ours), factor, w.other, ms(theirs), b.judged.Count(), w.options.LatencyFactor)
		}
	}
	*b = block{slow: slow}
}
