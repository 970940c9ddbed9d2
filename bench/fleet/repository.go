package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
)

// epoch is when every scenario begins.
var epoch = time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC)

const (
	day     = 24 * time.Hour
	channel = "stable"
)

// repository is a publisher's, whose time is a scenario's.
type repository struct {
	*publish.Repository
	now    time.Duration
	bases  []string // files, the embedded one first
	stamps []stamp
}

// newRepository makes one in a folder, with all bases but the last published for
// everybody, long ago.
func newRepository(ctx context.Context, dir string, bases [][]byte) (*repository, error) {
	r := &repository{now: -30 * day}
	for i, data := range bases {
		path := filepath.Join(dir, fmt.Sprintf("base-%d.tflite", i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
		r.bases = append(r.bases, path)
	}
	o := publish.InitOptions{
		Keys: publish.KeyRing{Getenv: keyOf}, Roles: map[publish.Role]publish.RoleKeys{},
		Options: []publish.Option{publish.Clock(func() time.Time { return epoch.Add(r.now) })},
	}
	for _, role := range publish.Roles() {
		o.Roles[role] = publish.RoleKeys{Keys: []publish.KeySpec{{Reference: "env:" + keyPrefix + string(role)}}}
	}
	var err error
	if r.Repository, err = publish.Init(ctx, filepath.Join(dir, "repository"), o); err != nil {
		return nil, err
	}
	for n := 1; n < len(bases)-1; n++ {
		if _, err := r.add(ctx, n, 100); err != nil {
			return nil, err
		}
	}
	r.now = -day
	if err := r.Refresh(ctx); err != nil {
		return nil, err
	}
	return r, r.stamp()
}

// add publishes the base of a number. Deltas lead to it from the embedded base, and
// from all that were published before.
func (r *repository) add(ctx context.Context, n int, percent float64) (release.Release, error) {
	return r.Add(ctx, publish.AddOptions{
		Base: &publish.BaseFile{
			Path: r.bases[n], Name: fmt.Sprintf("mobilenet_v2_0.35_128, tuned %d times", n), Features: 1280,
			Preprocessing: pixel.Preprocessing{Width: 128, Height: 128, Colour: "rgb", Resize: pixel.Bilinear, Scale: 1 / 127.5, Offset: -1},
		},
		Requires: release.Requires{Width: 128, Height: 128}, Channel: channel, Percent: percent, Salt: fmt.Sprint("release ", n),
		Parents: r.bases[:1],
	})
}

// stamp keeps the timestamp as it is from now on.
func (r *repository) stamp() error {
	data, err := os.ReadFile(filepath.Join(r.Public(), filepath.FromSlash(timestampName)))
	r.stamps = append(r.stamps, stamp{r.now, data})
	return err
}

// follow publishes what a scenario publishes, at its times. It returns the release,
// whose number is 0 if there is none.
func (r *repository) follow(ctx context.Context, s scenario) (coming release.Release, err error) {
	steps := s.Steps
	for r.now = 0; r.now <= s.Length; r.now += time.Second {
		switch {
		case len(steps) > 0 && r.now == steps[0].At:
			if coming.Number == 0 {
				coming, err = r.add(ctx, len(r.bases)-1, steps[0].Percent)
			} else {
				err = r.Rollout(ctx, channel, coming.Number, steps[0].Percent)
			}
			steps = steps[1:]
		case r.now%day == 12*time.Hour:
			err = r.Refresh(ctx)
		default:
			continue
		}
		if err == nil {
			err = r.stamp()
		}
		if err != nil {
			return coming, err
		}
	}
	return coming, nil
}

const keyPrefix = "FLEET_KEY_"

// keyOf returns the key of a role as a variable would hold it. It is made of the
// role's name, so that the repository always has the same bytes: nobody trusts it.
func keyOf(variable string) string {
	role, ok := strings.CutPrefix(variable, keyPrefix)
	if !ok {
		return ""
	}
	seed := sha256.Sum256([]byte("bench/fleet " + role))
	data, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: data}))
}
