package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/publish"
)

func TestRollout(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	ctx := t.Context()
	addBase(t, r, 0, publish.AddOptions{Channel: "canary", Percent: 5})
	salt := d.sees("canary", 1).Releases[0].Rollout.Salt
	c.forward(time.Hour)
	must(t, r.Rollout(ctx, "canary", 1, 50))
	if got := d.sees("canary", 1); got.Releases[0].Rollout.Percent != 50 || got.Releases[0].Rollout.Salt != salt || !got.Updated.Equal(c.now) {
		t.Errorf("%+v", got)
	}
	must(t, r.Promote(ctx, 1, "canary", "stable", 25))
	if got := d.sees("stable", 1); got.Releases[0].Rollout.Percent != 25 {
		t.Errorf("%+v", got)
	}
	must(t, r.Halt(ctx, "stable", 1, "3 of 5 devices rolled back"))
	must(t, r.Halt(ctx, "", 1, "again"))
	if got := d.sees("stable", 1).Releases[0].Rollout; got.Halted != "3 of 5 devices rolled back" {
		t.Errorf("%+v", got)
	}
	if got := d.sees("canary", 1).Releases[0].Rollout; got.Halted != "again" {
		t.Errorf("%+v", got)
	}
	if err := r.Rollout(ctx, "stable", 1, 100); !errors.Is(err, publish.ErrHalted) {
		t.Errorf("a halted one: %v", err)
	}
	must(t, r.Resume(ctx, "", 1))
	must(t, r.Rollout(ctx, "", 1, 100))
	d.sees("stable", 1)
	must(t, r.Channel(ctx, "nightly"))
	d.sees("nightly")
	// What changes nothing signs nothing.
	before, err := r.Status(ctx)
	must(t, err)
	must(t, r.Rollout(ctx, "", 1, 100))
	must(t, r.Resume(ctx, "stable", 1))
	if after, err := r.Status(ctx); err != nil || after.Roles[3].Version != before.Roles[3].Version {
		t.Errorf("timestamp %d, %d before (%v)", after.Roles[3].Version, before.Roles[3].Version, err)
	}
}

func TestRevoke(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	ctx := t.Context()
	shared := addBase(t, r, 0, publish.AddOptions{Percent: 100})
	bad := addBase(t, r, 1, publish.AddOptions{Percent: 100})
	must(t, r.Promote(ctx, 1, "stable", "canary", 100))
	must(t, r.Revoke(ctx, "stable", 2, "takes cats for dogs"))
	must(t, r.Revoke(ctx, "stable", 1, "and that one"))
	if got := d.sees("stable", 1, 2); got.Releases[1].Revoked != "takes cats for dogs" {
		t.Errorf("%+v", got.Releases[1])
	}
	u, err := d.client()
	must(t, err)
	if _, err := d.fetch(u, bad.Base.Full.Target); err == nil {
		t.Error("a revoked base is still signed")
	}
	if _, err := d.fetch(u, shared.Base.Full.Target); err != nil {
		t.Errorf("a base that another channel has: %v", err)
	}
	if err := r.Rollout(ctx, "stable", 2, 10); !errors.Is(err, publish.ErrRevoked) {
		t.Errorf("roll-out: %v", err)
	}
	if err := r.Promote(ctx, 2, "stable", "canary", 10); !errors.Is(err, publish.ErrRevoked) {
		t.Errorf("promote: %v", err)
	}
	// Its number is not given again.
	if rel := addBase(t, r, 3, publish.AddOptions{}); rel.Number != 3 {
		t.Errorf("number %d", rel.Number)
	}
}

func TestEditRefuses(t *testing.T) {
	r, _, _ := newRepository(t)
	ctx := t.Context()
	addBase(t, r, 0, publish.AddOptions{})
	addBase(t, r, 1, publish.AddOptions{Channel: "canary"})
	addBase(t, r, 2, publish.AddOptions{})
	for name, c := range map[string]struct {
		err  error
		want error
	}{
		"no release":        {r.Rollout(ctx, "stable", 9, 5), publish.ErrNotFound},
		"other channel":     {r.Halt(ctx, "canary", 1, "x"), publish.ErrNotFound},
		"nowhere":           {r.Resume(ctx, "", 9), publish.ErrNotFound},
		"no channel":        {r.Revoke(ctx, "none", 1, "x"), publish.ErrNotFound},
		"channel name":      {r.Channel(ctx, "Up"), nil},
		"channel there":     {r.Channel(ctx, "stable"), publish.ErrThere},
		"percent":           {r.Rollout(ctx, "stable", 1, -1), nil},
		"no reason":         {r.Halt(ctx, "", 1, ""), nil},
		"no reason either":  {r.Revoke(ctx, "", 1, ""), nil},
		"long reason":       {r.Halt(ctx, "", 1, strings.Repeat("x", 5000)), nil},
		"promote nothing":   {r.Promote(ctx, 9, "stable", "canary", 5), publish.ErrNotFound},
		"promote twice":     {r.Promote(ctx, 1, "stable", "stable", 5), publish.ErrThere},
		"promote in vain":   {r.Promote(ctx, 2, "canary", "stable", 5), nil},
		"promote nowhere":   {r.Promote(ctx, 2, "canary", "none", 5), publish.ErrNotFound},
		"promote to little": {r.Promote(ctx, 3, "stable", "canary", -5), nil},
	} {
		if c.err == nil || c.want != nil && !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	if st, err := r.Status(ctx); err != nil || st.Roles[3].Version != 4 {
		t.Errorf("timestamp %d after three releases, %v", st.Roles[3].Version, err)
	}
}

// Old versions and files that nobody names go; what devices are at stays.
func TestPrune(t *testing.T) {
	r, _, c := newRepository(t)
	addBase(t, r, 1, publish.AddOptions{Percent: 1})
	must(t, r.Revoke(t.Context(), "", 1, "gone"))
	addBase(t, r, 2, publish.AddOptions{Percent: 1})
	stray := filepath.Join(r.Public(), "targets", "index.html")
	must(t, os.WriteFile(stray, nil, 0o600))
	for i := range 20 {
		must(t, r.Rollout(t.Context(), "", 2, float64(2+i)))
	}
	newDevice(t, r, c.Now).sees("stable", 1, 2)
	meta := files(t, filepath.Join(r.Public(), "metadata"))
	if len(meta) != 16+16+3 {
		t.Errorf("%d files of metadata: %v", len(meta), meta)
	}
	if bases := files(t, filepath.Join(r.Public(), "targets", "bases")); len(bases) != 1 {
		t.Errorf("bases: %v", bases)
	}
	if channels := files(t, filepath.Join(r.Public(), "targets", "channels")); len(channels) != 16+1 {
		t.Errorf("%d channels: %v", len(channels), channels)
	}
	if _, err := os.Stat(stray); err != nil {
		t.Errorf("somebody else's file: %v", err)
	}
}
