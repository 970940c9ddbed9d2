package rebase

import (
	"fmt"
	"math"
)

// Kind is why a verdict is what it is, in a word.
type Kind string

// The kinds of verdict. The first five activate.
const (
	First       Kind = "first"     // nothing was in use
	AsPublished Kind = "published" // no samples: the published head, which passed its self-test
	Better      Kind = "better"    // more of the held-out images are right
	Equal       Kind = "equal"     // as good as can be told
	Margin      Kind = "margin"    // worse, within the margin that was set

	Worse      Kind = "worse"      // fewer of the held-out images are right
	Loses      Kind = "loses"      // a class of the device would be lost
	Unmeasured Kind = "unmeasured" // no held-out image tells the two apart
	Untrained  Kind = "untrained"  // no head can be trained, and none was published
	SelfTest   Kind = "self-test"  // the published head fails its own test here, or has none
	NotFinite  Kind = "not-finite" // the new base gives NaN or infinity, or training did
)

// Verdict says whether the new head is to be put in use.
type Verdict struct {
	Activate bool   `json:"activate"`
	Kind     Kind   `json:"kind"`
	Reason   string `json:"reason"` // a sentence without a stop
}

// comparison is how two heads did on the same images.
type comparison struct {
	images                int
	before, after         int     // images that each got right
	lossBefore, lossAfter float64 // mean cross-entropy over the classes that an image may be taken for
}

// tie is how much higher the loss may be, in nats, where as many images are right:
// two heads that know everything differ by less, and that says nothing.
const tie = 0.01

// judge applies the rule that the package's documentation states.
func judge(c comparison, margin float64) Verdict {
	if c.images == 0 {
		return Verdict{Kind: Unmeasured, Reason: "no held-out image of a class that the head in use knows: better or worse cannot be told"}
	}
	more := c.after - c.before
	share := fmt.Sprintf("%d of %d held-out images are right, %d were", c.after, c.images, c.before)
	least := -margin * float64(c.images) // more images that must be right, at least
	const rounding = 1e-9
	allowed := 0.0 // more loss
	if more == 0 {
		allowed = tie
	}
	switch {
	case margin < 0 && float64(more) < least-rounding:
		return Verdict{Kind: Worse, Reason: fmt.Sprintf("%s: fewer than the %.1f points more that were asked for", share, -100*margin)}
	case more > 0:
		return Verdict{true, Better, share}
	case more >= -1 && c.lossAfter <= c.lossBefore+allowed:
		return Verdict{true, Equal, fmt.Sprintf("%s, and the right classes score as high (loss %.4f, was %.4f)", share, c.lossAfter, c.lossBefore)}
	case margin > 0 && float64(more) >= least-rounding:
		return Verdict{true, Margin, fmt.Sprintf("%s: within the margin of %.1f points", share, 100*margin)}
	case more >= -1:
		return Verdict{Kind: Worse, Reason: fmt.Sprintf("%s, and the right classes score lower (loss %.4f, was %.4f)", share, c.lossAfter, c.lossBefore)}
	}
	return Verdict{Kind: Worse, Reason: share}
}

// floor keeps one image that a head is quite wrong about from making a mean loss
// infinite.
const floor = 1e-7

// crossEntropy is the loss of scores, [classes], over those classes alone that
// among lists; label is one of them. NaN in, NaN out.
func crossEntropy(scores []float32, among []int, label int) float64 {
	var sum float64
	for _, c := range among {
		sum += float64(scores[c])
	}
	return -math.Log(math.Max(float64(scores[label])/math.Max(sum, floor), floor))
}
