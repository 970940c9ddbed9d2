package adapt

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/badfiles"
	"github.com/edge-adapt/edge/internal/digest"
)

func TestBadFilesEndTheirOwnUseOnly(t *testing.T) {
	dir := t.TempDir()
	want, good := badfiles.Make(t, dir)
	if len(want) < 40 {
		t.Fatalf("%d kinds of bad files", len(want))
	}
	d := listed(t, dir)
	for i, s := range d.Samples {
		data, err := pixel.ReadFile(filepath.Join(dir, s.Path), pixel.Limits{})
		if err == nil {
			_, err = pixel.Decode(data, pixel.Limits{})
		}
		if err != nil {
			d.Reject(i, err)
		} else {
			d.Read(i, digest.Of(data))
		}
	}
	if err := d.Settle(SplitOptions{}); err != nil {
		t.Fatal(err)
	}
	wantStrings(t, "labels", d.Labels, badfiles.Labels[:]...)
	got := reasons(d)
	for _, c := range d.Duplicates {
		got[c.Path] = badfiles.Duplicate
	}
	for _, c := range d.Conflicts {
		for _, path := range c.Paths {
			got[path] = badfiles.Conflict
		}
	}
	for path, reason := range want {
		if g, ok := got[path]; !ok || !strings.Contains(g, reason) {
			t.Errorf("%q: %q, want %q", path, g, reason)
		}
		delete(got, path)
	}
	for path, reason := range got {
		t.Errorf("%q is not used: %s", path, reason)
	}
	if n := d.Images(); n.Train+n.Val != good || n.Val < 2 {
		t.Errorf("%+v, want %d used", n, good)
	}
	if !slices.IsSortedFunc(d.Skipped, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("what was skipped is not sorted")
	}
}
