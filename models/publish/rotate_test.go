package publish_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/models/publish"
)

func TestRefresh(t *testing.T) {
	r, k, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	version := func(role publish.Role) int64 { return status(t, r, role).Version }
	d.sees("stable")
	c.forward(5 * 24 * time.Hour)
	must(t, r.Refresh(t.Context()))
	if version(publish.Timestamp) != 2 || version(publish.Snapshot) != 1 {
		t.Errorf("timestamp %d, snapshot %d", version(publish.Timestamp), version(publish.Snapshot))
	}
	// The snapshot is due; the keys of the others are away, as they should be.
	delete(k, "ROOT")
	delete(k, "TARGETS")
	reopened, err := publish.Open(r.Dir(), k.ring(), publish.Clock(c.Now))
	must(t, err)
	r = reopened
	c.forward(17 * 24 * time.Hour)
	must(t, r.Refresh(t.Context()))
	if version(publish.Timestamp) != 3 || version(publish.Snapshot) != 2 || version(publish.Targets) != 1 {
		t.Error("the snapshot was not renewed")
	}
	d.sees("stable")
	c.forward(120 * 24 * time.Hour)
	must(t, r.Refresh(t.Context()))
	if st := status(t, r, publish.Targets); !st.Soon || st.Version != 1 {
		t.Errorf("%+v", st)
	}
	d.sees("stable") // the device was away for months
	// Asked for, targets waits for its key, and the timestamp is renewed meanwhile.
	if err := r.Refresh(t.Context(), publish.Targets); !errors.Is(err, publish.ErrWaiting) {
		t.Errorf("%v", err)
	}
	must(t, r.Refresh(t.Context()))
	if st, err := r.Status(t.Context()); err != nil || len(st.Staged) != 1 || st.Roles[3].Version != 5 {
		t.Errorf("%+v, %v", st, err)
	}
	d.sees("stable")
}

func status(t testing.TB, r *publish.Repository, role publish.Role) publish.RoleStatus {
	t.Helper()
	st, err := r.Status(t.Context())
	must(t, err)
	for _, s := range st.Roles {
		if s.Role == role {
			return s
		}
	}
	t.Fatal("no " + role)
	return publish.RoleStatus{}
}

// Every role's key is rotated, and devices of the first day follow.
func TestRotate(t *testing.T) {
	for _, role := range publish.Roles() {
		t.Run(string(role), func(t *testing.T) {
			r, k, c := newRepository(t)
			d, late := newDevice(t, r, c.Now), newDevice(t, r, c.Now)
			addBase(t, r, 0, publish.AddOptions{})
			d.sees("stable", 1)
			old := status(t, r, role).Keys[0].ID
			must(t, r.Rotate(t.Context(), role, publish.Rotation{Add: []publish.KeySpec{k.make(t, "NEW")}, Remove: []string{old[:8]}}))
			if st := status(t, r, role); len(st.Keys) != 1 || st.Keys[0].ID == old || !st.Keys[0].Signed || status(t, r, publish.Root).Version != 2 {
				t.Errorf("%+v", st)
			}
			d.sees("stable", 1)
			late.sees("stable", 1)
			delete(k, strings.ToUpper(string(role)))
			again, err := publish.Open(r.Dir(), k.ring(), publish.Clock(c.Now))
			must(t, err)
			addBase(t, again, 1, publish.AddOptions{})
			must(t, again.Refresh(t.Context(), publish.Roles()...))
			d.sees("stable", 1, 2)
			late.sees("stable", 1, 2)
			newDevice(t, again, c.Now).sees("stable", 1, 2)
		})
	}
}

// A key that is lost is replaced without its signature.
func TestRotateLostKey(t *testing.T) {
	for _, role := range []publish.Role{publish.Targets, publish.Snapshot, publish.Timestamp} {
		r, k, c := newRepository(t)
		d := newDevice(t, r, c.Now)
		addBase(t, r, 0, publish.AddOptions{})
		d.sees("stable", 1)
		delete(k, strings.ToUpper(string(role)))
		r, err := publish.Open(r.Dir(), k.ring(), publish.Clock(c.Now))
		must(t, err)
		must(t, r.Rotate(t.Context(), role, publish.Rotation{Add: []publish.KeySpec{k.make(t, "NEW")}, Remove: []string{status(t, r, role).Keys[0].ID}}))
		addBase(t, r, 1, publish.AddOptions{})
		d.sees("stable", 1, 2)
	}
}

