package foreign

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
)

// Embedder runs a model: pixels of shape [1,H,W,3] in, one vector out.
type Embedder interface {
	Embed(dst, pixels []float32) error
}

// Agreement is how far a base with its head is from the classifier that both were
// taken from, on made-up pictures.
type Agreement struct {
	Pictures   int     `json:"pictures"`
	Difference float64 `json:"difference"` // of the scores of a class, at most
	Same       int     `json:"same"`       // pictures with the same likeliest class
}

// pictures is how many Compare makes.
const pictures = 8

// Compare runs a whole classifier, and the base that was cut of it with its head
// behind, on the same made-up pictures, which p makes input of: coarse and fine
// patterns, dark and bright. The same arguments give the same pictures.
func Compare(whole, base Embedder, h *head.Head, p pixel.Preprocessing) (Agreement, error) {
	input := make([]float32, p.Len())
	want, features := make([]float32, h.Classes), make([]float32, h.Features)
	score := h.Scorer()
	a := Agreement{Pictures: pictures}
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // nobody is to be kept from guessing these
	for i := range pictures {
		draw(input, p, 1+i%4*(p.Width/16), rng)
		if err := whole.Embed(want, input); err != nil {
			return a, fmt.Errorf("run the whole classifier: %w", err)
		}
		if err := base.Embed(features, input); err != nil {
			return a, fmt.Errorf("run the base: %w", err)
		}
		got := score(features)
		for k := range got {
			d := math.Abs(float64(got[k]) - float64(want[k]))
			if math.IsNaN(d) {
				return a, fmt.Errorf("the classifier gives what is no number")
			}
			a.Difference = max(a.Difference, d)
		}
		if largest(got) == largest(want) {
			a.Same++
		}
	}
	return a, nil
}

// draw fills the input with squares of random colour, of that many pixels a side.
func draw(input []float32, p pixel.Preprocessing, side int, rng *rand.Rand) {
	side = max(side, 1)
	across := (p.Width + side - 1) / side
	colours := make([]float32, across*((p.Height+side-1)/side)*3)
	for i := range colours {
		colours[i] = float32(rng.IntN(256))*p.Scale + p.Offset
	}
	for y := range p.Height {
		for x := range p.Width {
			copy(input[(y*p.Width+x)*3:][:3], colours[(y/side*across+x/side)*3:])
		}
	}
}

func largest(s []float32) (at int) {
	for i := range s {
		if s[i] > s[at] {
			at = i
		}
	}
	return at
}
