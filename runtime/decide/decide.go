// Package decide turns a stream of scores into decisions: what a camera shows
// now, told once and not for every frame.
//
// # The rule
//
// Each frame casts at most one vote. A frame whose likeliest class scores at or
// above Threshold votes for that class; a frame that shows none of the classes
// votes for Unknown; any other frame, and one whose score is NaN, votes for
// nobody. A frame that votes for another class than the current one makes that
// class current
//
//   - when the last InARow frames all voted for it, or
//   - when at least ⌈Share·Window⌉ of the last Window frames voted for it, and
//     fewer than max(1, Window − ⌈Share·Window⌉) of them for the current class.
//
// The second condition of the second rule is the hysteresis: the one who comes
// needs 60 % and the one who goes must be below 40 %, so a stream that goes to
// and fro between two classes changes nothing. Before Window frames were seen,
// the missing ones count as votes for nobody. Votes for nobody never take the
// current class away: what was decided stands until something else is.
//
// The package is pure: it knows no clock, no goroutine and no I/O.
package decide

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/internal/hint"
)

// Unknown is the class of frames that show none of the head's classes.
const Unknown = -1

// nobody is the vote of a frame that is not sure.
const nobody = -2

// The values that a zero field of Options means.
const (
	DefaultThreshold = 0.8
	DefaultInARow    = 3
	DefaultWindow    = 5
	DefaultShare     = 0.6
)

// maxFrames is the longest row and window: at 30 frames a second, two minutes.
const maxFrames = 3600

// Options say how sure a decision must be.
type Options struct {
	Threshold float32 // score from which a frame votes, above 0 and up to 1; 0: 0.8
	InARow    int     // votes in a row that decide, 1 to 3600; 0: 3
	Window    int     // frames that Share looks back on, 1 to 3600; 0: 5
	Share     float64 // share of the window that decides, above 0.5 and up to 1; 0: 0.6
}

// OrDefault returns o with its zero fields replaced by what they mean.
func (o Options) OrDefault() Options {
	if o.Threshold == 0 {
		o.Threshold = DefaultThreshold
	}
	if o.InARow == 0 {
		o.InARow = DefaultInARow
	}
	if o.Window == 0 {
		o.Window = DefaultWindow
	}
	if o.Share == 0 {
		o.Share = DefaultShare
	}
	return o
}

// Validate names the first field that is out of its range, with the range as
// the hint. Zero fields are in range.
func (o Options) Validate() error {
	refuse := func(field string, value any, want string) error {
		return hint.Wrap(fmt.Errorf("%s %v is out of range", field, value), fmt.Sprintf("%s takes %s", field, want))
	}
	o = o.OrDefault()
	switch {
	case !(o.Threshold > 0 && o.Threshold <= 1):
		return refuse("threshold", o.Threshold, "a number above 0, up to 1, such as 0.8")
	case o.InARow < 1 || o.InARow > maxFrames:
		return refuse("in_a_row", o.InARow, fmt.Sprintf("1 to %d frames", maxFrames))
	case o.Window < 1 || o.Window > maxFrames:
		return refuse("window", o.Window, fmt.Sprintf("1 to %d frames", maxFrames))
	case !(o.Share > 0.5 && o.Share <= 1):
		// With half or less two classes could claim the same window.
		return refuse("share", o.Share, "a number above 0.5, up to 1, such as 0.6")
	}
	return nil
}

// need is ⌈Share·Window⌉, guarded against products like 0.07·100, which is a
// little more than 7 in binary.
func (o Options) need() int { return int(math.Ceil(o.Share*float64(o.Window) - 1e-9)) }

// Decider is the state of one stream of frames. It is used by one goroutine at
// a time; its methods but Reset do not allocate.
type Decider struct {
	options Options
	need    int // votes in the window that decide
	spare   int // votes of the current class with which it keeps its place

	current int // class, Unknown, or nobody while nothing is decided

	row    int // votes in a row for last
	last   int // the last frame's vote
	window []int32
	next   int     // where in window the next vote goes, over the oldest
	votes  []int32 // in the window, by class; Unknown is the first
}

// New returns a Decider for scores of that many classes, with nothing decided.
// It panics on options that Validate refuses and on a negative number.
func New(o Options, classes int) *Decider {
	if err := o.Validate(); err != nil {
		panic("decide: " + err.Error())
	}
	o = o.OrDefault()
	d := &Decider{options: o, need: o.need(), window: make([]int32, o.Window)}
	d.spare = max(1, o.Window-d.need)
	d.Reset(classes)
	return d
}

// Observe takes one frame: its likeliest class, that class's score in [0, 1],
// and whether it shows none of the classes, when class and score do not count.
// It reports whether the decision changed, which Current then tells. It panics
// on a class that there is not.
func (d *Decider) Observe(class int, score float32, unknown bool) (changed bool) {
	vote := nobody
	switch {
	case unknown:
		vote = Unknown
	case class < 0 || class >= len(d.votes)-1:
		panic(fmt.Sprintf("decide: class %d of %d", class, len(d.votes)-1))
	case score >= d.options.Threshold: // false for NaN
		vote = class
	}
	d.count(vote)
	if vote == nobody || vote == d.current {
		return false
	}
	if d.row < d.options.InARow {
		if int(d.votes[vote+1]) < d.need {
			return false
		}
		if d.current != nobody && int(d.votes[d.current+1]) >= d.spare {
			return false
		}
	}
	d.current = vote
	return true
}

// count enters a vote, in place of the oldest.
func (d *Decider) count(vote int) {
	if vote != d.last {
		d.last, d.row = vote, 0
	}
	d.row = min(d.row+1, maxFrames)
	if oldest := d.window[d.next]; oldest != nobody {
		d.votes[oldest+1]--
	}
	d.window[d.next] = int32(vote)
	if vote != nobody {
		d.votes[vote+1]++
	}
	if d.next++; d.next == len(d.window) {
		d.next = 0
	}
}

// Current returns the decided class, Unknown included; ok is false while
// nothing is decided.
func (d *Decider) Current() (class int, ok bool) {
	if d.current == nobody {
		return 0, false
	}
	return d.current, true
}

// Reset forgets all frames and the decision, for scores of that many classes
// from now on: classes are numbers, which mean something else under other
// labels. It panics on a negative number.
func (d *Decider) Reset(classes int) {
	if classes < 0 {
		panic(fmt.Sprintf("decide: %d classes", classes))
	}
	if cap(d.votes) < classes+1 {
		d.votes = make([]int32, classes+1)
	}
	d.votes = d.votes[:classes+1]
	clear(d.votes)
	for i := range d.window {
		d.window[i] = nobody
	}
	d.current, d.last, d.row, d.next = nobody, nobody, 0, 0
}
