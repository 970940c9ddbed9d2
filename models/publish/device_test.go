package publish_test

import (
	"bytes"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/update"
)

// follower is a device as edge has it.
func follower(t *testing.T, r *publish.Repository, c *clock, source func() (update.Source, error)) *update.Client {
	t.Helper()
	s, err := source()
	must(t, err)
	root, err := os.ReadFile(filepath.Join(r.Public(), "metadata", "1.root.json"))
	must(t, err)
	dir := filepath.Join(t.TempDir(), "update")
	u, err := update.New(update.Config{
		Dir: dir, Root: root, Channel: "stable", Source: s, Reserve: -1,
		Clock: update.NewClock(update.ClockConfig{Dir: dir, System: c.Now, Synchronised: func() bool { return true }}),
	})
	must(t, err)
	t.Cleanup(func() { u.Close() })
	return u
}

// What is published arrives, by each way that devices have: a server, a folder, and
// a packed file.
func TestDevicesFollow(t *testing.T) {
	r, k, c := newRepository(t)
	server := httptest.NewServer(&publish.Server{Dir: r.Public()})
	defer server.Close()
	first := addBase(t, r, 0, publish.AddOptions{Percent: 100})
	g := generation(t, baseFile(t, 1))
	second, err := r.Add(t.Context(), publish.AddOptions{Generation: &g, Percent: 100, Score: score})
	must(t, err)
	var packed bytes.Buffer
	_, err = r.Pack(t.Context(), &packed, publish.PackOptions{Valid: 60 * 24 * time.Hour})
	must(t, err)
	stick := filepath.Join(t.TempDir(), "stick.tar")
	must(t, os.WriteFile(stick, packed.Bytes(), 0o600))
	online := func() (update.Source, error) { return update.HTTP(update.HTTPConfig{URL: server.URL}) }
	for name, source := range map[string]func() (update.Source, error){
		"server": online,
		"folder": func() (update.Source, error) { return update.Dir(r.Public()) },
		"file":   func() (update.Source, error) { return update.Tar(stick) },
	} {
		u := follower(t, r, c, source)
		got, err := u.Check(t.Context())
		if err != nil || len(got.Releases) != 2 {
			t.Errorf("%s: %d releases, %v", name, len(got.Releases), err)
			continue
		}
		s, err := models.Open(t.TempDir())
		must(t, err)
		must(t, u.Base(t.Context(), s, got.Releases[0].Base, nil))
		must(t, u.Base(t.Context(), s, got.Releases[1].Base, nil)) // by the delta
		if path, err := s.BlobPath(second.Base.Digest); err != nil {
			t.Errorf("%s: %s, %v", name, path, err)
		}
		if _, err := u.Fetch(t.Context(), *got.Releases[1].Head, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	u := follower(t, r, c, online)
	_, err = u.Check(t.Context())
	must(t, err)
	// Keys change, releases are revoked, time passes: it follows.
	for _, role := range publish.Roles() {
		must(t, r.Rotate(t.Context(), role, publish.Rotation{Add: []publish.KeySpec{k.make(t, "NEW_"+string(role))}, Remove: []string{status(t, r, role).Keys[0].ID}}))
		if _, err := u.Check(t.Context()); err != nil {
			t.Errorf("after a new key of %s: %v", role, err)
		}
	}
	must(t, r.Revoke(t.Context(), "", first.Number, "bad"))
	if got, err := u.Check(t.Context()); err != nil || got.Releases[0].Revoked != "bad" {
		t.Errorf("%+v, %v", got, err)
	}
	c.forward(8 * 24 * time.Hour)
	if _, err := u.Check(t.Context()); !errors.Is(err, update.ErrExpired) {
		t.Errorf("after a week without a refresh: %v", err)
	}
	must(t, r.Refresh(t.Context()))
	if _, err := u.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
