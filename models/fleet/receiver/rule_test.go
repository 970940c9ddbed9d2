package receiver

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/models/fleet/records"
)

// The lower end of Wilson's interval is the share from which what was seen lies z
// standard errors away.
func TestLower(t *testing.T) {
	for n := 1; n <= 200; n += 7 {
		for k := 1; k <= n; k++ {
			low, p := Lower(k, n), float64(k)/float64(n)
			if away := (p - low) / math.Sqrt(low*(1-low)/float64(n)); math.Abs(away-z) > 1e-9 || low <= 0 || low >= p {
				t.Fatalf("%d of %d: %v, %v standard errors away", k, n, low, away)
			}
		}
	}
	if Lower(0, 5) != 0 || Lower(0, 0) != 0 || Lower(3, 0) != 0 {
		t.Error("of nothing")
	}
}

func TestRule(t *testing.T) {
	r := Rule{}.orDefault()
	for _, c := range []struct {
		devices, rollbacks int
		over               bool
	}{
		{4, 4, false}, // too few to say
		{5, 1, false}, {5, 2, true},
		{20, 3, true}, {20, 2, false},
		{100, 9, true}, {100, 8, false},
		{10_000, 520, false}, {10_000, 540, true},
		{10_000, 100, false},
	} {
		rate := records.Rate{Devices: c.devices, Rollbacks: c.rollbacks}
		if r.Over(rate) != c.over {
			t.Errorf("%d of %d: at least %.4f; want over the limit: %v", c.rollbacks, c.devices, Lower(c.rollbacks, c.devices), c.over)
		}
	}
}

// docs/fleet.md says from how many rollbacks on a roll-out is halted.
func TestDocumentedRule(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "fleet.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := "| halted from so many rollbacks on |"
	for _, n := range []int{5, 10, 20, 50, 100, 1000, 10_000} {
		k := 1
		for !(Rule{}.orDefault()).Over(records.Rate{Devices: n, Rollbacks: k}) {
			k++
		}
		want += fmt.Sprintf(" %d |", k)
	}
	if !strings.Contains(string(doc), want+"\n") {
		t.Errorf("docs/fleet.md lacks %q", want)
	}
}
