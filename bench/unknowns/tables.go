package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// tables writes everything as Markdown, in per cent.
func tables(all []*outcome, seeds uint64) []byte {
	var b bytes.Buffer
	bases := distinct(all, func(o *outcome) string { return o.base })
	sets := distinct(all, func(o *outcome) string { return o.set })
	fmt.Fprintf(&b, "Per cent, mean of three sets, %d folds and %d seeds each.\n", folds, seeds)
	for _, base := range bases {
		fmt.Fprintf(&b, "\n%s:\n\n", base)
		fmt.Fprint(&b, "| | AUROC: left-out classes | other sets | told at 5 % false: left-out classes | other sets | at the validation threshold: false | left-out classes | other sets |\n")
		fmt.Fprint(&b, "|---|---|---|---|---|---|---|---|\n")
		for i, way := range candidates {
			t := mean(all, func(o *outcome) bool { return o.base == base }, func(o *outcome) telling { return o.told[i] })
			fmt.Fprintf(&b, "| %s | %s |\n", way.name, t.cells())
		}
	}
	fmt.Fprint(&b, "\nThe first line of each, by set:\n\n")
	fmt.Fprint(&b, "| base | set | AUROC: left-out classes | other sets | told at 5 % false: left-out classes | other sets | at the validation threshold: false | left-out classes | other sets |\n")
	fmt.Fprint(&b, "|---|---|---|---|---|---|---|---|---|\n")
	for _, base := range bases {
		for _, set := range sets {
			t := mean(all, func(o *outcome) bool { return o.base == base && o.set == set }, func(o *outcome) telling { return o.told[0] })
			fmt.Fprintf(&b, "| %s | %s | %s |\n", base, set, t.cells())
		}
	}
	fmt.Fprint(&b, "\nThe same with fewer validation images, over both bases and all sets; the false ones with their standard deviation between heads:\n\n")
	fmt.Fprint(&b, "| validation images | false | left-out classes | other sets |\n|---|---|---|---|\n")
	for i, n := range valImages {
		t := mean(all, func(*outcome) bool { return true }, func(o *outcome) telling { return o.fewer[i] })
		number := fmt.Sprint(n)
		if n == 0 {
			number = "all (112 to 224)"
		}
		fmt.Fprintf(&b, "| %s | %.1f ± %.1f | %.1f | %.1f |\n", number, 100*t.falseUnknown, 100*spread(all, i), 100*t.near, 100*t.far)
	}
	fmt.Fprint(&b, "\nScores on the known test pictures, before and after the temperature (expected calibration error in points, 15 bins; loss in nats):\n\n")
	fmt.Fprint(&b, "| base | set | temperature | error before | after | loss before | after |\n|---|---|---|---|---|---|---|\n")
	for _, base := range bases {
		for _, set := range sets {
			var before, after sureness
			var heat, n float64
			for _, o := range all {
				if o.base == base && o.set == set {
					n++
					heat += o.heat
					before.error += o.before.error
					before.loss += o.before.loss
					after.error += o.after.error
					after.loss += o.after.loss
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %.2f | %.1f | %.1f | %.3f | %.3f |\n", base, set, heat/n,
				100*before.error/n, 100*after.error/n, before.loss/n, after.loss/n)
		}
	}
	return b.Bytes()
}

func (t telling) cells() string {
	return fmt.Sprintf("%.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f",
		100*t.nearAUROC, 100*t.farAUROC, 100*t.near5, 100*t.far5, 100*t.falseUnknown, 100*t.near, 100*t.far)
}

// mean of the tellings that want chooses.
func mean(all []*outcome, want func(*outcome) bool, of func(*outcome) telling) telling {
	var sum telling
	var n float64
	for _, o := range all {
		if !want(o) {
			continue
		}
		n++
		t := of(o)
		for _, f := range sum.fields(&t) {
			*f.into += *f.from
		}
	}
	for _, f := range sum.fields(&sum) {
		*f.into /= n
	}
	return sum
}

type pair struct{ into, from *float64 }

func (t *telling) fields(from *telling) []pair {
	return []pair{
		{&t.nearAUROC, &from.nearAUROC}, {&t.farAUROC, &from.farAUROC}, {&t.near5, &from.near5}, {&t.far5, &from.far5},
		{&t.falseUnknown, &from.falseUnknown}, {&t.near, &from.near}, {&t.far, &from.far},
	}
}

// distinct returns the values of all, in the order in which they come.
func distinct(all []*outcome, of func(*outcome) string) []string {
	var out []string
	for _, o := range all {
		if !slices.Contains(out, of(o)) {
			out = append(out, of(o))
		}
	}
	return out
}

// spread is the standard deviation of the false unknowns with valImages[i].
func spread(all []*outcome, i int) float64 {
	m := mean(all, func(*outcome) bool { return true }, func(o *outcome) telling { return o.fewer[i] }).falseUnknown
	var sum float64
	for _, o := range all {
		d := o.fewer[i].falseUnknown - m
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(all)-1))
}
