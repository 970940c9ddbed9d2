package models

import (
	"fmt"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	s := three(t)
	get := func(n int) Manifest { t.Helper(); g, err := s.Generation(lamps, n); must(t, err); return g.Manifest }
	one, three := get(1), get(3)
	if d := Diff(one, one); len(d.Added)+len(d.Removed)+len(d.Recipe)+len(d.Measures)+len(d.Files)+len(d.Preprocessing) > 0 || d.Reordered || !d.SameBase || !d.SameHead {
		t.Errorf("the same: %+v", d)
	}
	d := Diff(one, three)
	if fmt.Sprint(d.Added, d.Removed, d.Reordered, d.SameBase, d.SameHead, d.From, d.To) != "[round 3] [round 1] false false false 1 3" {
		t.Errorf("%+v", d)
	}
	if d.FromBase != one.Base || d.ToBase != three.Base || len(d.Files) != 3 || d.Files[0].Path != HeadName {
		t.Errorf("%+v", d)
	}

	one.Labels, three.Labels = []string{"a", "b", "c"}, []string{"c", "x", "a"}
	one.Recipe, three.Recipe = []byte(`{"epochs":5,"train":{"rate":0.1,"seed":1},"old":null}`), []byte(`{"epochs":5,"train":{"rate":1e-3,"seed":1},"resize":"area"}`)
	one.Measures, three.Measures = []byte(`{"val":{"accuracy":0.5},"confusion":[[1,2],[3,4]]}`), []byte(`{"val":{"accuracy":0.75},"confusion":[[1,2],[3,5]]}`)
	three.Preprocessing.Width = 16
	d = Diff(one, three)
	if !d.Reordered || fmt.Sprint(d.Added, d.Removed) != "[x] [b]" {
		t.Errorf("labels: %+v", d)
	}
	show := func(changes []Change) string {
		var b strings.Builder
		for _, c := range changes {
			fmt.Fprintf(&b, "%s: %s -> %s; ", c.Path, c.Before, c.After)
		}
		return b.String()
	}
	for got, want := range map[string]string{
		show(d.Recipe):        "resize:  -> \"area\"; train.rate: 0.1 -> 1e-3; ",
		show(d.Measures):      "confusion: [[1,2],[3,4]] -> [[1,2],[3,5]]; val.accuracy: 0.5 -> 0.75; ",
		show(d.Preprocessing): "width: 8 -> 16; ",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	three.Recipe, three.Measures = nil, nil
	if d = Diff(one, three); len(d.Recipe) != 3 || d.Recipe[0].After != nil {
		t.Errorf("no recipe: %+v", d.Recipe)
	}
}
