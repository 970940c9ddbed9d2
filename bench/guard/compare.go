package main

import (
	"fmt"
	"math"
	"strings"
)

// move is a ratio that is not what it was.
type move struct {
	name          string
	word          string // "better", "worse", "new", "gone"
	before, after float64
}

// compare returns the ratios that moved by more than share of what was recorded,
// and those that are on one side only: worse ones first, each kind in order of
// names.
func compare(before, after map[string]ratio, share float64) []move {
	kinds := map[string][]move{}
	add := func(m move) { kinds[m.word] = append(kinds[m.word], m) }
	for _, name := range sorted(before) {
		old := before[name]
		fresh, ok := after[name]
		switch {
		case !ok:
			add(move{name: name, word: "gone", before: old.value})
		case math.Abs(fresh.value-old.value) > share*math.Abs(old.value):
			word := "better"
			if (fresh.value < old.value) != fresh.less {
				word = "worse"
			}
			add(move{name, word, old.value, fresh.value})
		}
	}
	for _, name := range sorted(after) {
		if _, ok := before[name]; !ok {
			add(move{name: name, word: "new", after: after[name].value})
		}
	}
	var moves []move
	for _, word := range []string{"worse", "better", "gone", "new"} {
		moves = append(moves, kinds[word]...)
	}
	return moves
}

// report is a line a move, and one that sums up.
func report(moves []move, ratios int, share float64) string {
	var b strings.Builder
	counts := map[string]int{}
	for _, m := range moves {
		counts[m.word]++
		fmt.Fprintf(&b, "%-6s  %s: ", m.word, m.name)
		switch m.word {
		case "gone":
			fmt.Fprintf(&b, "was %.4g\n", m.before)
		case "new":
			fmt.Fprintf(&b, "%.4g\n", m.after)
		default:
			fmt.Fprintf(&b, "%.4g, was %.4g", m.after, m.before)
			if m.before != 0 {
				fmt.Fprintf(&b, " (%+.0f %%)", 100*(m.after-m.before)/math.Abs(m.before))
			}
			b.WriteString("\n")
		}
	}
	fmt.Fprintf(&b, "%d ratios; by more than %.0f %%: %d worse, %d better; %d gone, %d new\n",
		ratios, 100*share, counts["worse"], counts["better"], counts["gone"], counts["new"])
	return b.String()
}
