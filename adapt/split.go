package adapt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/edge-adapt/edge/internal/digest"
)

// SplitOptions says how Settle divides training images where the dataset has no
// val folder.
type SplitOptions struct {
	Seed uint64
	// ValFraction is the part of each class that is held back for validation,
	// above 0 and below 1. Zero means 0.2.
	ValFraction float64
}

// DefaultValFraction is the part of the images that is held back.
const DefaultValFraction = 0.2

// fraction returns ValFraction with its default, or an error.
func (o SplitOptions) fraction() (float64, error) {
	switch f := o.ValFraction; {
	case f == 0:
		return DefaultValFraction, nil
	case f > 0 && f < 1: // false for NaN
		return f, nil
	default:
		return 0, fmt.Errorf("validation fraction %v: want more than 0 and less than 1", f)
	}
}

// held returns how many of n images of a class are held back: the rounded
// fraction, but at least one, and not all.
func held(n int, fraction float64) int {
	return max(min(int(math.Round(float64(n)*fraction)), n-1), min(1, n-1), 0)
}

// rank is a number that depends on the seed and an image's content alone, so
// that neither a file's name nor its place in the folder changes its side.
func rank(seed uint64, content digest.Digest) uint64 {
	sum := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(content), seed))
	return binary.BigEndian.Uint64(sum[:])
}

// divide moves the held-back part of every class from SplitTrain to SplitVal:
// the images of lowest rank. Adding an image to a class moves one other image
// at most.
func (d *Dataset) divide(seed uint64, fraction float64) {
	for _, class := range d.ranked(seed) {
		class = slices.DeleteFunc(class, func(i int) bool { return d.Samples[i].Split != SplitTrain })
		for _, i := range class[:held(len(class), fraction)] {
			d.Samples[i].Split = SplitVal
		}
	}
}

// ranked returns the samples of each class, indices, by their rank.
func (d *Dataset) ranked(seed uint64) [][]int {
	ranks := make([]uint64, len(d.Samples))
	classes := make([][]int, len(d.Labels))
	for i, s := range d.Samples {
		ranks[i] = rank(seed, s.Digest)
		classes[s.Label] = append(classes[s.Label], i)
	}
	for _, class := range classes {
		slices.SortFunc(class, func(a, b int) int {
			return cmp.Or(cmp.Compare(ranks[a], ranks[b]), cmp.Compare(d.Samples[a].Digest, d.Samples[b].Digest))
		})
	}
	return classes
}
