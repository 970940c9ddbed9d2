// Package proof runs a base that nobody knows yet, in a child process, and finds
// out whether it behaves like one: features that are numbers, that differ from
// picture to picture, and that are the same whenever the picture is.
package proof

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/tflite"
)

// maxDrift is how far one thread and two may be apart, by the largest feature.
// Sums are made in another order then.
const maxDrift = 1e-5

// Prover returns what runs bases as o says; Options.Threads is of no account.
// Whatever a base does, it does in a child process with a time limit: the main
// of a program, or TestMain, must begin with tflite.TrialChild().
//
// A base is refused if it crashes or hangs; if a feature is not finite; if all
// features of a picture are equal; if two pictures that have nothing in common
// give the same; if the same picture gives other bits a second time; if two
// threads give something else than one by more than 1e-5 of the largest feature.
func Prover(o tflite.TrialOptions) base.Prover {
	return func(ctx context.Context, s base.Source) ([]string, error) {
		inputs := [][]float32{picture(s, waves), picture(s, blocks)}
		out, err := tflite.Probe(ctx, s.Path, inputs, []int{1, 1, 2}, o)
		if err != nil {
			return nil, inWords{err, s}
		}
		runs := make([][][]float32, len(out))
		for run := range out {
			for _, values := range out[run] {
				f, err := pooled(values, s.Features)
				if err != nil {
					return nil, err
				}
				runs[run] = append(runs[run], f)
			}
		}
		return judge(runs)
	}
}

// inWords is an error that calls a base by its name: where it lies while it is
// being tried says nothing to anybody.
type inWords struct {
	error
	base base.Source
}

func (e inWords) Error() string { return strings.ReplaceAll(e.error.Error(), e.base.Path, e.base.Name) }
func (e inWords) Unwrap() error { return e.error }

// pooled averages a map over its places.
func pooled(values []float32, features int) ([]float32, error) {
	if features < 1 || len(values) == 0 || len(values)%features != 0 {
		return nil, fmt.Errorf("it gives %d values, which are no whole number of %d features", len(values), features)
	}
	sums := make([]float64, features)
	for i, v := range values {
		sums[i%features] += float64(v)
	}
	out := make([]float32, features)
	for i, s := range sums {
		out[i] = float32(s / float64(len(values)/features))
	}
	return out, nil
}

const (
	hintPictures = "the feature tensor may be the wrong one, or pixels are fed in another range than the base was trained with: try --features TENSOR (`edge base inspect FILE` lists them), or --normalise MIN,MAX"
	hintDamaged  = "the weights may be damaged: compare the file's checksum with its publisher's"
	hintRandom   = "a base must always answer the same: export the model for inference, without dropout or random operators"
)

// judge looks at the features of two pictures in three runs: one thread, one
// thread again, two threads.
func judge(runs [][][]float32) ([]string, error) {
	first := runs[0]
	low, high, zeros := math.Inf(1), math.Inf(-1), 0
	for i := range first[0] {
		if first[0][i] == 0 && first[1][i] == 0 {
			zeros++
		}
	}
	for p, features := range first {
		least, most := math.Inf(1), math.Inf(-1)
		for i, v := range features {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return nil, hint.Wrap(fmt.Errorf("feature %d of a test picture is %v", i, v), hintDamaged)
			}
			least, most = min(least, float64(v)), max(most, float64(v))
		}
		if least == most && len(features) > 1 {
			return nil, hint.Wrap(fmt.Errorf("all %d features of test picture %d are %v", len(features), p+1, least), hintPictures)
		}
		low, high = min(low, least), max(high, most)
	}
	largest := max(math.Abs(low), math.Abs(high))
	if farthest(first[0], first[1]) <= 1e-6*largest { // which is what rounding makes
		return nil, hint.Wrap(errors.New("two pictures that have nothing in common give the same features"), hintPictures)
	}
	drift := 0.0
	for p := range first {
		if !same(first[p], runs[1][p]) {
			return nil, hint.Wrap(errors.New("the same picture gives other features when it comes again"), hintRandom)
		}
		drift = max(drift, farthest(first[p], runs[2][p]))
	}
	if !(drift <= maxDrift*largest) {
		return nil, hint.Wrap(fmt.Errorf("with two threads the features differ by %.3g, of %.3g at most", drift, largest), hintRandom)
	}
	checks := []string{
		"It ran in a child process.",
		fmt.Sprintf("The features of two test pictures are finite, from %.4g to %.4g, and differ; %d of %d are zero in both.", low, high, zeros, len(first[0])),
	}
	if drift == 0 {
		return append(checks, "The same picture gives the same bits again, with two threads too."), nil
	}
	return append(checks, fmt.Sprintf("The same picture gives the same bits again; with two threads features differ by at most %.1g.", drift)), nil
}

// farthest returns the largest difference.
func farthest(a, b []float32) (d float64) {
	for i := range a {
		d = max(d, math.Abs(float64(a[i])-float64(b[i])))
	}
	return d
}

func same(a, b []float32) bool {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}
