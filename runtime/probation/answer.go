package probation

import "time"

// Answer is what a generation said of one frame.
type Answer struct {
	Class   int           // the likeliest, an index into its labels, or Unknown
	Score   float32       // of Class, 0 to 1; NaN: its scores are not numbers, and Class does not count
	Latency time.Duration // how long it took; 0: not measured
}

// isNaN reports whether the scores were not numbers.
func (a Answer) isNaN() bool { return a.Score != a.Score }
