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
		fmt.Printf("\n%d images a class\n| exemplars a class | the device's classes | the release's other classes | activated |\n|---|---|---|---|\n", n)
		for _, k := range []int{0, 1, 5, 10, 20, 40} {
			var local, other, activated, trials float64
			for i, name := range []string{"grocery10", "sign_digits10"} {
				s, err := open(data, name)
				if err != nil {
					return err
				}
				for seed := range seeds {
					a, b, ok, err := keep(ctx, s, bases[0], bases[1+i], n, k, seed)
					if err != nil {
						return err
					}
					local, other, activated, trials = local+a, other+b, activated+flag01(ok), trials+1
				}
			}
			fmt.Printf("| %d | %.1f %% | %.1f %% | %.0f %% |\n", k, 100*local/trials, 100*other/trials, 100*activated/trials)
		}
	}
	return nil
}

func keep(ctx context.Context, s set, old, onto *fitted, n, k int, seed uint64) (local, other float64, activated bool, err error) {
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
		return 0, 0, false, err
	}
	theirs, err := onto.adapted(ctx, pick(s.server, classes[4:]), r)
	if err != nil {
		return 0, 0, false, err
	}
	in, err := input(ctx, own, was, onto)
	if err != nil {
		return 0, 0, false, err
	}
	in.Recipe, in.Server = r, &rebase.Published{Head: theirs.Head, Labels: theirs.Dataset.Labels}
	if k > 0 {
		all := theirs.Dataset.Set(theirs.Features, func(adapt.Sample) bool { return true })
		if in.Server.Exemplars, err = rebase.NewExemplars(onto.source.Digest, all, theirs.Head.Classes, k); err != nil {
			return 0, 0, false, err
		}
	}
	o, err := rebase.Run(ctx, in)
	if err != nil {
		return 0, 0, false, err
	}
	if local, err = onto.right(ctx, o.Result.Head, o.Result.Dataset.Labels, pick(s.test, classes[:6])); err != nil {
		return 0, 0, false, err
	}
	if k > 0 {
		other, err = onto.right(ctx, o.Result.Head, o.Result.Dataset.Labels, pick(s.test, classes[6:]))
	}
	return local, other, o.Verdict.Activate, err
}
