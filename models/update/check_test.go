package update

import (
	"archive/tar"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// fleet is a repository with a release, its server, and a device that has seen it.
func fleet(t testing.TB) (*repo, *server, *device) {
	r := newRepo(t)
	r.addChannel("stable", start, r.addBase("one", []byte("base one")))
	r.publish()
	s := serve(t, r.dir)
	d := newDevice(t, r.pinned(), over(t, s))
	d.finds(1)
	return r, s, d
}

// release publishes releases up to that number.
func (r *repo) release(number int, updated time.Time) {
	base := r.addBase("one", []byte("base one"))
	r.addChannel("stable", updated, slices.Repeat([]release.Base{base}, number)...)
	r.publish()
}

func TestCheckAsksForWhatIsNewAlone(t *testing.T) {
	r, s, d := fleet(t)
	s.requests()
	d.finds(1)
	if asked, _ := s.requests(); !slices.Equal(asked, []string{"metadata/2.root.json", "metadata/timestamp.json"}) {
		t.Errorf("nothing new: asked for %q", asked)
	}
	r.release(2, start.Add(time.Hour))
	d.finds(2)
	if asked, _ := s.requests(); len(asked) != 5 {
		t.Errorf("something new: asked for %q", asked)
	}
	// Another start of the program knows what the first one knew.
	d.open(r.pinned(), over(t, s))
	d.finds(2)
	if asked, _ := s.requests(); len(asked) != 2 {
		t.Errorf("another start: asked for %q", asked)
	}
	if c, err := d.Last(); err != nil || len(c.Releases) != 2 {
		t.Errorf("last: %v, %v", c, err)
	}
	if roles := d.Trusted(); len(roles) != 4 || roles[1].Version != 4 || !roles[1].Expires.Equal(start.Add(7*day)) {
		t.Errorf("trusted: %+v", roles)
	}
	if st, err := ReadState(d.dir); err != nil || !st.Checked.Equal(start.Add(time.Hour)) || st.LastError != "" {
		t.Errorf("state: %+v, %v", st, err)
	}
}

func TestChecksWithoutHashesInMetadata(t *testing.T) {
	r := newRepo(t)
	r.hashes = false
	r.addChannel("stable", start)
	r.publish()
	d := newDevice(t, r.pinned(), over(t, serve(t, r.dir)))
	d.finds(0)
	r.release(1, start)
	d.finds(1)
}

func TestRotatedKeys(t *testing.T) {
	r, s, d := fleet(t)
	for i, role := range roles[1:] { // several new roots, which a device takes one after the other
		r.rotate(role)
		r.release(i+2, start)
	}
	d.finds(4)
	one := r.keys[metadata.ROOT][0]
	must(t, r.root.Signed.RevokeKey(one.id, metadata.ROOT))
	r.trust(metadata.ROOT, newSigner(t))
	r.root.Signed.Version++
	r.writeRoot() // signed by the old key too
	r.release(5, start)
	d.finds(5)
	if got := d.Trusted()[0].Version; got != 5 {
		t.Errorf("root %d, want 5", got)
	}
	// Where the newest root was lost, the way from the pinned one is walked again.
	must(t, os.WriteFile(d.at.path(filepath.Join(d.trust, "root.json")), []byte("torn"), 0o600))
	d.open(r.pinned(), over(t, s))
	d.finds(5)
}

// Whatever of the kept metadata is damaged is fetched again.
func TestKeptMetadataIsDamaged(t *testing.T) {
	r, s, d := fleet(t)
	for _, role := range append(roles, "channels/stable") {
		for _, content := range []string{"", "{", "null", `{"signed": {"_type": "timestamp", "meta": {"snapshot.json": null}}}`} {
			must(t, os.WriteFile(d.at.path(filepath.Join(d.trust, role+".json")), []byte(content), 0o600))
			d.open(r.pinned(), over(t, s))
			d.finds(1)
		}
	}
}

func TestSourcesAgree(t *testing.T) {
	r, s, _ := fleet(t)
	archive := filepath.Join(t.TempDir(), "pack.tar")
	pack(t, archive, r.dir)
	fromTar, err := Tar(archive)
	must(t, err)
	fromDir, err := Dir(r.dir)
	must(t, err)
	parent := t.TempDir()
	must(t, os.Symlink(r.dir, filepath.Join(parent, "public")))
	fromParent, err := Dir(parent)
	must(t, err)
	for name, source := range map[string]Source{"http": over(t, s), "dir": fromDir, "tar": fromTar, "folder above": fromParent} {
		d := newDevice(t, r.pinned(), source)
		if n, err := d.newest(); err != nil || n != 1 {
			t.Errorf("%s: release %d, %v", name, n, err)
		}
		whole, err := readSmall(t.Context(), source, "metadata/timestamp.json", 1<<20)
		if err != nil || string(whole) != string(r.read("metadata/timestamp.json")) {
			t.Errorf("%s: %v", name, err)
		}
		body, size, err := source.Open(t.Context(), "metadata/timestamp.json", 10)
		if err != nil || size != int64(len(whole)) {
			t.Fatalf("%s: %d, %v", name, size, err)
		}
		rest := make([]byte, 5)
		if _, err := body.Read(rest); err != nil || string(rest) != string(whole[10:15]) {
			t.Errorf("%s: %q from byte 10, %v", name, rest, err)
		}
		body.Close()
		if _, _, err := source.Open(t.Context(), "metadata/9.root.json", 0); !errors.Is(err, ErrNotThere) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: what is not there gives %v", name, err)
		}
		for _, bad := range []string{"../x", "/etc/passwd", "metadata/../../x", "keys/root", "metadata/a\\b", "metadata/"} {
			if _, _, err := source.Open(t.Context(), bad, 0); err == nil {
				t.Errorf("%s: opens %q", name, bad)
			}
		}
	}
}

// pack writes a repository as an archive.
func pack(t testing.TB, path, dir string) {
	f, err := os.Create(path)
	must(t, err)
	w := tar.NewWriter(f)
	must(t, w.AddFS(os.DirFS(dir)))
	must(t, w.Close())
	must(t, f.Close())
}

func TestUnknownChannel(t *testing.T) {
	r, s, d := fleet(t)
	c, err := New(Config{Dir: d.dir, Root: r.pinned(), Channel: "canary", Source: over(t, s), Clock: d.clock, Retry: quickRetry})
	must(t, err)
	defer c.Close()
	_, err = c.Check(t.Context())
	if !errors.Is(err, ErrNotThere) || !strings.Contains(hint.Of(err), "stable") {
		t.Errorf("%v (%s)", err, hint.Of(err))
	}
	if st, err := ReadState(d.dir); err != nil || st.LastReason != "not-there" || st.LastError == "" {
		t.Errorf("state: %+v, %v", st, err)
	}
}

func TestNewRefuses(t *testing.T) {
	r, _, _ := fleet(t)
	source, err := Dir(r.dir)
	must(t, err)
	for name, c := range map[string]Config{
		"no folder":  {Root: r.pinned(), Channel: "stable", Source: source},
		"no source":  {Dir: "x", Root: r.pinned(), Channel: "stable"},
		"no root":    {Dir: "x", Channel: "stable", Source: source},
		"no channel": {Dir: "x", Root: r.pinned(), Source: source},
		"other root": {Dir: "x", Root: r.read("metadata/timestamp.json"), Channel: "stable", Source: source},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNothingOutlivesAClient(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	_, s, d := fleet(t)
	s.handle("metadata/timestamp.json", func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.Check(ctx); err == nil {
		t.Error("a server that says nothing: no error")
	}
	must(t, d.Close())
	s.Close()
}
