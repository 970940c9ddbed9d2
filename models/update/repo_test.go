package update

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start is when every test begins.
var start = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// signer is a key of a repository.
type signer struct {
	id  string
	key ed25519.PrivateKey
}

func newSigner(t testing.TB) signer {
	public, key, err := ed25519.GenerateKey(nil)
	must(t, err)
	k, err := metadata.KeyFromPublicKey(public)
	must(t, err)
	id, err := k.ID()
	must(t, err)
	return signer{id, key}
}

func (s signer) public(t testing.TB) *metadata.Key {
	k, err := metadata.KeyFromPublicKey(s.key.Public())
	must(t, err)
	return k
}

// repo is a repository in the making, whose files are in dir. Root needs two of
// its three keys, the others one of one.
type repo struct {
	t         testing.TB
	dir       string
	keys      map[string][]signer
	root      *metadata.Metadata[metadata.RootType]
	targets   *metadata.Metadata[metadata.TargetsType]
	snapshot  *metadata.Metadata[metadata.SnapshotType]
	timestamp *metadata.Metadata[metadata.TimestampType]
	hashes    bool // of metadata in metadata
}

var roles = []string{metadata.ROOT, metadata.TARGETS, metadata.SNAPSHOT, metadata.TIMESTAMP}

func newRepo(t testing.TB) *repo {
	r := &repo{
		t: t, dir: t.TempDir(), keys: map[string][]signer{}, hashes: true,
		root: metadata.Root(start.Add(365 * day)), targets: metadata.Targets(start.Add(90 * day)),
		snapshot: metadata.Snapshot(start.Add(30 * day)), timestamp: metadata.Timestamp(start.Add(7 * day)),
	}
	for _, role := range roles {
		n := 1
		if role == metadata.ROOT {
			n = 3
		}
		for range n {
			r.trust(role, newSigner(t))
		}
	}
	r.root.Signed.Roles[metadata.ROOT].Threshold = 2
	r.writeRoot()
	r.publish()
	return r
}

// trust adds a key of a role to the root.
func (r *repo) trust(role string, s signer) {
	must(r.t, r.root.Signed.AddKey(s.public(r.t), role))
	r.keys[role] = append(r.keys[role], s)
}

// rotate gives a role another key, in a new root.
func (r *repo) rotate(role string) {
	for _, s := range r.keys[role] {
		must(r.t, r.root.Signed.RevokeKey(s.id, role))
	}
	r.keys[role] = nil
	r.trust(role, newSigner(r.t))
	r.root.Signed.Version++
	r.writeRoot()
}

func (r *repo) writeRoot() {
	r.write(fmt.Sprintf("%d.root", r.root.Signed.Version), r.signed(metadata.ROOT))
}

// signed returns the metadata of a role, signed by all its keys or by those given.
func (r *repo) signed(role string, by ...signer) []byte {
	if by == nil {
		by = r.keys[role]
	}
	switch role {
	case metadata.ROOT:
		return sign(r.t, r.root, by)
	case metadata.TARGETS:
		return sign(r.t, r.targets, by)
	case metadata.SNAPSHOT:
		return sign(r.t, r.snapshot, by)
	}
	return sign(r.t, r.timestamp, by)
}

func sign[T metadata.Roles](t testing.TB, m *metadata.Metadata[T], by []signer) []byte {
	payload, err := cjson.EncodeCanonical(m.Signed)
	must(t, err)
	m.ClearSignatures()
	for _, s := range by {
		m.Signatures = append(m.Signatures, metadata.Signature{KeyID: s.id, Signature: ed25519.Sign(s.key, payload)})
	}
	data, err := m.ToBytes(false)
	must(t, err)
	return data
}

func (r *repo) write(name string, data []byte) { r.writeFile("metadata/"+name+".json", data) }

