package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/internal/digest"
)

// trial is one device that was offered a base.
type trial struct {
	images  int     // a class
	change  float64 // in points, on photos that nobody had
	decided map[string]bool
}

// The other ways to decide.
var ways = []string{"the rule", "always", "accuracy not lower", "accuracy higher", "loss not higher"}

// gates offers bases to devices and compares ways to decide.
func gates(ctx context.Context, data string, bases []*fitted, seeds uint64) error {
	var trials []trial
	for _, name := range []string{"grocery10", "sign_digits10"} {
		s, err := open(data, name)
		if err != nil {
			return err
		}
		for _, onto := range bases {
			for _, n := range []int{5, 10, 20, 40} {
				for seed := range seeds {
					t, err := gate(ctx, s, bases[0], onto, n, seed)
					if err != nil {
						return err
					}
					trials = append(trials, t)
				}
			}
		}
	}
	for _, n := range []int{0, 5, 10, 20, 40} {
		fmt.Printf("\n%d images a class (0: all)\n| way | activated | change, points | worse by > 1 | worse by > 3 | missed > 1 | missed > 3 |\n|---|---|---|---|---|---|---|\n", n)
		for _, way := range ways {
			fmt.Println(row(trials, n, way))
		}
	}
	return nil
}

// draw takes n photos each of some classes for a device, fewer where there are
// not so many; rest is what nobody has.
func draw(s set, rng *rand.Rand, classes []string, n int) (own, rest photos) {
	own, rest = photos{}, photos{}
	for _, class := range classes {
		files := slices.Clone(s.pool[class])
		rng.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		own[class], rest[class] = files[:min(n, len(files))], append(files[min(n, len(files)):], s.test[class]...)
	}
	return own, rest
}

// names are a set's classes in the order that the seed gives.
func names(s set, rng *rand.Rand) []string {
	var all []string
	for class := range s.pool {
		all = append(all, class)
	}
	slices.Sort(all)
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func gate(ctx context.Context, s set, old, onto *fitted, n int, seed uint64) (trial, error) {
	rng := rand.New(rand.NewPCG(seed, uint64(n))) //nolint:gosec // the same every time
	own, rest := draw(s, rng, names(s, rng)[:5], n)
	r := adapt.DefaultRecipe()
	r.Seed = seed
	was, err := old.adapted(ctx, own, r)
	if err != nil {
		return trial{}, err
	}
	in, err := input(ctx, own, was, onto)
	if err != nil {
		return trial{}, err
	}
	if old == onto {
		r.Seed += 1000 // or it would give the same head
	}
	in.Recipe = r
	o, err := rebase.Run(ctx, in)
	if err != nil {
		return trial{}, err
	}
	before, err := old.right(ctx, was.Head, was.Dataset.Labels, rest)
	if err != nil {
		return trial{}, err
	}
	after, err := onto.right(ctx, o.Result.Head, o.Result.Dataset.Labels, rest)
	return trial{n, 100 * (after - before), map[string]bool{
		"the rule": o.Verdict.Activate, "always": true,
		"accuracy not lower": o.After.Accuracy >= o.Before.Accuracy,
		"accuracy higher":    o.After.Accuracy > o.Before.Accuracy,
		"loss not higher":    o.After.Loss <= o.Before.Loss,
	}}, err
}

// input is the rebase of a device's photos.
func input(ctx context.Context, own photos, was *adapt.Result, onto *fitted) (rebase.Input, error) {
	d, features, err := onto.look(ctx, own)
	if err != nil {
		return rebase.Input{}, err
	}
	before := map[digest.Digest]adapt.Split{}
	for _, s := range was.Dataset.Samples {
		before[s.Digest] = s.Split
	}
	return rebase.Input{
		Dataset: d, Features: features,
		InUse: &rebase.InUse{Head: was.Head, Labels: was.Dataset.Labels, Features: was.Features},
	}, d.Resettle(adapt.SplitOptions{}, before)
}

// row sums up the trials of n images a class, of all for 0.
func row(trials []trial, n int, way string) string {
	var all, activated, change, worse, bad, missed, missedMuch float64
	for _, t := range trials {
		if n != 0 && t.images != n {
			continue
		}
		all++
		if t.decided[way] {
			activated++
			change += t.change
			worse += flag01(t.change < -1)
			bad += flag01(t.change < -3)
		} else {
			missed += flag01(t.change > 1)
			missedMuch += flag01(t.change > 3)
		}
	}
	share := func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v/all) }
	return fmt.Sprintf("| %s | %s | %+.2f | %s | %s | %s | %s |", way, share(activated), change/all, share(worse), share(bad), share(missed), share(missedMuch))
}

func flag01(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
