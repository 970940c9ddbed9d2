package adapt

import (
	"fmt"

	"github.com/edge-adapt/edge/adapt/head"
)

// Measures is how well a head does on a set of images, without dropout.
type Measures struct {
	Accuracy  float64         `json:"accuracy"`  // share of images whose label scores highest, 0 to 1
	Loss      float64         `json:"loss"`      // mean cross-entropy, in nats
	Images    int             `json:"images"`    // in the set
	PerClass  []ClassMeasures `json:"per_class"` // in the order of the labels
	Confusion [][]int         `json:"confusion"` // images, [true class][predicted class]
}

// ClassMeasures is how well a head does on one class.
//
// A quotient whose divisor is 0 is 0: the recall of a class without images,
// the precision of a class that was never predicted.
type ClassMeasures struct {
	Label     string  `json:"label"`
	Precision float64 `json:"precision"` // share of the images predicted as this class that are of it
	Recall    float64 `json:"recall"`    // share of the images of this class that are predicted as it
	F1        float64 `json:"f1"`        // harmonic mean of the two
	Images    int     `json:"images"`    // of this class in the set
}

// evaluateRows is how many images go through the head at once.
const evaluateRows = 128

// Evaluate measures h on set. labels name the classes, in order; nil leaves
// them unnamed. An empty set gives zeros. The first of equal scores counts as
// the prediction.
//
// It only reads h and set, may be called concurrently, and runs on up to all
// processors. It panics if the set does not fit the head or the labels do not
// fit its classes.
func Evaluate(h *head.Head, set Set, labels []string) Measures {
	if set.Len() > 0 && set.F != h.Features || labels != nil && len(labels) != h.Classes {
		panic(fmt.Sprintf("adapt: a head from %d features to %d classes on %d features and %d labels",
			h.Features, h.Classes, set.F, len(labels)))
	}
	m := Measures{Images: set.Len(), Confusion: make([][]int, h.Classes)}
	for c := range m.Confusion {
		m.Confusion[c] = make([]int, h.Classes)
	}
	pass := head.NewPass(h, min(evaluateRows, set.Len()))
	for from := 0; from < set.Len(); from += evaluateRows {
		to := min(from+evaluateRows, set.Len())
		logits := pass.Forward(set.Features[from*set.F:to*set.F], to-from, nil)
		sum, _ := pass.Loss(set.Labels[from:to], nil)
		m.Loss += sum
		for i, label := range set.Labels[from:to] {
			predicted, _ := Top(logits[i*h.Classes:][:h.Classes])
			m.Confusion[label][predicted]++
		}
	}
	m.PerClass = perClass(m.Confusion, labels)
	if m.Images > 0 {
		right := 0
		for c := range m.Confusion {
			right += m.Confusion[c][c]
		}
		m.Accuracy = float64(right) / float64(m.Images)
		m.Loss /= float64(m.Images)
	}
	return m
}

func perClass(confusion [][]int, labels []string) []ClassMeasures {
	per := make([]ClassMeasures, len(confusion))
	for c := range per {
		p := &per[c]
		if labels != nil {
			p.Label = labels[c]
		}
		predicted := 0
		for other := range confusion {
			p.Images += confusion[c][other]
			predicted += confusion[other][c]
		}
		right := confusion[c][c]
		p.Precision = quotient(right, predicted)
		p.Recall = quotient(right, p.Images)
		p.F1 = quotient(2*right, predicted+p.Images)
	}
	return per
}

func quotient(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}
