package publish_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/tflite/file"
)

// clock is the time of a test.
type clock struct{ now time.Time }

func newClock() *clock                   { return &clock{time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)} }
func (c *clock) Now() time.Time          { return c.now }
func (c *clock) forward(d time.Duration) { c.now = c.now.Add(d) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// keys is an environment with keys, which a test can take away.
type keys map[string]string

func (k keys) ring() publish.KeyRing {
	return publish.KeyRing{Getenv: func(name string) string { return k[name] }}
}

// make makes a plain key in a variable: deriving keys of passphrases takes long.
func (k keys) make(t testing.TB, name string) publish.KeySpec {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	k[name] = plainPEM(t, private)
	return publish.KeySpec{Reference: "env:" + name}
}

func plainPEM(t testing.TB, private any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// options are those of a repository whose roles have one key each, ROOT, TARGETS,
// SNAPSHOT and TIMESTAMP.
func (k keys) options(t testing.TB, c *clock) publish.InitOptions {
	t.Helper()
	o := publish.InitOptions{Keys: k.ring(), Roles: map[publish.Role]publish.RoleKeys{}, Options: []publish.Option{publish.Clock(c.Now)}}
	for _, role := range publish.Roles() {
		o.Roles[role] = publish.RoleKeys{Keys: []publish.KeySpec{k.make(t, strings.ToUpper(string(role)))}}
	}
	return o
}

// newRepository is a repository with keys in the environment.
func newRepository(t testing.TB) (*publish.Repository, keys, *clock) {
	t.Helper()
	k, c := keys{}, newClock()
	r, err := publish.Init(t.Context(), t.TempDir(), k.options(t, c))
	must(t, err)
	return r, k, c
}

// device is a client of go-tuf's own, with the root of its first day.
type device struct {
	t    testing.TB
	dir  string // of the repository's public part
	root []byte
	seen string // its cache
	now  func() time.Time
}

func newDevice(t testing.TB, r *publish.Repository, now func() time.Time) *device {
	t.Helper()
	root, err := os.ReadFile(filepath.Join(r.Public(), "metadata", "root.json"))
	must(t, err)
	return &device{t: t, dir: r.Public(), root: root, seen: ramDir(t), now: now}
}

// DownloadFile lets the client read the folder.
func (d *device) DownloadFile(url string, limit int64, _ time.Duration) ([]byte, error) {
	path := filepath.Join(d.dir, filepath.FromSlash(strings.TrimPrefix(url, "repository:///")))
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, &metadata.ErrDownloadHTTP{StatusCode: 404, URL: url}
	}
	if err == nil && int64(len(data)) > limit {
		err = &metadata.ErrDownloadLengthMismatch{Msg: url}
	}
	return data, err
}

// client verifies all metadata.
func (d *device) client() (*updater.Updater, error) {
	cfg, err := config.New("repository:///metadata", d.root)
	must(d.t, err)
	cfg.Fetcher = d
	cfg.RemoteTargetsURL = "repository:///targets"
	cfg.LocalMetadataDir, cfg.LocalTargetsDir = filepath.Join(d.seen, "metadata"), filepath.Join(d.seen, "targets")
	u, err := updater.New(cfg)
	if err != nil {
		return nil, err
	}
	u.UnsafeSetRefTime(d.now())
	return u, u.Refresh()
}

// fetch returns a verified target.
func (d *device) fetch(u *updater.Updater, target string) ([]byte, error) {
	info, err := u.GetTargetInfo(target)
	if err != nil {
		return nil, err
	}
	_, data, err := u.DownloadTarget(info, filepath.Join(d.seen, "target"), "")
	return data, err
}

// channel verifies everything a channel leads to, and returns it.
func (d *device) channel(name string) (release.Channel, error) {
	u, err := d.client()
	if err != nil {
		return release.Channel{}, err
	}
	data, err := d.fetch(u, release.Target(name))
	if err != nil {
		return release.Channel{}, err
	}
	c, err := release.Parse(data, name)
	if err != nil {
		return release.Channel{}, err
	}
	for _, rel := range c.Releases {
		for _, f := range rel.Targets() {
			data, err := d.fetch(u, f.Target)
			if rel.Revoked != "" && err != nil {
				continue
			}
			if err != nil {
				return c, fmt.Errorf("release %d: %w", rel.Number, err)
			}
			if digest.Of(data) != f.Digest || int64(len(data)) != f.Bytes {
				return c, fmt.Errorf("release %d: %s is another file", rel.Number, f.Target)
			}
		}
	}
	return c, nil
}

// sees asks for the numbers of the releases in a channel.
func (d *device) sees(name string, want ...int) release.Channel {
	d.t.Helper()
	c, err := d.channel(name)
	if err != nil {
		d.t.Fatal(err)
	}
	var got []int
	for _, rel := range c.Releases {
		got = append(got, rel.Number)
	}
	if !slices.Equal(got, want) {
		d.t.Fatalf("channel %s has releases %v, want %v", name, got, want)
	}
	return c
}

func small() pixel.Preprocessing {
	return pixel.Preprocessing{Width: 8, Height: 8, Colour: "rgb", Scale: 1.0 / 255, Resize: pixel.Bilinear}
}

// baseFile writes a base that differs by seed in the values of some constants, and
// returns its path. Seed 0 is the one they all come from.
func baseFile(t testing.TB, seed int) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "tflite", "file", "testdata", "squeezenet.tflite"))
	must(t, err)
	m, err := file.Parse(data)
	must(t, err)
	if seed > 0 {
		changed := 0
		for _, tensor := range slices.Backward(m.Main().Tensors) {
			values, ok := tensor.Float32s()
			if !ok || !tensor.Constant() || changed == 2 {
				continue
			}
			changed++
			for i, v := range values {
				binary.LittleEndian.PutUint32(tensor.Data[4*i:], math.Float32bits(v+float32(seed)*1e-4))
			}
		}
	}
	path := filepath.Join(t.TempDir(), fmt.Sprintf("base-%d.tflite", seed))
	must(t, os.WriteFile(path, data, 0o600))
	return path
}

// generation is a stored generation on that base, with a file that shows pictures.
func generation(t testing.TB, base string) models.Generation {
	t.Helper()
	s := teststore.New(t)
	b := s.File(base, 4, small())
	b.Name = filepath.Base(base)
	n := s.Commit("lamps", b, head.New(4, 0, 3, 1), []string{"dark", "bright", "broken"}, map[string][]byte{
		"report.html": []byte("<img>"), "calibration.json": []byte("{}"),
	})
	g, err := s.Generation("lamps", n)
	must(t, err)
	return g
}

func bundleFile(t testing.TB, g models.Generation) string {
	t.Helper()
	var b bytes.Buffer
	must(t, bundle.Write(t.Context(), &b, g))
	path := filepath.Join(t.TempDir(), "bundle.tar")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	return path
}

// score is a made-up head.
func score(_ context.Context, _, _ string, pictures [][]float32) ([][]float32, error) {
	out := make([][]float32, len(pictures))
	for i, p := range pictures {
		out[i] = []float32{p[0], p[1] * (1 - p[0]), 0}
	}
	return out, nil
}

func addBase(t testing.TB, r *publish.Repository, seed int, o publish.AddOptions) release.Release {
	t.Helper()
	o.Base = &publish.BaseFile{Path: baseFile(t, seed), Name: fmt.Sprint("base ", seed), Preprocessing: small(), Features: 4}
	rel, err := r.Add(t.Context(), o)
	must(t, err)
	return rel
}

// files lists what is below dir, with sizes.
func files(t testing.TB, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, rel)
		}
		return err
	}))
	return all
}
