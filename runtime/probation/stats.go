package probation

import "time"

// Stats is what a Watch has seen.
type Stats struct {
	Since     time.Time `json:"since"`
	Frames    uint64    `json:"frames"` // answered, NaN among them
	Errors    uint64    `json:"errors"`
	LastError string    `json:"last_error,omitempty"`
	NaN       uint64    `json:"nan"` // frames whose scores were not numbers, and the other generation's were
	Unknown   uint64    `json:"unknown"`

	TopLabel  string  `json:"top_label"` // the class of the most frames, "" for unknown
	TopShare  float64 `json:"top_share"` // its share of the frames, 0 to 1
	MeanScore float64 `json:"mean_score"`
	Latency   Latency `json:"latency"`
	Beside    *Beside `json:"beside,omitempty"` // nil: no frame was compared
	Verdict   Verdict `json:"verdict"`
}

// Beside compares with the other generation on the same frames.
type Beside struct {
	Generation int     `json:"generation"`
	Frames     uint64  `json:"frames"`      // that both answered with numbers
	Agreement  float64 `json:"agreement"`   // share of these with the same label, 0 to 1
	ScoreShift float64 `json:"score_shift"` // mean of the judged's score less the other's, each of its own likeliest class
	Latency    Latency `json:"latency"`     // the other's
}

// Latency sums up a Histogram.
type Latency struct {
	Frames uint64  `json:"frames"` // that were measured
	MeanMS float64 `json:"mean_ms"`
	P50MS  float64 `json:"p50_ms"`
	P99MS  float64 `json:"p99_ms"`
	MaxMS  float64 `json:"max_ms"`
}

// Summary returns the figures that people ask of latencies.
func (h *Histogram) Summary() Latency {
	return Latency{h.Count(), ms(h.Mean()), ms(h.Quantile(0.5)), ms(h.Quantile(0.99)), ms(h.Max())}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Stats returns what the Watch has seen so far, and its verdict at now.
func (w *Watch) Stats(now time.Time) Stats {
	s := Stats{
		Since: w.since, Frames: w.frames, Errors: w.errors, LastError: w.lastError, NaN: w.nan, Unknown: w.counts[0],
		Latency: w.latency.Summary(), Verdict: w.Verdict(now),
	}
	if numbers := w.numbers(); numbers > 0 {
		top, n := w.top()
		s.TopLabel, s.TopShare = label(w.labels, top), float64(n)/float64(numbers)
		s.MeanScore = w.scores / float64(numbers)
	}
	if p := &w.pairs; p.frames > 0 {
		s.Beside = &Beside{
			Generation: w.other, Frames: p.frames, Agreement: p.agreement(), ScoreShift: p.shift / float64(p.frames),
			Latency: p.latency.Summary(),
		}
	}
	return s
}

// label names a class; Unknown has no name.
func label(labels []string, class int) string {
	if class == Unknown {
		return ""
	}
	return labels[class]
}
