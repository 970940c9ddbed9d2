package release_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

func named(s string) digest.Digest { return digest.Of([]byte(s)) }

// base is a published base with a delta from another one.
func base(name, from string) release.Base {
	d := named(name)
	return release.Base{
		Base: models.Base{Name: name, Digest: d, Bytes: 100}, Parent: named(from), Features: 4,
		Preprocessing: pixel.Preprocessing{Width: 128, Height: 128, Colour: "rgb", Scale: 1, Resize: pixel.Bilinear},
		Full:          &release.File{Target: "bases/" + d.Hex() + ".tflite", Digest: d, Bytes: 100},
		Deltas: []release.Delta{{From: named(from), File: release.File{
			Target: "deltas/" + named(from).Hex() + "-" + d.Hex() + ".delta", Digest: named("delta"), Bytes: 10,
		}}},
	}
}

func channel(releases ...release.Release) release.Channel {
	return release.Channel{Format: release.Format, Name: "stable", Updated: time.Unix(1_700_000_000, 0).UTC(), Releases: releases}
}

func numbered(n int) release.Release {
	return release.Release{Number: n, Base: base("b", "a"), Rollout: release.Rollout{Percent: 100}}
}

func withHead(r release.Release, task string) release.Release {
	d := named("head")
	r.Task, r.Head = task, &release.File{Target: "heads/" + d.Hex() + ".tar", Digest: d, Bytes: 50}
	return r
}

