package publish_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/tflite/delta"
)

// target returns the file of a target.
func target(t testing.TB, r *publish.Repository, f release.File) []byte {
	t.Helper()
	dir, name := filepath.Split(f.Target)
	data, err := os.ReadFile(filepath.Join(r.Public(), "targets", dir, f.Digest.Hex()+"."+name))
	must(t, err)
	return data
}

func TestAddBundle(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	base := baseFile(t, 0)
	var stages []string
	added, err := r.Add(t.Context(), publish.AddOptions{
		Bundle: bundleFile(t, generation(t, base)), Percent: 10, Score: score, Notes: "the first",
		Progress: func(stage string, done, total int64) {
			if done > total {
				t.Errorf("%s: %d of %d", stage, done, total)
			}
			if !slices.Contains(stages, stage) {
				stages = append(stages, stage)
			}
		},
	})
	must(t, err)
	got := d.sees("stable", 1).Releases[0]
	if added.Number != 1 || got.Task != "lamps" || got.Rollout.Percent != 10 || got.Notes != "the first" || got.Head == nil || got.Base.Full == nil || !got.Created.Equal(c.now) {
		t.Errorf("%+v", got)
	}
	if !slices.Contains(stages, "read the bundle") || !slices.Contains(stages, "self-test") {
		t.Errorf("progress: %v", stages)
	}
	original, err := os.ReadFile(base)
	must(t, err)
	if !bytes.Equal(target(t, r, *got.Base.Full), original) {
		t.Error("the base is another one")
	}
	b, err := bundle.ReadLight(t.Context(), bytes.NewReader(target(t, r, *got.Head)), t.TempDir(), bundle.Limits{})
	must(t, err)
	defer b.Close()
	for name, want := range map[string]bool{"report.html": false, "calibration.json": true, "selftest.json": true, "head.tflite": true} {
		if _, ok := b.File(name); ok != want {
			t.Errorf("%s is there: %v", name, ok)
		}
	}
	data, err := os.ReadFile(b.Path(release.SelfTestName))
	must(t, err)
	self, err := release.ParseSelfTest(data, 3)
	must(t, err)
	if len(self.Cases) != 16 || self.Preprocessing != small() {
		t.Errorf("self-test of %d cases for %+v", len(self.Cases), self.Preprocessing)
	}
	must(t, self.Run(func(dst, pixels []float32) error {
		scores, err := score(context.Background(), "", "", [][]float32{pixels})
		copy(dst, scores[0])
		return err
	}))
	if left, err := os.ReadDir(filepath.Join(r.Dir(), "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
	must(t, r.Verify(t.Context(), nil))
}

func TestAddParts(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	g := generation(t, baseFile(t, 0))
	add := func(o publish.AddOptions) release.Release {
		t.Helper()
		o.Generation, o.Percent = &g, 100
		rel, err := r.Add(t.Context(), o)
		must(t, err)
		return rel
	}
	both, head, base := add(publish.AddOptions{}), add(publish.AddOptions{Part: publish.HeadOnly, Task: "doors"}), add(publish.AddOptions{Part: publish.BaseOnly})
	if both.Head == nil || both.Base.Full == nil || head.Base.Full != nil || head.Head == nil || base.Head != nil || base.Base.Full == nil {
		t.Errorf("%+v\n%+v\n%+v", both, head, base)
	}
	if head.Task != "doors" || base.Task != "lamps" {
		t.Errorf("tasks %s, %s", head.Task, base.Task)
	}
	// For another task the bundle is another one.
	if b, err := bundle.VerifyLight(t.Context(), bytes.NewReader(target(t, r, *head.Head)), bundle.Limits{}); err != nil || b.Task != "doors" {
		t.Errorf("%s, %v", b.Task, err)
	}
	alone := addBase(t, r, 1, publish.AddOptions{Requires: release.Requires{Width: 8, Height: 8, MemoryMiB: 256, Edge: "v1.2.0"}})
	if alone.Task != "" || alone.Requires.MemoryMiB != 256 {
		t.Errorf("%+v", alone)
	}
	all := add(publish.AddOptions{AllFiles: true})
	if m, err := bundle.VerifyLight(t.Context(), bytes.NewReader(target(t, r, *all.Head)), bundle.Limits{}); err != nil || !slices.ContainsFunc(m.Files, func(f models.File) bool { return f.Name == "report.html" }) {
		t.Errorf("%+v, %v", m.Files, err)
	}
	d.sees("stable", 1, 2, 3, 4, 5)
}

func TestAddDeltas(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	addBase(t, r, 0, publish.AddOptions{Channel: "canary"})
	addBase(t, r, 1, publish.AddOptions{})
	outside := baseFile(t, 7)
	last := addBase(t, r, 2, publish.AddOptions{Parents: []string{outside}})
	d.sees("canary", 1)
	d.sees("stable", 2, 3)
	if len(last.Base.Deltas) != 3 {
		t.Fatalf("%d deltas, want those from 7, 1 and 0", len(last.Base.Deltas))
	}
	child, err := os.ReadFile(baseFile(t, 2))
	must(t, err)
	for i, seed := range []int{7, 1, 0} {
		parent, err := os.ReadFile(baseFile(t, seed))
		must(t, err)
		got, err := delta.Apply(parent, target(t, r, last.Base.Deltas[i].File), delta.Limits{})
		if err != nil || !bytes.Equal(got, child) || last.Base.Deltas[i].From != digest.Of(parent) {
			t.Errorf("delta from base %d: %v", seed, err)
		}
		t.Logf("%d of %d bytes", last.Base.Deltas[i].Bytes, last.Base.Bytes)
	}
	// The same base again: its files are there.
	before := files(t, filepath.Join(r.Public(), "targets", "deltas"))
	again := addBase(t, r, 2, publish.AddOptions{})
	if len(again.Base.Deltas) != 2 || len(files(t, filepath.Join(r.Public(), "targets", "deltas"))) != len(before) {
		t.Errorf("%d deltas, files %v", len(again.Base.Deltas), before)
	}
	// A parent of another structure is one if the way from it is shorter.
	other := filepath.Join("..", "..", "tflite", "file", "testdata", "hidden.tflite")
	o := publish.AddOptions{Base: &publish.BaseFile{Path: other, Name: "other", Preprocessing: small(), Features: 4}}
	rel, err := r.Add(t.Context(), o)
	must(t, err)
	ways := len(rel.Base.Deltas) // those from bases of the channel
	o.Parents = []string{outside}
	rel, err = r.Add(t.Context(), o)
	if err != nil || len(rel.Base.Deltas) != ways+1 {
		t.Fatalf("a parent of another structure: %d deltas, %v", len(rel.Base.Deltas), err)
	}
	want, err := os.ReadFile(other)
	must(t, err)
	from, err := os.ReadFile(outside)
	must(t, err)
	if got, err := delta.Apply(from, target(t, r, rel.Base.Deltas[0].File), delta.Limits{}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the delta does not lead to the base: %v", err)
	}
	weights := filepath.Join("..", "base", "mobilenet_v2_0.35_128.tflite")
	o = publish.AddOptions{Base: &publish.BaseFile{Path: weights, Name: "real", Preprocessing: small(), Features: 4}, Parents: []string{other}}
	if _, err := r.Add(t.Context(), o); !errors.Is(err, delta.ErrStructure) || hint.Of(err) == "" {
		t.Errorf("a parent that leads nowhere: %v", err)
	}
	d.sees("stable", 2, 3, 4, 5, 6)
}

func TestAddRefuses(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	g := generation(t, baseFile(t, 0))
	good := &publish.BaseFile{Path: baseFile(t, 0), Name: "base", Preprocessing: small(), Features: 4}
	damaged := bundleFile(t, g)
	data, err := os.ReadFile(damaged)
	must(t, err)
	data[len(data)-2000]++
	must(t, os.WriteFile(damaged, data, 0o600))
	nan := func(ctx context.Context, b, h string, pictures [][]float32) ([][]float32, error) {
		out, err := score(ctx, b, h, pictures)
		out[3][1] = float32(digest.Of(nil)[0]) // far above one
		return out, err
	}
	for name, o := range map[string]publish.AddOptions{
		"nothing":          {},
		"two things":       {Generation: &g, Base: good},
		"head of a base":   {Base: good, Part: publish.HeadOnly},
		"percent":          {Base: good, Percent: 101},
		"no such channel":  {Base: good, Channel: "nightly"},
		"no channel name":  {Base: good, Channel: "../x"},
		"no such file":     {Bundle: "none.tar"},
		"damaged bundle":   {Bundle: damaged},
		"version":          {Base: good, Requires: release.Requires{Edge: "1.2"}},
		"task":             {Base: good, Task: "../x"},
		"notes":            {Base: good, Notes: strings.Repeat("x", 5000)},
		"features":         {Base: &publish.BaseFile{Path: good.Path, Name: "base", Preprocessing: small()}},
		"no scores":        {Generation: &g, Score: func(context.Context, string, string, [][]float32) ([][]float32, error) { return nil, nil }},
		"impossible score": {Generation: &g, Score: nan},
	} {
		if rel, err := r.Add(t.Context(), o); err == nil || rel.Number != 0 {
			t.Errorf("%s: release %d, %v", name, rel.Number, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Add(ctx, publish.AddOptions{Generation: &g}); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	d.sees("stable")
	addBase(t, r, 0, publish.AddOptions{})
	d.sees("stable", 1) // no number is lost either
}

// A full channel drops what nobody needs, and nothing else.
func TestAddWhenFull(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	for range release.MaxReleases {
		addBase(t, r, 1, publish.AddOptions{Percent: 50})
	}
	o := publish.AddOptions{Base: &publish.BaseFile{Path: baseFile(t, 1), Name: "b", Preprocessing: small(), Features: 4}}
	if _, err := r.Add(t.Context(), o); err == nil || hint.Of(err) == "" {
		t.Errorf("a channel of releases that all count: %v", err)
	}
	must(t, r.Revoke(t.Context(), "stable", 3, "broken"))
	rel, err := r.Add(t.Context(), o)
	must(t, err)
	if rel.Number != release.MaxReleases+1 {
		t.Errorf("number %d", rel.Number)
	}
	if got := d.sees("stable", append([]int{1, 2}, numbers(4, rel.Number)...)...); len(got.Releases) != release.MaxReleases {
		t.Errorf("%d releases", len(got.Releases))
	}
	must(t, r.Rollout(t.Context(), "stable", rel.Number, 100))
	if rel, err = r.Add(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	d.sees("stable", append([]int{2}, numbers(4, rel.Number)...)...)
}

func numbers(from, to int) (all []int) {
	for n := from; n <= to; n++ {
		all = append(all, n)
	}
	return all
}
