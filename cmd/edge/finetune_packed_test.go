//go:build tensorflow

package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/tflite/delta"
)

// checkPacked unpacks what a run packed: the bundle holds the new base, and says
// which one it came from, and a few features of every class; the delta leads from that one to it.
func checkPacked(t *testing.T, f *report.FineTune) {
	t.Helper()
	packed := contents(t, f.Files.Bundle)
	b, err := bundle.Read(t.Context(), bytes.NewReader(packed), t.TempDir(), bundle.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var recipe struct {
		Fraction   float64       `json:"fraction"`
		ParentBase digest.Digest `json:"parent_base"`
	}
	if err := json.Unmarshal(b.Recipe, &recipe); err != nil || recipe.ParentBase != f.Parent.Digest || f.Parent.Digest == "" {
		t.Errorf("the bundle's recipe is %s, the parent %s: %v", b.Recipe, f.Parent.Digest, err)
	}
	tuned := contents(t, f.Files.Base)
	if b.Base.Digest != f.Base.Digest || !bytes.Equal(contents(t, b.BasePath()), tuned) || len(b.Measures) == 0 {
		t.Errorf("the bundle holds base %s, the run made %s", b.Base.Digest, f.Base.Digest)
	}
	if !bytes.Equal(contents(t, b.Path(models.HeadName)), contents(t, f.Files.Head)) {
		t.Error("the bundle has another head")
	}
	e, err := rebase.ParseExemplars(contents(t, b.Path(rebase.ExemplarsName)))
	if err != nil || e.Base != b.Base.Digest || e.Classes != len(b.Labels) || e.Set.Len() == 0 {
		t.Errorf("the bundle's exemplars: %v", err)
	}

	parent, err := base.Prepare(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	changes := contents(t, f.Files.Delta)
	got, err := delta.Apply(contents(t, parent.Path), changes, delta.Limits{})
	if err != nil || !bytes.Equal(got, tuned) {
		t.Errorf("the delta does not lead to the new base: %v", err)
	}
	if int64(len(changes)) != f.Files.DeltaBytes || int64(len(tuned)) != f.Files.BaseBytes || len(changes) >= len(tuned) {
		t.Errorf("a delta of %d bytes to a base of %d, the run says %+v", len(changes), len(tuned), f.Files)
	}
}
