package calibrate

import (
	"fmt"
	"math"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/float16"
)

// maxNumbers bounds the numbers of all centroids, and with them the file.
const maxNumbers = 16 << 20

// minThreshold keeps validation images that are copies of each other from making
// everything unknown.
const minThreshold = 1e-3

// Fit calibrates h, which was trained on train and never on val, both features
// of the base of that digest. With few validation images it calibrates less, see
// MinTemperatureImages and MinUnknownImages. The same arguments give the same
// Calibration, on any kind of processor.
//
// It only reads its arguments and keeps none. Sets that do not fit the head are
// an error.
func Fit(base digest.Digest, h *head.Head, train, val adapt.Set) (*Calibration, error) {
	if _, err := digest.Parse(string(base)); err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	for name, s := range map[string]adapt.Set{"training": train, "validation": val} {
		if err := fits(h, s); err != nil {
			return nil, fmt.Errorf("calibrate: %s images: %w", name, err)
		}
	}
	encoded, err := h.Encode()
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	c := &Calibration{
		base: base, head: digest.Of(encoded), features: h.Features, hidden: h.Hidden, classes: h.Classes,
		images: val.Len(), temperature: 1,
	}
	if val.Len() >= MinTemperatureImages {
		c.temperature = temperature(h, val)
	}
	switch {
	case val.Len() < MinUnknownImages:
		c.note = fmt.Sprintf("%d validation images, %d are needed to tell what is unknown", val.Len(), MinUnknownImages)
	case h.Classes*(h.Features+h.Hidden) > maxNumbers:
		c.note = fmt.Sprintf("%d classes of %d features are too many to tell what is unknown", h.Classes, h.Features)
	default:
		c.detector = fitDetector(h, train, val)
	}
	return c, nil
}

// fits reports whether the set can go through the head.
func fits(h *head.Head, s adapt.Set) error {
	if len(s.Features) != s.Len()*s.F || s.Len() > 0 && s.F != h.Features {
		return fmt.Errorf("%d of %d features come with %d numbers, the head takes %d features", s.Len(), s.F, len(s.Features), h.Features)
	}
	for i, label := range s.Labels {
		if label < 0 || int(label) >= h.Classes {
			return fmt.Errorf("image %d has class %d of %d", i, label, h.Classes)
		}
	}
	for _, v := range s.Features {
		if v-v != 0 {
			return fmt.Errorf("a feature is %v", v)
		}
	}
	return nil
}

// fitDetector takes the classes' directions from train and the threshold from
// val.
func fitDetector(h *head.Head, train, val adapt.Set) *detector {
	features, hidden := newDirections(h.Classes, h.Features), newDirections(h.Classes, h.Hidden)
	scores, scratch := make([]float32, h.Classes), make([]float32, h.Scratch())
	for i, label := range train.Labels {
		h.Scores(scores, train.Row(i), scratch)
		features.add(int(label), train.Row(i))
		hidden.add(int(label), scratch[:h.Hidden])
	}
	d := &detector{
		quantile: Quantile,
		features: newCentroids(features.mean(), h.Features),
		hidden:   newCentroids(hidden.mean(), h.Hidden),
	}
	distances := make([]float32, val.Len())
	for i := range distances {
		h.Scores(scores, val.Row(i), scratch)
		distances[i] = d.distance(val.Row(i), scratch[:h.Hidden])
	}
	slices.Sort(distances)
	rank := int(math.Ceil(float64(val.Len()+1)*Quantile - 1e-9))
	d.threshold = max(distances[min(rank, val.Len())-1], minThreshold)
	return d
}

// directions sums up the directions of each class's vectors.
type directions struct {
	width int
	sums  []float64 // [classes][width]
}

func newDirections(classes, width int) directions {
	return directions{width, make([]float64, classes*width)}
}

func (d directions) add(class int, x []float32) {
	scale := 1 / float64(norm(x))
	sum := d.sums[class*d.width:][:d.width]
	for j, v := range x {
		sum[j] += float64(float64(v) * scale)
	}
}

// mean returns the mean directions, [classes][width], each of length 1 and
// rounded to the halves that a file holds, so that what is read back gives the
// same distances. A class without images has none: zeros.
func (d directions) mean() []float32 {
	rows := make([]float32, len(d.sums))
	for from := 0; from < len(rows); from += d.width {
		sum := d.sums[from:][:d.width]
		var square float64
		for _, v := range sum {
			square += float64(v * v)
		}
		if square == 0 {
			continue
		}
		length := math.Sqrt(square)
		for j, v := range sum {
			rows[from+j] = float16.FromBits(float16.Bits(float32(v / length)))
		}
	}
	return rows
}
