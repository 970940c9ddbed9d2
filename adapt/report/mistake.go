package report

import (
	"cmp"
	"slices"

	"github.com/edge-adapt/edge/adapt"
)

// MistakesShown is the most misclassified images an HTML report shows.
const MistakesShown = 60

// Mistake is a misclassified image.
type Mistake struct {
	Path            string
	True, Predicted int     // classes, indices of Run.Labels
	Score           float32 // of the predicted class, 0 to 1
	Split           adapt.Split
	JPEG            []byte // a thumbnail; empty when there is none
}

// NewMistakes returns the mistakes of a result, without thumbnails yet.
func NewMistakes(r *adapt.Result) []Mistake {
	out := make([]Mistake, len(r.Mistakes))
	for i, m := range r.Mistakes {
		out[i] = Mistake{Path: m.Sample.Path, True: m.Sample.Label, Predicted: m.Predicted, Score: m.Score, Split: m.Sample.Split}
	}
	return out
}

// Worst returns at most limit of the mistakes, the most confident ones first
// and equal scores by path. It copies the slice, not the thumbnails. A caller
// that makes thumbnails need only make them for these.
func Worst(mistakes []Mistake, limit int) []Mistake {
	sorted := slices.Clone(mistakes)
	slices.SortStableFunc(sorted, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Path, b.Path))
	})
	return sorted[:min(limit, len(sorted))]
}
