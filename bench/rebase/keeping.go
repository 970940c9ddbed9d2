package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/rebase"
)

// keeping measures how well a device keeps a release's classes: it has photos of
// six classes, the server of six, two of which are the same. The base is the one
// that was fine-tuned on the set.
func keeping(ctx context.Context, data string, bases []*fitted, seeds uint64) error {
	for _, n := range []int{5, 10, 30} {
		fmt.Printf("\n%d images a class\n| exemplars a class | activated | with the release's classes | the device's classes: before | after | worse by > 1 | worse by > 3 | the release's other classes, where they came |\n|---|---|---|---|---|---|---|---|\n", n)
		for _, k := range []int{0, 1, 5, 10, 20, 40} {
			var all []kept
			for i, name := range []string{"grocery10", "sign_digits10"} {
				s, err := open(data, name)
				if err != nil {
					return err
				}
				for seed := range seeds {
					t, err := keep(ctx, s, bases[0], bases[1+i], n, k, seed)
					if err != nil {
						return err
					}
					all = append(all, t)
				}
			}
			fmt.Println(keptRow(k, all))
		}
	}
	return nil
}

// kept is how a device fared that was offered a release with classes of its own.
// Accuracies are shares of test photos, 0 to 1, told from all classes that the
// head in use knows.
type kept struct {
	before, after float64 // of the device's classes, with what is in use afterwards
	activated     bool
	other         float64 // of the release's other classes
	taken         bool    // those came into use
}

func keptRow(k int, all []kept) string {
	var before, after, other, activated, taken, worse, bad float64
	for _, t := range all {
		before, after = before+t.before, after+t.after
		activated, taken = activated+flag01(t.activated), taken+flag01(t.taken)
		worse, bad = worse+flag01(100*(t.after-t.before) < -1), bad+flag01(100*(t.after-t.before) < -3)
		if t.taken {
			other += t.other
		}
	}
	n := float64(len(all))
	known := "none"
	if taken > 0 {
		known = fmt.Sprintf("%.1f %%", 100*other/taken)
	}
	return fmt.Sprintf("| %d | %.0f %% | %.0f %% | %.1f %% | %.1f %% | %.0f %% | %.0f %% | %s |", k,
		100*activated/n, 100*taken/n, 100*before/n, 100*after/n, 100*worse/n, 100*bad/n, known)
}

func keep(ctx context.Context, s set, old, onto *fitted, n, k int, seed uint64) (kept, error) {
	rng := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // the same every time
	classes := names(s, rng)
	own, _ := draw(s, rng, classes[:6], n)
	pick := func(from photos, of []string) photos {
		p := photos{}
		for _, class := range of {
			p[class] = from[class]
		}
		return p
	}
	r := adapt.DefaultRecipe()
	r.Seed = seed
	was, err := old.adapted(ctx, own, r)
	if err != nil {
		return kept{}, err
	}
	theirs, err := onto.adapted(ctx, pick(s.server, classes[4:]), r)
	if err != nil {
		return kept{}, err
	}
	in, err := input(ctx, own, was, onto)
	if err != nil {
		return kept{}, err
	}
	in.Recipe, in.Server = r, &rebase.Published{Head: theirs.Head, Labels: theirs.Dataset.Labels}
	if k > 0 {
		all := theirs.Dataset.Set(theirs.Features, func(adapt.Sample) bool { return true })
		if in.Server.Exemplars, err = rebase.NewExemplars(onto.source.Digest, all, theirs.Head.Classes, k); err != nil {
			return kept{}, err
		}
	}
	o, err := rebase.Run(ctx, in)
	if err != nil {
		return kept{}, err
	}
	t := kept{activated: o.Verdict.Activate}
	if t.before, err = old.right(ctx, was.Head, was.Dataset.Labels, pick(s.test, classes[:6])); err != nil || !t.activated {
		t.after = t.before
		return t, err
	}
	labels := o.Result.Dataset.Labels
	if t.after, err = onto.right(ctx, o.Result.Head, labels, pick(s.test, classes[:6])); err != nil {
		return t, err
	}
	if t.taken = len(labels) > 6; t.taken {
		t.other, err = onto.right(ctx, o.Result.Head, labels, pick(s.test, classes[6:]))
	}
	return t, err
}
