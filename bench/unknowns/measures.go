package main

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/calibrate"
)

// outcome is what one head came to.
type outcome struct {
	base, set string
	told      []telling // by candidate
	fewer     []telling // the first candidate with fewer validation images, by valImages
	before    sureness
	after     sureness
	heat      float64 // temperature
}

// telling is how well a way of telling unknowns does. All are shares, 0 to 1.
type telling struct {
	nearAUROC, farAUROC float64 // 0.5 by chance
	near5, far5         float64 // unknowns told where 5 % of the known test pictures are taken for unknown
	// At the threshold that the validation images give:
	falseUnknown, near, far float64
}

// sureness is how far scores may be trusted, on known test pictures.
type sureness struct{ error, loss float64 }

// valImages are how many validation images are tried; 0 is all.
var valImages = []int{20, 40, 80, 0}

// measure trains a head on each fold of the set i and measures everything.
func measure(ctx context.Context, sets []*photos, i int, seed uint64) ([]*outcome, error) {
	p := sets[i]
	if p.name == names[3] {
		return nil, nil
	}
	d, err := p.settled(ctx, seed)
	if err != nil {
		return nil, err
	}
	var others []adapt.Set
	for j, o := range sets {
		if j == i {
			continue
		}
		od, err := o.settled(ctx, seed)
		if err != nil {
			return nil, err
		}
		others = append(others, od.Set(o.features, func(s adapt.Sample) bool { return s.Split == adapt.SplitTest }))
	}
	far, err := join(others...)
	if err != nil {
		return nil, err
	}
	var out []*outcome
	for fold := range folds {
		known, unknown := divide(fold)
		o, err := one(ctx, seed, p, parts{
			train: p.of(d, adapt.SplitTrain, known), val: p.of(d, adapt.SplitVal, known), test: p.of(d, adapt.SplitTest, known),
			near: p.of(d, adapt.SplitTest, unknown), far: far,
		})
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// parts are the images of one head.
type parts struct{ train, val, test, near, far adapt.Set }

func one(ctx context.Context, seed uint64, p *photos, s parts) (*outcome, error) {
	recipe := adapt.DefaultRecipe()
	recipe.Seed = seed
	h, _, err := adapt.Train(ctx, recipe, classes-leftOut, s.train, s.val, nil)
	if err != nil {
		return nil, err
	}
	c, err := calibrate.Fit(p.base, h, s.train, s.val)
	if err != nil {
		return nil, err
	}
	train, val, test, near, far := views(h, s.train), views(h, s.val), views(h, s.test), views(h, s.near), views(h, s.far)
	o := &outcome{set: p.name, heat: c.Temperature(), before: sure(test, 1), after: sure(test, c.Temperature())}
	for _, way := range candidates {
		number := way.fit(train, c)
		o.told = append(o.told, tell(number, val, test, near, far))
	}
	for _, n := range valImages {
		few := some(s.val, n)
		c, err := calibrate.Fit(p.base, h, s.train, few)
		if err != nil {
			return nil, err
		}
		number := candidates[0].fit(train, c)
		o.fewer = append(o.fewer, tell(number, views(h, few), test, near, far))
	}
	return o, nil
}

// some returns n images of s, evenly over it; 0 is all.
func some(s adapt.Set, n int) adapt.Set {
	if n == 0 || n >= s.Len() {
		return s
	}
	few := adapt.Set{F: s.F}
	for i := range n {
		at := i * s.Len() / n
		few.Features = append(few.Features, s.Row(at)...)
		few.Labels = append(few.Labels, s.Labels[at])
	}
	return few
}

// tell measures one way of telling unknowns.
func tell(number func(view) float64, val, test, near, far []view) telling {
	numbers := func(vs []view) []float64 {
		out := make([]float64, len(vs))
		for i, v := range vs {
			out[i] = number(v)
		}
		slices.Sort(out)
		return out
	}
	v, k, n, f := numbers(val), numbers(test), numbers(near), numbers(far)
	t := telling{nearAUROC: auroc(k, n), farAUROC: auroc(k, f)}
	five := quantile(k)
	t.near5, t.far5 = above(n, five), above(f, five)
	threshold := quantile(v)
	t.falseUnknown, t.near, t.far = above(k, threshold), above(n, threshold), above(f, threshold)
	return t
}

// quantile is the threshold that calibrate takes from sorted numbers.
func quantile(sorted []float64) float64 {
	rank := int(math.Ceil(float64(len(sorted)+1)*calibrate.Quantile - 1e-9))
	return sorted[min(rank, len(sorted))-1]
}

// above returns the share of sorted that is larger than threshold.
func above(sorted []float64, threshold float64) float64 {
	at := sort.Search(len(sorted), func(i int) bool { return sorted[i] > threshold })
	return float64(len(sorted)-at) / float64(len(sorted))
}

// auroc is the probability that an unknown has a larger number than a known, one
// half for equals (Mann and Whitney 1947). Both are sorted.
func auroc(known, unknown []float64) float64 {
	var sum float64
	for _, u := range unknown {
		below := sort.SearchFloat64s(known, u)
		sum += (float64(below) + float64(len(known))*(1-above(known, u))) / 2
	}
	return sum / float64(len(known)*len(unknown))
}

// sure measures scores at a temperature: the expected calibration error over 15
// bins of equal width (Guo et al. 2017), and the mean cross-entropy.
func sure(test []view, temperature float64) sureness {
	const bins = 15
	var count, right, said [bins]float64
	var s sureness
	for _, v := range test {
		p := softmax(v.logits, temperature)
		class, score := highest(p)
		bin := min(bins-1, int(score*bins))
		count[bin]++
		said[bin] += score
		if class == v.label {
			right[bin]++
		}
		s.loss -= math.Log(max(p[v.label], 1e-12)) / float64(len(test))
	}
	for i := range count {
		s.error += math.Abs(right[i]-said[i]) / float64(len(test))
	}
	return s
}
