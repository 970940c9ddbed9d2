package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/publish"
)

func TestInit(t *testing.T) {
	r, _, c := newRepository(t)
	d := newDevice(t, r, c.Now)
	d.sees("stable")
	d.sees("canary")
	if got := files(t, filepath.Join(r.Public(), "metadata")); !slices.Equal(got, []string{"1.root.json", "1.snapshot.json", "1.targets.json", "root.json", "timestamp.json"}) {
		t.Errorf("metadata: %v", got)
	}
	st, err := r.Status(t.Context())
	must(t, err)
	if len(st.Roles) != 4 || len(st.Channels) != 2 || st.Files != 2 || len(st.Staged) != 0 {
		t.Errorf("status: %+v", st)
	}
	lives := map[publish.Role]int{publish.Root: 365, publish.Targets: 180, publish.Snapshot: 30, publish.Timestamp: 7}
	for _, role := range st.Roles {
		if want := c.now.AddDate(0, 0, lives[role.Role]); !role.Expires.Equal(want) || role.Soon || role.Expired || role.Threshold != 1 || !role.Keys[0].Signed {
			t.Errorf("%+v, want %v", role, want)
		}
	}
	// Past its life it is refused; the refusal says why.
	c.forward(7*24*time.Hour + time.Second)
	if _, err := d.client(); !errors.Is(err, &metadata.ErrExpiredMetadata{}) {
		t.Errorf("after a week: %v", err)
	}
	if _, err := publish.Init(t.Context(), r.Dir(), publish.InitOptions{}); !errors.Is(err, publish.ErrThere) || hint.Of(err) == "" {
		t.Errorf("again: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := publish.Open(t.TempDir(), publish.KeyRing{}); err == nil || hint.Of(err) == "" {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := publish.Open("", publish.KeyRing{}); err == nil {
		t.Error("no folder")
	}
	r, k, _ := newRepository(t)
	path := filepath.Join(r.Dir(), "publish.yaml")
	text, err := os.ReadFile(path)
	must(t, err)
	for name, change := range map[string]func(string) string{
		"unknown key": func(s string) string { return s + "secret: 1\n" },
		"format":      func(s string) string { return strings.Replace(s, "format: 1", "format: 2", 1) },
		"life":        func(s string) string { return strings.Replace(s, "timestamp: 7d", "timestamp: 7x", 1) },
		"short life":  func(s string) string { return strings.Replace(s, "timestamp: 7d", "timestamp: 1s", 1) },
		"reference":   func(s string) string { return strings.Replace(s, "env:ROOT", "http://keys", 1) },
		"role":        func(s string) string { return strings.Replace(s, "role: root", "role: king", 1) },
	} {
		changed := change(string(text))
		if changed == string(text) {
			t.Fatalf("%s: nothing changed in\n%s", name, text)
		}
		must(t, os.WriteFile(path, []byte(changed), 0o600))
		if _, err := publish.Open(r.Dir(), k.ring()); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

// Who changes what was signed is told, and nothing is built on it.
func TestDamage(t *testing.T) {
	for _, name := range []string{"1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "channel"} {
		r, _, _ := newRepository(t)
		path := filepath.Join(r.Public(), "metadata", name)
		if name == "channel" {
			found, err := filepath.Glob(filepath.Join(r.Public(), "targets", "channels", "*.stable.json"))
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			path = found[0]
		}
		data, err := os.ReadFile(path)
		must(t, err)
		must(t, os.WriteFile(path, []byte(strings.Replace(string(data), "203", "204", 1)), 0o600))
		if _, err := r.Status(t.Context()); !errors.Is(err, publish.ErrDamaged) || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := r.Refresh(t.Context()); !errors.Is(err, publish.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		must(t, os.Remove(path))
		if _, err := r.Status(t.Context()); !errors.Is(err, publish.ErrDamaged) {
			t.Errorf("%s is missing: %v", name, err)
		}
	}
}
