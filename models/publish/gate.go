package publish

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// Gate says which releases are good enough, by their measures.
type Gate struct {
	// Least are lower bounds of measures, by their paths in the manifest's measures,
	// such as val.accuracy. "accuracy" means the one that edge trains with.
	Least map[string]float64
	// Most are upper bounds.
	Most map[string]float64
	// Against lets a release be no more than Margin worse, in accuracy, than the
	// newest one of its task in the channel that has measures.
	Against bool
	Margin  float64
}

// accuracyPaths are where measures have the accuracy on images that the head was
// not trained on, best first: the last images set aside for the end, and those for
// choosing.
var accuracyPaths = []string{"test.accuracy", "val.accuracy", "accuracy"}

// ParseGate adds a bound such as "accuracy>=0.85" or "val.loss<=0.4" to the gate.
func (g *Gate) ParseGate(text string) error {
	for _, op := range []struct {
		sign string
		to   *map[string]float64
	}{{">=", &g.Least}, {"<=", &g.Most}} {
		name, value, ok := strings.Cut(text, op.sign)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if name = strings.TrimSpace(name); err != nil || name == "" || math.IsNaN(v) {
			break
		}
		if *op.to == nil {
			*op.to = map[string]float64{}
		}
		(*op.to)[name] = v
		return nil
	}
	return fmt.Errorf("gate %q: want for example accuracy>=0.85", text)
}

// Check reports whether measures pass the gate: nil, or ErrNotBetter with the
// reason. before are the measures to compare with; nil: there are none.
func (g Gate) Check(measures, before json.RawMessage) error {
	for _, side := range []struct {
		bounds map[string]float64
		fails  func(got, bound float64) bool
		word   string
	}{
		{g.Least, func(got, bound float64) bool { return !(got >= bound) }, "at least"},
		{g.Most, func(got, bound float64) bool { return !(got <= bound) }, "at most"},
	} {
		for name, bound := range side.bounds {
			got, ok := measure(measures, name)
			if !ok {
				return hint.Wrap(fmt.Errorf("%w: it has no measure %q", ErrNotBetter, name), "measures are named by their path in the manifest, such as val.accuracy")
			}
			if side.fails(got, bound) {
				return fmt.Errorf("%w: %s is %.4g, want %s %.4g", ErrNotBetter, name, got, side.word, bound)
			}
		}
	}
	if !g.Against || before == nil {
		return nil
	}
	got, ok := measure(measures, "accuracy")
	was, had := measure(before, "accuracy")
	if !had {
		return nil
	}
	if !ok {
		return fmt.Errorf("%w: it has no accuracy to compare", ErrNotBetter)
	}
	const rounding = 1e-9
	if got < was-g.Margin-rounding {
		return fmt.Errorf("%w: accuracy is %.4g, the release before has %.4g, and may be at most %.4g better", ErrNotBetter, got, was, g.Margin)
	}
	return nil
}

// measure finds a number in measures.
func measure(measures json.RawMessage, name string) (float64, bool) {
	var all any
	if json.Unmarshal(measures, &all) != nil {
		return 0, false
	}
	paths := []string{name}
	if name == "accuracy" {
		paths = accuracyPaths
	}
	for _, p := range paths {
		at, ok := all, true
		for key := range strings.SplitSeq(p, ".") {
			m, _ := at.(map[string]any)
			if at, ok = m[key]; !ok {
				break
			}
		}
		if v, isNumber := at.(float64); ok && isNumber {
			return v, true
		}
	}
	return 0, false
}

// before returns the measures of the newest release of the task in the channel
// that is neither revoked nor halted and has any.
func before(c release.Channel, task string) json.RawMessage {
	for i := len(c.Releases) - 1; i >= 0; i-- {
		rel := c.Releases[i]
		if rel.Task == task && rel.Revoked == "" && rel.Rollout.Halted == "" && len(rel.Measures) > 0 {
			return rel.Measures
		}
	}
	return nil
}