func TestEncodeThenParse(t *testing.T) {
	c := channel(numbered(1), withHead(numbered(3), "lamps"))
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := release.Parse(data, "stable")
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil || string(again) != string(data) {
		t.Errorf("parsed and encoded again (%v):\n%s\nwant\n%s", err, again, data)
	}
	if n := len(got.Releases[1].Targets()); n != 3 {
		t.Errorf("%d targets, want base, delta and head", n)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, change := range map[string]func(*release.Channel){
		"another channel":        func(c *release.Channel) { c.Name = "canary" },
		"no time":                func(c *release.Channel) { c.Updated = time.Time{} },
		"number twice":           func(c *release.Channel) { c.Releases = append(c.Releases, numbered(2)) },
		"number zero":            func(c *release.Channel) { c.Releases[0].Number = 0 },
		"too many":               func(c *release.Channel) { c.Releases = many(release.MaxReleases + 1) },
		"percent":                func(c *release.Channel) { c.Releases[0].Rollout.Percent = 100.5 },
		"negative percent":       func(c *release.Channel) { c.Releases[0].Rollout.Percent = -1 },
		"task with a slash":      func(c *release.Channel) { c.Releases[0].Task = "../x" },
		"target elsewhere":       func(c *release.Channel) { c.Releases[0].Base.Full.Target = "bases/../../etc/passwd" },
		"absolute target":        func(c *release.Channel) { c.Releases[0].Base.Deltas[0].Target = "/etc/passwd" },
		"base with other digest": func(c *release.Channel) { c.Releases[0].Base.Full.Digest = named("x") },
		"huge base": func(c *release.Channel) {
			c.Releases[0].Base.Bytes = math.MaxInt64
			c.Releases[0].Base.Full.Bytes = math.MaxInt64
		},
		"negative head":     func(c *release.Channel) { c.Releases[1].Head.Bytes = -1 },
		"head without task": func(c *release.Channel) { c.Releases[1].Task = "" },
		"nothing to fetch":  func(c *release.Channel) { c.Releases[0].Base.Full = nil },
		"version":           func(c *release.Channel) { c.Releases[0].Requires.Edge = "one" },
		"half an input":     func(c *release.Channel) { c.Releases[0].Requires.Width = 128 },
		"long notes":        func(c *release.Channel) { c.Releases[0].Notes = strings.Repeat("x", 5000) },
		"features":          func(c *release.Channel) { c.Releases[0].Base.Features = 1 << 30 },
	} {
		c := channel(numbered(1), withHead(numbered(2), "lamps"))
		change(&c)
		if _, err := c.Encode(); err == nil && name != "another channel" {
			t.Errorf("%s: encoded", name)
		}
		if _, err := release.Parse(raw(t, c), "stable"); !errors.Is(err, release.ErrForm) {
			t.Errorf("%s: %v, want %v", name, err, release.ErrForm)
		}
	}
	newer := []byte(`{"format": 2, "releases": "of another kind"}`)
	if _, err := release.Parse(newer, "stable"); !errors.Is(err, release.ErrNewer) {
		t.Errorf("newer format: %v", err)
	}
	data, err := channel(numbered(1)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.Parse(append(data, "{}"...), "stable"); !errors.Is(err, release.ErrForm) {
		t.Errorf("something behind it: %v", err)
	}
}

func many(n int) (rs []release.Release) {
	for i := range n {
		rs = append(rs, numbered(i+1))
	}
	return rs
}

func TestFits(t *testing.T) {
	device := release.Device{ID: "d", Edge: "v1.2.0", Architecture: "arm64", MemoryMiB: 512, Task: "lamps", Base: named("a"), Width: 128, Height: 128}
	for _, c := range []struct {
		name   string
		change func(*release.Release, *release.Device)
		why    string // "": it fits
	}{
		{"as it is", func(*release.Release, *release.Device) {}, ""},
		{"head for the task", func(r *release.Release, _ *release.Device) { *r = withHead(*r, "lamps") }, ""},
		{"head for another", func(r *release.Release, _ *release.Device) { *r = withHead(*r, "doors") }, `task "doors"`},
		{"first head", func(r *release.Release, d *release.Device) { *r = withHead(*r, "lamps"); d.Base = "" }, ""},
		{"base alone, no generation", func(_ *release.Release, d *release.Device) { d.Base = "" }, "no generation yet"},
		{"revoked", func(r *release.Release, _ *release.Device) { r.Revoked = "eats cats" }, "eats cats"},
		{"base wanted", func(r *release.Release, _ *release.Device) { r.Requires.Bases = []digest.Digest{named("a")} }, ""},
		{"other base wanted", func(r *release.Release, _ *release.Device) { r.Requires.Bases = []digest.Digest{named("z")} }, named("z").Short()},
		{"input", func(r *release.Release, _ *release.Device) { r.Requires.Width, r.Requires.Height = 224, 224 }, "224x224"},
		{"version", func(r *release.Release, _ *release.Device) { r.Requires.Edge = "v1.10.0" }, "v1.10.0"},
		{"same version", func(r *release.Release, _ *release.Device) { r.Requires.Edge = "v1.2.0" }, ""},
		{"unknown version", func(r *release.Release, d *release.Device) { r.Requires.Edge = "v9.0.0"; d.Edge = "abc123" }, ""},
		{"memory", func(r *release.Release, _ *release.Device) { r.Requires.MemoryMiB = 1024 }, "1024 MiB"},
		{"memory not known", func(r *release.Release, d *release.Device) { r.Requires.MemoryMiB = 1024; d.MemoryMiB = 0 }, ""},
		{"architecture", func(r *release.Release, _ *release.Device) { r.Requires.Architectures = []string{"amd64"} }, "amd64"},
		{"base not carried", func(r *release.Release, _ *release.Device) { *r = withHead(*r, "lamps"); r.Base.Full = nil }, "does not have"},
		{"base is here", func(r *release.Release, d *release.Device) {
			*r = withHead(*r, "lamps")
			r.Base.Full = nil
			d.Has = func(b digest.Digest) bool { return b == named("b") }
		}, ""},
	} {
		r, d := numbered(1), device
		c.change(&r, &d)
		err := r.Fits(d)
		if (err == nil) != (c.why == "") || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", c.name, err, c.why)
		}
		if err != nil && !errors.As(err, new(release.Unfit)) {
			t.Errorf("%s: %T", c.name, err)
		}
	}
}

func TestNewest(t *testing.T) {
	d := release.Device{ID: "d", Task: "lamps", Base: named("a")}
	halted, low, old := numbered(4), numbered(3), numbered(2)
	halted.Rollout.Halted = "too many rollbacks"
	low.Rollout.Percent = release.Bucket("d", "") // not below itself
	c := channel(numbered(1), old, low, halted)
	if r, ok, why := c.Newest(d, 0); !ok || r.Number != 2 || why != nil {
		t.Errorf("release %d, %v, %v; want 2", r.Number, why, ok)
	}
	if _, ok, why := c.Newest(d, 2); ok || why == nil || !strings.Contains(why.Error(), "too many rollbacks") {
		t.Errorf("after 2: %v, %v; want the halt", why, ok)
	}
	if _, ok, why := c.Newest(d, 4); ok || why != nil {
		t.Errorf("after the last: %v, %v", why, ok)
	}
}

// Each device has one place, and the places are spread evenly.
func TestBucket(t *testing.T) {
	const n = 20000
	var tenths [10]int
	for i := range n {
		b := release.Bucket(fmt.Sprint("device-", i), "release 7")
		if b < 0 || b >= 100 || b != release.Bucket(fmt.Sprint("device-", i), "release 7") {
			t.Fatal(b)
		}
		tenths[int(b/10)]++
	}
	for i, got := range tenths {
		if got < n/10*9/10 || got > n/10*11/10 { // more than four standard deviations
			t.Errorf("tenth %d has %d of %d devices", i, got, n)
		}
	}
	if release.Bucket("a", "1") == release.Bucket("a", "2") {
		t.Error("the salt does not matter")
	}
	if got, want := release.Bucket("d", "s"), 4.9812; math.Abs(got-want) > 1e-4 {
		t.Errorf("Bucket is %v, was %v: devices would change places", got, want)
	}
}
