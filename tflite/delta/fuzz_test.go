package delta

import (
	"bytes"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

// FuzzApply looks for deltas that make Apply panic or hang, or that give a file
// other than the one they name.
func FuzzApply(f *testing.F) {
	parent := models(f)["hidden"]
	for _, constants := range []int{0, 1, 2} {
		f.Add(diff(f, parent, changed(f, parent, constants, random())))
	}
	f.Add(diff(f, parent, models(f)["pooled"])) // format 2
	f.Fuzz(func(t *testing.T, data []byte) {
		check(t, parent, data)
	})
}

// FuzzApplyAnywhere also lets the parent be anything: the digests are put right,
// so that what is behind them gets to be tried.
func FuzzApplyAnywhere(f *testing.F) {
	for _, parent := range models(f) {
		f.Add(parent, diff(f, parent, changed(f, parent, 2, random())))
	}
	f.Fuzz(func(t *testing.T, parent, data []byte) {
		i, frames, err := parse(data)
		if err != nil {
			return
		}
		i.Parent, i.ParentBytes = digest.Of(parent), int64(len(parent))
		if i.Format == 1 {
			i.ChildBytes = i.ParentBytes
		}
		check(t, parent, append(i.encode(), frames...))
	})
}

func check(t *testing.T, parent, data []byte) {
	before := bytes.Clone(parent)
	child, err := Apply(parent, data, Limits{Bytes: 1 << 20})
	if !bytes.Equal(parent, before) {
		t.Fatal("the parent was changed")
	}
	if err != nil {
		return
	}
	info, err := Inspect(data)
	if err != nil || info.Child != digest.Of(child) {
		t.Errorf("it gave %s, and says %+v, %v", digest.Of(child), info, err)
	}
}

// FuzzDiff looks for pairs of files whose delta does not lead from one to the
// other.
func FuzzDiff(f *testing.F) {
	for _, parent := range models(f) {
		f.Add(parent, changed(f, parent, 2, random()))
	}
	f.Fuzz(func(t *testing.T, parent, child []byte) {
		d, err := Diff(parent, child)
		if err != nil {
			return
		}
		got, err := Apply(parent, d, Limits{})
		if err != nil || !bytes.Equal(got, child) {
			t.Errorf("the child does not come back: %v", err)
		}
	})
}
