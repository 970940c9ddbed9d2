package report

import (
	"cmp"
	"slices"
)

// Pair counts the images of one class that were taken for another.
type Pair struct {
	True, Predicted int // classes
	Images          int // how many were taken so
	Of              int // images of class True
}

// Pairs returns the mistakes of a confusion matrix ([true][predicted] counts),
// the most frequent first, then those with the larger share of their class,
// then in the order of the classes.
func Pairs(confusion [][]int) []Pair {
	var pairs []Pair
	for t, row := range confusion {
		of := 0
		for _, n := range row {
			of += n
		}
		for p, n := range row {
			if n > 0 && p != t {
				pairs = append(pairs, Pair{t, p, n, of})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b Pair) int {
		return cmp.Or(cmp.Compare(b.Images, a.Images), cmp.Compare(a.Of, b.Of))
	})
	return pairs
}

// mistakes sums the images that were taken for another class.
func mistakes(confusion [][]int) int {
	n := 0
	for _, p := range Pairs(confusion) {
		n += p.Images
	}
	return n
}
