package probation

import (
	"math"
	"slices"
)

// chance is the probability up to which missed visits are taken for no chance.
const chance = 0.01

// judgeCollapse asks whether the judged names one class for nearly everything
// although there was more to see. The package comment states the tests.
func (w *Watch) judgeCollapse() {
	numbers := w.numbers()
	if w.verdict.Decision != Continue || w.options.Collapse == never || numbers < uint64(w.options.CollapseFrames) {
		return
	}
	class, frames := w.top()
	if float64(frames) < w.options.Collapse*float64(numbers) || !slices.Contains(w.pairs.same, class) {
		return
	}
	share := 100 * float64(frames) / float64(numbers)
	if visited, followed := w.pairs.besides(class); visited > 0 {
		if atMost(followed, visited, 0.5) <= chance {
			w.rollBack("it says %s for %.1f %% of %d frames and followed generation %d in %d of its %d visits to other classes",
				name(w.labels, class), share, numbers, w.other, followed, visited)
		}
		return
	}
	if w.before.frames == 0 {
		return
	}
	var known uint64 // visits of the other to classes that are not this one
	for i, n := range w.before.visited {
		if same := w.pairs.same[i]; same != class && same != absent {
			known += n
		}
	}
	seen := w.visits.others(class)
	if atMost(seen, known+seen, float64(w.frames)/float64(w.frames+w.before.frames)) <= chance {
		w.rollBack("it says %s for %.1f %% of %d frames, with %d visits to other classes where generation %d paid %d in %d frames",
			name(w.labels, class), share, numbers, seen, w.other, known, w.before.frames)
	}
}

// name is how a reason names a class.
func name(labels []string, class int) string {
	if class == Unknown {
		return "unknown"
	}
	return `"` + labels[class] + `"`
}

// atMost returns P(X ≤ k), X ~ Binomial(n, p), for p in (0, 1): the sum of the
// single probabilities, each through logarithms of factorials.
func atMost(k, n uint64, p float64) float64 {
	if k >= n {
		return 1
	}
	logFactorial := func(n uint64) float64 {
		v, _ := math.Lgamma(float64(n) + 1)
		return v
	}
	all := logFactorial(n)
	sum := 0.0
	for i := range k + 1 {
		sum += math.Exp(all - logFactorial(i) - logFactorial(n-i) +
			float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(1, sum)
}
