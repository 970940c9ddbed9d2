package adapt

import (
	"fmt"
	"math"
)

// Set is images as the trainer sees them: features and labels.
//
// Functions that take a Set only read it.
type Set struct {
	Features []float32 // [N][F], row-major
	Labels   []int32   // [N], each at least 0 and below the number of classes
	F        int       // length of a feature vector
}

// Len returns the number of images.
func (s Set) Len() int { return len(s.Labels) }

// Row returns the features of image i, aliased.
func (s Set) Row(i int) []float32 { return s.Features[i*s.F : (i+1)*s.F : (i+1)*s.F] }

// check says what is wrong with the set; name is what to call it.
func (s Set) check(name string, features, classes int) error {
	switch {
	case s.Len() == 0:
		return fmt.Errorf("no %s images", name)
	case s.F != features || s.F < 1:
		return fmt.Errorf("the %s images have %d features, want %d", name, s.F, features)
	case len(s.Features) != s.Len()*s.F:
		return fmt.Errorf("%d %s images of %d features come with %d numbers", s.Len(), name, s.F, len(s.Features))
	}
	for i, label := range s.Labels {
		if label < 0 || int(label) >= classes {
			return fmt.Errorf("%s image %d has class %d of %d", name, i, label, classes)
		}
	}
	for i, v := range s.Features {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("feature %d of %s image %d is %v", i%s.F, name, i/s.F, v)
		}
	}
	return nil
}