func TestRotateMakesAKey(t *testing.T) {
	r, k, c := newRepository(t)
	k[publish.PassphraseVariable] = "correct horse"
	must(t, r.Rotate(t.Context(), publish.Timestamp, publish.Rotation{}))
	info, err := os.Stat(filepath.Join(r.Dir(), "keys", "timestamp-2.pem"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	again, err := publish.Open(r.Dir(), k.ring(), publish.Clock(c.Now))
	must(t, err)
	must(t, again.Refresh(t.Context()))
	newDevice(t, r, c.Now).sees("stable")
	for name, o := range map[string]publish.Rotation{
		"no such key":         {Remove: []string{"zz"}},
		"none left":           {Remove: []string{status(t, r, publish.Targets).Keys[0].ID}},
		"any key":             {Remove: []string{""}},
		"threshold":           {Threshold: 2},
		"key of another role": {Add: []publish.KeySpec{{Reference: "env:ROOT"}}},
		"no reference":        {Add: []publish.KeySpec{{Reference: "ROOT"}}},
		"no key":              {Add: []publish.KeySpec{{Reference: "env:NONE"}}},
		"command":             {Add: []publish.KeySpec{{Reference: "exec:true"}}},
	} {
		if err := r.Rotate(t.Context(), publish.Targets, o); err == nil || errors.Is(err, publish.ErrWaiting) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v := status(t, r, publish.Root).Version; v != 2 {
		t.Errorf("root %d", v)
	}
}

// apart is a repository whose targets need two of three keys, which are never in
// one place, and whose root key is somewhere else again.
func apart(t *testing.T) (r *publish.Repository, place func(names ...string) *publish.Repository, d *device) {
	t.Helper()
	k, c := keys{}, newClock()
	o := k.options(t, c)
	o.Roles[publish.Targets] = publish.RoleKeys{Keys: []publish.KeySpec{k.make(t, "A"), k.make(t, "B"), k.make(t, "C")}, Threshold: 2}
	r, err := publish.Init(t.Context(), t.TempDir(), o)
	must(t, err)
	place = func(names ...string) *publish.Repository {
		here := keys{}
		for _, name := range names {
			here[name] = k[name]
		}
		r, err := publish.Open(r.Dir(), here.ring(), publish.Clock(c.Now))
		must(t, err)
		return r
	}
	return r, place, newDevice(t, r, c.Now)
}

func TestSignApart(t *testing.T) {
	_, place, d := apart(t)
	online := place("A", "SNAPSHOT", "TIMESTAMP")
	base := &publish.BaseFile{Path: baseFile(t, 0), Name: "base", Preprocessing: small(), Features: 4}
	rel, err := online.Add(t.Context(), publish.AddOptions{Base: base})
	var p *publish.Pending
	if rel.Number != 1 || !errors.As(err, &p) || *p != (publish.Pending{Role: publish.Targets, Version: 2, Have: 1, Want: 2}) {
		t.Fatalf("release %d, %v", rel.Number, err)
	}
	d.sees("stable")
	for name, err := range map[string]error{
		"halt": online.Halt(t.Context(), "", 1, "x"), "channel": online.Channel(t.Context(), "x"), "sign": online.Sign(t.Context(), ""),
	} {
		if !errors.Is(err, publish.ErrWaiting) {
			t.Errorf("%s meanwhile: %v", name, err)
		}
	}
	must(t, online.Refresh(t.Context()))
	d.sees("stable")
	if st, err := online.Status(t.Context()); err != nil || len(st.Staged) != 1 || st.Staged[0] != (publish.StagedStatus{Role: publish.Targets, Version: 2, Have: 1, Want: 2}) {
		t.Errorf("%+v, %v", st.Staged, err)
	}
	// In the drawer there is no key of the snapshot: it goes back to be published.
	if err := place("C").Sign(t.Context(), publish.Targets); !errors.As(err, &p) || p.Role != publish.Snapshot {
		t.Errorf("%v", err)
	}
	d.sees("stable")
	must(t, online.Sign(t.Context(), ""))
	d.sees("stable", 1)
	if err := online.Sign(t.Context(), ""); !errors.Is(err, publish.ErrNothing) {
		t.Errorf("again: %v", err)
	}
	if left := files(t, filepath.Join(online.Dir(), "staged")); len(left) > 0 {
		t.Errorf("still staged: %v", left)
	}
	// Thrown away, nothing was.
	if err := online.Channel(t.Context(), "nightly"); !errors.Is(err, publish.ErrWaiting) {
		t.Errorf("%v", err)
	}
	must(t, online.Discard(t.Context()))
	both := place("B", "C", "SNAPSHOT", "TIMESTAMP")
	must(t, both.Rollout(t.Context(), "", 1, 10))
	if got := d.sees("stable", 1); got.Releases[0].Rollout.Percent != 10 {
		t.Errorf("%+v", got)
	}
	if _, err := d.channel("nightly"); err == nil {
		t.Error("the channel that was thrown away is there")
	}
}

// Two sign copies at the same time, and both signatures count.
func TestSignCopies(t *testing.T) {
	r, place, d := apart(t)
	nobody := place("SNAPSHOT", "TIMESTAMP")
	if err := nobody.Channel(t.Context(), "nightly"); !errors.Is(err, publish.ErrWaiting) {
		t.Fatal(err)
	}
	staged := filepath.Join(r.Dir(), "staged", "targets.json")
	unsigned, err := os.ReadFile(staged)
	must(t, err)
	copies := []string{}
	for _, name := range []string{"A", "B"} {
		must(t, os.WriteFile(staged, unsigned, 0o600))
		if err := place(name).Sign(t.Context(), publish.Targets); !errors.Is(err, publish.ErrWaiting) {
			t.Fatal(err)
		}
		data, err := os.ReadFile(staged)
		must(t, err)
		path := filepath.Join(t.TempDir(), name)
		must(t, os.WriteFile(path, data, 0o600))
		copies = append(copies, path)
	}
	must(t, os.WriteFile(staged, unsigned, 0o600))
	// A signature that is none is not taken over.
	forged := filepath.Join(t.TempDir(), "forged")
	m, err := metadata.Targets().FromFile(copies[0])
	must(t, err)
	m.Signatures[0].Signature[5]++
	must(t, m.ToFile(forged, false))
	if err := nobody.Sign(t.Context(), "", forged, copies[1]); !errors.Is(err, publish.ErrWaiting) {
		t.Errorf("forged: %v", err)
	}
	if err := nobody.Sign(t.Context(), "", filepath.Join(r.Public(), "metadata", "1.targets.json")); err == nil || errors.Is(err, publish.ErrWaiting) {
		t.Errorf("no copy: %v", err)
	}
	must(t, nobody.Sign(t.Context(), "", copies...))
	d.sees("nightly")
}

// A new root whose key is elsewhere waits, and devices follow when it is signed.
func TestRotateApart(t *testing.T) {
	r, place, d := apart(t)
	online := place("A", "B", "SNAPSHOT", "TIMESTAMP")
	key := filepath.Join(t.TempDir(), "new.pem")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	must(t, os.WriteFile(key, []byte(plainPEM(t, private)), 0o600))
	rotation := publish.Rotation{Add: []publish.KeySpec{{Reference: "file:" + key}}, Remove: []string{status(t, r, publish.Timestamp).Keys[0].ID}}
	var p *publish.Pending
	if err := online.Rotate(t.Context(), publish.Timestamp, rotation); !errors.As(err, &p) || p.Role != publish.Root {
		t.Fatal(err)
	}
	d.sees("stable")
	must(t, online.Refresh(t.Context()))
	if err := place("ROOT").Sign(t.Context(), publish.Root); err != nil && !errors.Is(err, publish.ErrWaiting) {
		t.Fatal(err)
	}
	if err := online.Sign(t.Context(), ""); err != nil && !errors.Is(err, publish.ErrNothing) {
		t.Fatal(err)
	}
	d.sees("stable")
	if st := status(t, r, publish.Timestamp); st.Keys[0].Type != "ecdsa" || status(t, r, publish.Root).Version != 2 {
		t.Errorf("%+v", st)
	}
}

func TestLocked(t *testing.T) {
	r, k, c := newRepository(t)
	other, err := publish.Open(r.Dir(), k.ring(), publish.Clock(c.Now))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	base := &publish.BaseFile{Path: baseFile(t, 0), Name: "base", Preprocessing: small(), Features: 4}
	g := generation(t, base.Path)
	_, err = r.Add(t.Context(), publish.AddOptions{Generation: &g, Score: func(inner context.Context, b, h string, p [][]float32) ([][]float32, error) {
		if err := other.Refresh(ctx); !errors.Is(err, publish.ErrLocked) {
			t.Errorf("another process: %v", err)
		}
		if err := r.Refresh(ctx); !errors.Is(err, publish.ErrLocked) {
			t.Errorf("another goroutine: %v", err)
		}
		return score(inner, b, h, p)
	}})
	must(t, err)
	must(t, other.Refresh(t.Context()))
}
