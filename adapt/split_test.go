package adapt

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

func TestHeld(t *testing.T) {
	for _, test := range []struct {
		n        int
		fraction float64
		want     int
	}{
		{0, 0.2, 0}, {1, 0.2, 0}, {2, 0.2, 1}, {3, 0.2, 1}, {7, 0.2, 1}, {8, 0.2, 2}, {10, 0.2, 2}, {96, 0.2, 19},
		{2, 0.99, 1}, {10, 0.99, 9}, {10, 0.001, 1},
	} {
		if got := held(test.n, test.fraction); got != test.want {
			t.Errorf("%d of %d at %v, want %d", got, test.n, test.fraction, test.want)
		}
	}
}

func TestSplitOptionsRefuse(t *testing.T) {
	for _, f := range []float64{-0.1, 1, 2, math.NaN(), math.Inf(1)} {
		d := &Dataset{}
		if d.Settle(SplitOptions{ValFraction: f}) == nil {
			t.Errorf("a fraction of %v passes", f)
		}
	}
}

// contents returns the digests of what is held back.
func contents(d *Dataset) []digest.Digest {
	var list []digest.Digest
	for _, s := range d.Samples {
		if s.Split == SplitVal {
			list = append(list, s.Digest)
		}
	}
	slices.Sort(list)
	return list
}

func TestDivideDependsOnSeedAndContentAlone(t *testing.T) {
	held := func(dir string, seed uint64) []digest.Digest {
		d := listed(t, dir)
		read(t, d)
		if err := d.Settle(SplitOptions{Seed: seed}); err != nil {
			t.Fatal(err)
		}
		return contents(d)
	}
	files := many(40, "cat", "dog")
	dir := tree(t, files)
	want := held(dir, 7)
	if got := held(dir, 7); !slices.Equal(got, want) {
		t.Error("not the same twice")
	}
	if got := held(dir, 8); slices.Equal(got, want) {
		t.Error("the seed changes nothing")
	}
	for i := range 40 {
		for _, class := range []string{"cat", "dog"} {
			from, to := fmt.Sprintf("%s/%02d.jpg", class, i), fmt.Sprintf("%s/renamed-%02d.jpg", class, 39-i)
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := held(dir, 7); !slices.Equal(got, want) {
		t.Error("names change sides")
	}
	// One more image moves no more than one other.
	more := held(tree(t, with(files, "cat/more.jpg", "more")), 7)
	changed := 0
	for _, content := range want {
		if !slices.Contains(more, content) {
			changed++
		}
	}
	if changed > 1 {
		t.Errorf("one image more moves %d", changed)
	}
}

func TestDivideIsStratified(t *testing.T) {
	files := many(50, "common")
	for path, content := range many(4, "rare") {
		files[path] = content
	}
	d := listed(t, tree(t, files))
	read(t, d)
	if err := d.Settle(SplitOptions{Seed: 3}); err != nil {
		t.Fatal(err)
	}
	val := [2]int{}
	for _, s := range d.Samples {
		if s.Split == SplitVal {
			val[s.Label]++
		}
	}
	if val != [2]int{10, 1} {
		t.Errorf("held back: %v", val)
	}
}