func (r *repo) writeFile(name string, data []byte) {
	path := filepath.Join(r.dir, name)
	must(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(r.t, os.WriteFile(path, data, 0o644))
}

// add makes data a target.
func (r *repo) add(name string, data []byte) {
	t, err := metadata.TargetFile().FromBytes(name, data, "sha256")
	must(r.t, err)
	r.targets.Signed.Targets[name] = t
	r.writeFile(targetName(name, digest.Of(data), true), data)
}

// addFile makes data a target, and returns what a release says of it.
func (r *repo) addFile(target string, data []byte) *release.File {
	r.add(target, data)
	return &release.File{Target: target, Digest: digest.Of(data), Bytes: int64(len(data))}
}

// addBase makes a base of data a target, and returns it.
func (r *repo) addBase(name string, data []byte) release.Base {
	d := digest.Of(data)
	return release.Base{
		Base: models.Base{Name: name, Digest: d, Bytes: int64(len(data))}, Features: 4,
		Preprocessing: pixel.Preprocessing{Width: 128, Height: 128, Colour: "rgb", Scale: 1, Resize: pixel.Bilinear},
		Full:          r.addFile("bases/"+d.Hex()+".tflite", data),
	}
}

// addChannel makes a channel of these bases a target: release 1, 2, ….
func (r *repo) addChannel(name string, updated time.Time, bases ...release.Base) {
	c := release.Channel{Format: release.Format, Name: name, Updated: updated}
	for i, b := range bases {
		c.Releases = append(c.Releases, release.Release{Number: i + 1, Base: b, Rollout: release.Rollout{Percent: 100}})
	}
	data, err := c.Encode()
	must(r.t, err)
	r.add(release.Target(name), data)
}

// publish writes a new version of everything but the root.
func (r *repo) publish() {
	r.publishTargets()
	r.publishSnapshot()
	r.publishTimestamp()
}

func (r *repo) publishTargets() {
	r.targets.Signed.Version++
	data := r.signed(metadata.TARGETS)
	r.snapshot.Signed.Meta["targets.json"] = r.meta(r.targets.Signed.Version, data)
	r.write(fmt.Sprintf("%d.targets", r.targets.Signed.Version), data)
}

func (r *repo) publishSnapshot() {
	r.snapshot.Signed.Version++
	data := r.signed(metadata.SNAPSHOT)
	r.timestamp.Signed.Meta["snapshot.json"] = r.meta(r.snapshot.Signed.Version, data)
	r.write(fmt.Sprintf("%d.snapshot", r.snapshot.Signed.Version), data)
}

func (r *repo) publishTimestamp() {
	r.timestamp.Signed.Version++
	r.write(metadata.TIMESTAMP, r.signed(metadata.TIMESTAMP))
}

func (r *repo) meta(version int64, data []byte) *metadata.MetaFiles {
	m := metadata.MetaFile(version)
	if r.hashes {
		t, err := metadata.TargetFile().FromBytes("", data, "sha256")
		must(r.t, err)
		m.Length, m.Hashes = t.Length, t.Hashes
	}
	return m
}

// pinned is the first root.
func (r *repo) pinned() []byte { return r.read("metadata/1.root.json") }

func (r *repo) read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	must(r.t, err)
	return data
}

// server serves a folder, or what a test puts in the place of a file.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	dir      string
	handlers map[string]http.HandlerFunc
	asked    []string // names, and the range if there was one
	sent     int64    // bytes of contents
}

func serve(t testing.TB, dir string) *server {
	s := &server{dir: dir, handlers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(name+" "+r.Header.Get("Range")))
	handler, dir := s.handlers[name], s.dir
	s.mu.Unlock()
	counted := &counter{ResponseWriter: w, server: s}
	if handler != nil {
		handler(counted, r)
		return
	}
	http.ServeFile(counted, r, filepath.Join(dir, name))
}

func (s *server) handle(name string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[name] = h
}

// requests returns what was asked for since the last call, and how many bytes went
// out.
func (s *server) requests() ([]string, int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked, sent := s.asked, s.sent
	s.asked, s.sent = nil, 0
	return asked, sent
}

// begins returns the first byte of a file that was asked for since the last call of
// requests; -1 if none was.
func (s *server) begins(name string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		if rest, ok := strings.CutPrefix(a, name); ok {
			return firstByte(strings.TrimSpace(rest))
		}
	}
	return -1
}

// firstByte is where a range that goes to the end begins; without one it is 0.
func firstByte(header string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(header, "bytes="), "-"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

type counter struct {
	http.ResponseWriter
	server *server
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.server.mu.Lock()
	c.server.sent += int64(n)
	c.server.mu.Unlock()
	return n, err
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// device is a client with a clock that a test turns.
type device struct {
	*Client
	t            testing.TB
	dir          string
	now          time.Time
	synchronised bool
	also         func(error) // is told how each check of a test ended; nil: nobody is
}

// memoryDir returns an empty folder that goes with the test, in memory where there
// is such a thing: syncing a real disk hundreds of times would take a minute.
func memoryDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "edge-update-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// quick is patience and retries for tests.
var (
	quickPatience = Patience{Stall: 5 * time.Second, Window: 10 * time.Second, Rate: 1}
	quickRetry    = Retry{Tries: 3, Pause: time.Millisecond, Limit: 5 * time.Millisecond}
)

func newDevice(t testing.TB, root []byte, s Source) *device {
	d := &device{t: t, dir: filepath.Join(memoryDir(t), "state"), now: start, synchronised: true}
	d.open(root, s)
	return d
}

// open is a start of the device's program.
func (d *device) open(root []byte, s Source) {
	c, err := New(Config{
		Dir: d.dir, Root: root, Channel: "stable", Source: s, Retry: quickRetry, Reserve: -1,
		Clock: NewClock(ClockConfig{
			Dir: d.dir, Build: start.Add(-30 * day),
			System: func() time.Time { return d.now }, Synchronised: func() bool { return d.synchronised },
		}),
	})
	must(d.t, err)
	d.Client = c
	d.t.Cleanup(func() { c.Close() })
}

func over(t testing.TB, s *server) Source {
	source, err := HTTP(HTTPConfig{URL: s.URL, Patience: quickPatience})
	must(t, err)
	return source
}

// newest returns the number of the newest release that a check finds.
func (d *device) newest() (int, error) {
	c, err := d.check()
	if err != nil {
		return 0, err
	}
	if len(c.Releases) == 0 {
		return 0, nil
	}
	return c.Releases[len(c.Releases)-1].Number, nil
}

func (d *device) check() (release.Channel, error) {
	c, err := d.Check(d.t.Context())
	if d.also != nil {
		d.also(err)
	}
	return c, err
}

// finds checks, and expects a release.
func (d *device) finds(number int) {
	d.t.Helper()
	if n, err := d.newest(); err != nil || n != number {
		d.t.Fatalf("release %d, %v; want %d", n, err, number)
	}
}
