package calibrate

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
)

var baseDigest = digest.Of([]byte("base"))

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clusters are images of classes that differ: each has a direction of its own,
// with noise. far are images of none of them.
func clusters(seed uint64, images, features, classes int) (set, far adapt.Set) {
	rng := rand.New(rand.NewPCG(seed, 1))
	centre := rand.New(rand.NewPCG(99, 9)) // the same for every seed
	means := make([]float32, (classes+1)*features)
	for i := range means {
		means[i] = float32(math.Abs(centre.NormFloat64()))
	}
	draw := func(class int) []float32 {
		x := make([]float32, features)
		for j := range x {
			x[j] = means[class*features+j] + 0.5*float32(rng.NormFloat64())
		}
		return x
	}
	set.F, far.F = features, features
	for i := range images {
		set.Features = append(set.Features, draw(i%classes)...)
		set.Labels = append(set.Labels, int32(i%classes))
		far.Features = append(far.Features, draw(classes)...)
		far.Labels = append(far.Labels, 0)
	}
	return set, far
}

// trained is a head on clusters, with the sets it was made from.
func trained(t testing.TB, features, hidden, classes, valImages int) (h *head.Head, train, val adapt.Set) {
	t.Helper()
	train, _ = clusters(1, 30*classes, features, classes)
	val, _ = clusters(2, max(1, valImages), features, classes)
	recipe := adapt.SeedRecipe()
	recipe.Hidden = hidden
	h, _, err := adapt.Train(t.Context(), recipe, classes, train, val, nil)
	must(t, err)
	if valImages == 0 {
		val.Features, val.Labels = nil, nil
	}
	return h, train, val
}

func fitted(t testing.TB, features, hidden, classes, valImages int) (*Calibration, *head.Head, adapt.Set) {
	t.Helper()
	h, train, val := trained(t, features, hidden, classes, valImages)
	c, err := Fit(baseDigest, h, train, val)
	must(t, err)
	return c, h, val
}

// ask returns what c says of features.
func ask(c *Calibration, h *head.Head, features []float32) (distance float32, unknown bool) {
	scores, scratch := make([]float32, h.Classes), make([]float32, h.Scratch())
	h.Scores(scores, features, scratch)
	return c.Unknown(features, scratch[:h.Hidden])
}
