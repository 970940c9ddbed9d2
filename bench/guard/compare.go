package main

import (
	"fmt"
	"math"
	"strings"
)

// limits say from when on something has moved.
type limits struct {
	share  float64 // of the recorded ratio
	points float64 // per cent, where differences were recorded
}

// moved reports whether fresh is elsewhere than old.
func (l limits) moved(old, fresh ratio) bool {
	by := math.Abs(fresh.value - old.value)
	if fresh.points {
		return by > l.points
	}
	return by > l.share*math.Abs(old.value)
}

// move is a ratio that is not what it was.
type move struct {
	name          string
	word          string // "better", "worse", "new", "gone"
	before, after float64
	points        bool
}

// compare returns the ratios that moved, and those that are on one side only:
// worse ones first, each kind in order of names.
func compare(before, after map[string]ratio, l limits) []move {
	kinds := map[string][]move{}
	add := func(m move) { kinds[m.word] = append(kinds[m.word], m) }
	for _, name := range sorted(before) {
		old := before[name]
		fresh, ok := after[name]
		switch {
		case !ok:
			add(move{name, "gone", old.value, 0, old.points})
		case l.moved(old, fresh):
			word := "better"
			if (fresh.value < old.value) != fresh.less {
				word = "worse"
			}
			add(move{name, word, old.value, fresh.value, fresh.points})
		}
	}
	for _, name := range sorted(after) {
		if _, ok := before[name]; !ok {
			add(move{name, "new", 0, after[name].value, after[name].points})
		}
	}
	var moves []move
	for _, word := range []string{"worse", "better", "gone", "new"} {
		moves = append(moves, kinds[word]...)
	}
	return moves
}

// report is a line a move, and one that sums up.
func report(moves []move, ratios int, l limits) string {
	var b strings.Builder
	counts := map[string]int{}
	for _, m := range moves {
		counts[m.word]++
		unit := ""
		if m.points {
			unit = " points"
		}
		fmt.Fprintf(&b, "%-6s  %s: ", m.word, m.name)
		switch {
		case m.word == "gone":
			fmt.Fprintf(&b, "was %.4g%s\n", m.before, unit)
		case m.word == "new":
			fmt.Fprintf(&b, "%.4g%s\n", m.after, unit)
		case m.points || m.before == 0:
			fmt.Fprintf(&b, "%.4g%s, was %.4g\n", m.after, unit, m.before)
		default:
			fmt.Fprintf(&b, "%.4g, was %.4g (%+.0f %%)\n", m.after, m.before, 100*(m.after-m.before)/math.Abs(m.before))
		}
	}
	fmt.Fprintf(&b, "%d ratios; by more than %.0f %% or %g points: %d worse, %d better; %d gone, %d new\n",
		ratios, 100*l.share, l.points, counts["worse"], counts["better"], counts["gone"], counts["new"])
	return b.String()
}
