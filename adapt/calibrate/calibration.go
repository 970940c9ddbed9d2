// Package calibrate lets a head's scores mean what they say, and knows pictures
// that show none of its classes.
//
// Both are fitted once, when a head has been trained, on the images that were
// held back, and kept beside the head. The head itself stays as it is.
//
// # Scores
//
// A head says 0.99 more often than it is right 99 times in 100. Temperature
// scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks") divides
// its logits by one number T, which changes neither the order of the classes nor
// which are alike:
//
//	score = softmax(logits / T)
//
// T minimises the cross-entropy of the validation images against smoothed
// targets: with N images and K classes, the true class has 1 − ε + ε/K and each
// other ε/K, where ε = ½/(N+1) counts half a mistake more than there were
// (Krichevsky and Trofimov 1981; Platt did the like for the same trouble). A head
// that gets every validation image right would otherwise be told to be certain.
// Below MinTemperatureImages T is 1.
//
// # Unknown
//
// A picture is unknown if its distance to every class is larger than nearly all
// known pictures'. The distance to class c is made of two cosines, that of the
// base's features f and that of the head's hidden layer h, each with the mean
// direction of the class's training images:
//
//	distance(c) = 1 − (cos(f, F_c) + cos(h, H_c)) / 2      0: the same direction; 1: at right angles
//	distance    = min over c of distance(c) / threshold
//
// The features see pictures of another kind, the hidden layer sees classes that
// the head was not trained on; a head without a hidden layer has the first cosine
// alone. The threshold is the ⌈(n+1)·Quantile⌉-th smallest distance of the n
// validation images, so of new pictures that come from where these came from, at
// most the share 1 − Quantile is taken for unknown, on average (split conformal
// prediction; Vovk et al. 2005). Below MinUnknownImages nothing is unknown.
// docs/unknowns.md compares this distance with others.
package calibrate

import (
	"errors"

	"github.com/edge-adapt/edge/adapt/internal/kernel"
	"github.com/edge-adapt/edge/internal/digest"
)

// FileName is the name of a calibration among the files of a generation.
const FileName = "calibration.json"

const (
	// MinTemperatureImages is how many validation images a temperature needs.
	MinTemperatureImages = 40
	// MinUnknownImages is how many validation images a threshold needs: with 19
	// the largest distance is the quantile already.
	MinUnknownImages = 20
	// Quantile is the share of known pictures that are to be taken for known.
	Quantile = 0.95
)

// Reasons that errors.Is finds in what Parse and Read return.
var (
	ErrDamaged = errors.New("damaged")              // not what Encode wrote
	ErrNewer   = errors.New("made by a newer edge") // a format this program does not know
	ErrForeign = errors.New("of another head")      // fitted for another head or base
)

// Calibration is what was fitted for one head on one base. The nil Calibration
// changes no score and takes nothing for unknown. Its methods may be called
// concurrently.
type Calibration struct {
	base, head                digest.Digest
	features, hidden, classes int

	images      int     // validation images it was fitted on
	temperature float64 // 1: as the head says
	detector    *detector
	note        string // why there is no detector
}

// Apply replaces scores, [classes], which sum to 1 as the head's do, by
// calibrated ones. It does not allocate. Scores that are NaN stay NaN. It panics
// if the length differs.
func (c *Calibration) Apply(scores []float32) {
	if c == nil {
		return
	}
	mustBe("scores", len(scores), c.classes)
	if c.temperature != 1 {
		kernel.Temper(scores, 1/c.temperature)
	}
}

// Unknown returns how far a picture is from the classes, and whether that is too
// far for any of them. distance is in units of the threshold: unknown is
// distance > 1, and also a distance that is NaN.
//
// features is [features], the base's; hidden is [hidden], the activations that
// head.Scores leaves in its scratch memory, and does not count where the head
// has no hidden layer. Unknown keeps neither and does not allocate; it panics if
// a length differs. A Calibration that does not detect says 0 and false.
func (c *Calibration) Unknown(features, hidden []float32) (distance float32, unknown bool) {
	if !c.Detects() {
		return 0, false
	}
	mustBe("features", len(features), c.features)
	mustBe("hidden activations", len(hidden), c.hidden)
	d := c.detector.distance(features, hidden) / c.detector.threshold
	return d, !(d <= 1)
}

// Detects reports whether Unknown can say that a picture is unknown.
func (c *Calibration) Detects() bool { return c != nil && c.detector != nil }

// Temperature returns the number by which logits are divided; 1 of nil.
func (c *Calibration) Temperature() float64 {
	if c == nil {
		return 1
	}
	return c.temperature
}

// Note says why the Calibration does not detect, "" if it does.
func (c *Calibration) Note() string {
	if c == nil {
		return "the generation has no calibration"
	}
	return c.note
}
