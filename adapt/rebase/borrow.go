package rebase

import (
	"math"
	"slices"

	"github.com/edge-adapt/edge/adapt"
)

const (
	// minBorrowed is how many exemplars of a class are taken at least, however few
	// samples the device has.
	minBorrowed = 5
	// rarer is by how much a class that the device has no samples of is held to be
	// rarer than one that it has, as the logarithm of the odds: a quarter as
	// frequent. Whoever has samples of a class has it before the camera.
	// docs/rebase.md has what that gives and takes.
	rarer = 2 * math.Ln2
	// heldBorrowed: one in so many exemplars of a class that the device has no
	// samples of is held back, to choose the epoch with.
	heldBorrowed = 5
)

// has reports whether there are exemplars of a class. None are of nil.
func (e *Exemplars) has(class int) bool {
	return e != nil && slices.Contains(e.Set.Labels, int32(class)) //nolint:gosec // a class of a head
}

// borrow adds the release's exemplars to what is trained with: of each class no
// more than the device has samples of a class on average, lest they outweigh
// them. Exemplars of classes with a conflict of meaning are left where they are
// if the device has samples of the class. local are the classes of which it has.
func (o *Outcome) borrow(e *Exemplars, c classes, local []string) {
	if e == nil {
		return
	}
	foreign := map[string]bool{}
	for _, conflict := range o.Conflicts {
		if conflict.Kind == Meaning {
			foreign[conflict.Device], foreign[conflict.Server] = true, true
		}
	}
	most := max(minBorrowed, (o.Train.Len()+len(local)-1)/len(local))
	taken := make([]int, len(c.server))
	for i, class := range e.Set.Labels {
		name := c.server[class]
		own := slices.Contains(local, name)
		if taken[class]++; taken[class] > most || own && foreign[name] {
			continue
		}
		at, _ := slices.BinarySearch(c.labels, name)
		into := &o.Train
		if !own && taken[class]%heldBorrowed == 0 {
			into = &o.Val
		}
		add(into, e.Set.Row(i), at)
	}
}

func add(s *adapt.Set, row []float32, label int) {
	s.F = len(row)
	s.Features = append(s.Features, row...)
	s.Labels = append(s.Labels, int32(label)) //nolint:gosec // a class of a head
}
