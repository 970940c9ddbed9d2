package rebase

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/float16"
)

// ExemplarsName is the file of a head's bundle that holds its Exemplars.
const ExemplarsName = "exemplars.bin"

// DefaultExemplars is how many exemplars a class gets, unless somebody says
// otherwise: docs/rebase.md has what that was chosen by.
const DefaultExemplars = 20

// Exemplars are features of a few images of each class of a published head, on
// the base that it is for: by them a device that has no samples of a class can
// keep it. The images themselves stay where they are.
type Exemplars struct {
	Base    digest.Digest // whose features they are
	Classes int           // of the head
	// Set has the features, rounded to halves, and their classes in rising order.
	// A class may have none.
	Set adapt.Set
}

// NewExemplars chooses up to k images of each class from set, features of the
// base of that digest: those whose mean is nearest to the mean of the class,
// found one after the other (herding: Welling 2009; for keeping classes, Rebuffi
// et al. 2017, "iCaRL"). The same arguments give the same exemplars. It copies.
//
// Labels that are none of the classes, and features that a half cannot hold, are
// an error.
func NewExemplars(base digest.Digest, set adapt.Set, classes, k int) (*Exemplars, error) {
	if _, err := digest.Parse(string(base)); err != nil {
		return nil, fmt.Errorf("exemplars: %w", err)
	}
	rows := make([][]int, classes)
	for i, label := range set.Labels {
		if label < 0 || int(label) >= classes {
			return nil, fmt.Errorf("exemplars: image %d has class %d of %d", i, label, classes)
		}
		rows[label] = append(rows[label], i)
	}
	e := &Exemplars{Base: base, Classes: classes, Set: adapt.Set{F: set.F}}
	for class, of := range rows {
		for _, i := range herd(set, of, k) {
			for _, v := range set.Row(i) {
				v = float16.FromBits(float16.Bits(v))
				if v-v != 0 {
					return nil, fmt.Errorf("exemplars: a feature of image %d is %v, as a half", i, v)
				}
				e.Set.Features = append(e.Set.Features, v)
			}
			e.Set.Labels = append(e.Set.Labels, int32(class))
		}
	}
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("exemplars: %w", err)
	}
	return e, nil
}

// herd returns up to k of the rows, such that the mean of the first n of them is
// near the mean of all, for every n.
func herd(set adapt.Set, rows []int, k int) []int {
	mean := make([]float64, set.F)
	for _, r := range rows {
		for j, v := range set.Row(r) {
			mean[j] += float64(v) / float64(len(rows))
		}
	}
	sum := make([]float64, set.F)
	used := make([]bool, len(rows))
	var chosen []int
	for len(chosen) < min(k, len(rows)) {
		n := float64(len(chosen) + 1)
		best, least := -1, math.Inf(1)
		for at, r := range rows {
			if used[at] {
				continue
			}
			var square float64
			for j, v := range set.Row(r) {
				d := mean[j] - (sum[j]+float64(v))/n
				square += float64(d * d)
			}
			if best < 0 || square < least {
				best, least = at, square
			}
		}
		used[best] = true
		chosen = append(chosen, rows[best])
		for j, v := range set.Row(rows[best]) {
			sum[j] += float64(v)
		}
	}
	return chosen
}
