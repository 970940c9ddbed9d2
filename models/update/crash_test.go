package update

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

// errCrashed is what everything returns once the process has ended.
var errCrashed = errors.New("the process has ended")

// rig lets one change of the disk go wrong.
type rig struct {
	steps   int
	at      int // the step that goes wrong, from 1; 0: none
	crash   bool
	lasting bool  // later ones that take space go wrong too
	err     error // that it gives
	failed  string
}

func (r *rig) before(op, path string) error {
	r.steps++
	switch {
	case r.steps == r.at:
		r.failed = op + " " + filepath.Base(path)
		return r.err
	case r.at > 0 && r.steps > r.at && r.crash:
		return errCrashed
	case r.at > 0 && r.steps > r.at && r.lasting && op != "remove" && op != "rename" && op != "sync folder":
		return r.err
	}
	return nil
}

// live is what a device does in its life: look who it is, check, get the base,
// note it. The rig may be nil.
func live(ctx context.Context, d *device, s *models.Store, g *rig) error {
	if g != nil {
		d.at.before, d.clock.at.before = g.before, g.before
	}
	if _, err := d.at.identity(ctx); err != nil {
		return err
	}
	c, err := d.Check(ctx)
	if err != nil {
		return err
	}
	newest := c.Releases[len(c.Releases)-1]
	if err := d.Base(ctx, s, newest.Base, nil); err != nil {
		return err
	}
	return d.at.changeState(ctx, func(st *State) {
		st.Tasks["lamps"] = TaskState{Release: newest.Number, Base: newest.Base.Digest, When: start}
	})
}

// lifetime is a device with release 1, and release 2 to come, for every trial anew.
type lifetime struct {
	repo     *repo
	server   *server
	one, two release.Base
	parent   []byte // of two
}

func newLifetime(t testing.TB) *lifetime {
	l := &lifetime{repo: newRepo(t), parent: embedded(t)}
	child := tuned(t, l.parent, 1)
	l.one, l.two = l.repo.addBase("one", noise(20_000)), l.repo.addBase("two", child)
	l.repo.addDelta(&l.two, l.parent, child)
	l.server = serve(t, l.repo.dir)
	return l
}

// begin is a device in a new folder that lives with release 1, where release 2 has
// come out.
func (l *lifetime) begin(t testing.TB) (*device, *models.Store) {
	d := newDevice(t, l.repo.pinned(), over(t, l.server))
	s, err := models.Open(filepath.Join(memoryDir(t), "store"))
	must(t, err)
	l.repo.addChannel("stable", start, l.one)
	l.repo.publish()
	must(t, live(t.Context(), d, s, nil))
	l.repo.addChannel("stable", start.Add(time.Hour), l.one, l.two)
	l.repo.publish()
	d.open(l.repo.pinned(), over(t, l.server))
	l.server.requests()
	return d, s
}

// keepParent puts the base that two was tuned from into the store.
func (l *lifetime) keepParent(t testing.TB, s *models.Store) {
	must(t, s.PutBlob(t.Context(), bytes.NewReader(l.parent), digest.Of(l.parent), int64(len(l.parent))))
}

// whole expects that everything is old or new.
func whole(t *testing.T, dir string, s *models.Store, bases ...release.Base) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "files"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		if d, _, err := digest.OfFile(filepath.Join(dir, "files", e.Name())); err != nil || d.Hex() != e.Name() {
			t.Fatalf("file %s holds %s, %v", e.Name(), d, err)
		}
	}
	st, err := ReadState(dir)
	if err != nil {
		t.Fatal(err)
	}
	lamps := st.Tasks["lamps"]
	for i, b := range bases {
		err := stored(s, b.Base)
		if lamps.Release == i+1 && (err != nil || lamps.Base != b.Digest) || errors.Is(err, models.ErrDamaged) {
			t.Fatalf("release %d is noted, base %d: %v", lamps.Release, i+1, err)
		}
	}
	if _, err := (folder{dir: dir}).readIdentity(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// TestCrashAtEveryStep ends the process ahead of every change of the disk that an
// update makes, or lets that change fail, and looks what the next life finds.
func TestCrashAtEveryStep(t *testing.T) {
	for name, c := range map[string]struct {
		rig   rig
		delta bool
	}{
		"killed":                {rig{crash: true, err: errCrashed}, false},
		"killed, with a delta":  {rig{crash: true, err: errCrashed}, true},
		"broken disk":           {rig{err: unix.EIO}, false},
		"full disk":             {rig{err: unix.ENOSPC, lasting: true}, false},
		"full disk, with delta": {rig{err: unix.ENOSPC, lasting: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, at := newLifetime(t), 1
			for l.try(t, c.rig, at, c.delta) {
				at++
			}
			t.Logf("%d steps", at-1)
			if at < 30 {
				t.Error("too few steps were seen")
			}
		})
	}
}

// try is a life in which one step goes wrong, and the next life. It reports whether
// there was such a step.
func (l *lifetime) try(t *testing.T, g rig, at int, delta bool) bool {
	d, s := l.begin(t)
	if delta {
		l.keepParent(t, s)
	}
	g.at = at
	err := live(t.Context(), d, s, &g)
	if g.steps < at {
		return false
	}
	// What a check notes of itself may be lost without a word.
	if err == nil && !strings.Contains(g.failed, "state") && !strings.Contains(g.failed, "clock") && g.failed != "sync folder ." {
		t.Errorf("%s went wrong, and nobody says so", g.failed)
	}
	if err != nil && !errors.Is(err, g.err) {
		t.Fatalf("%s went wrong with %v, and it says %v", g.failed, g.err, err)
	}
	if errors.Is(err, unix.ENOSPC) && Reason(err) != "space" {
		t.Fatalf("the reason is %q", Reason(err))
	}
	whole(t, d.at.dir, s, l.one, l.two)
	have := d.here(*l.two.Full)
	d.open(l.repo.pinned(), over(t, l.server))
	l.server.requests()
	if err := live(t.Context(), d, s, nil); err != nil {
		t.Fatalf("after %s went wrong: %v", g.failed, err)
	}
	whole(t, d.at.dir, s, l.one, l.two)
	if st, err := ReadState(d.at.dir); err != nil || st.Tasks["lamps"].Release != 2 {
		t.Fatalf("after %s: %+v, %v", g.failed, st, err)
	}
	if from := l.server.begins(targetName(l.two.Full.Target, l.two.Digest, true)); from >= 0 && from != have {
		t.Fatalf("after %s: %d bytes were here, it went on from %d", g.failed, have, from)
	}
	if left, _ := filepath.Glob(d.at.path("parts/*")); len(left) > 0 {
		t.Fatalf("after %s: left over %q", g.failed, left)
	}
	os.RemoveAll(d.at.dir)
	os.RemoveAll(s.Dir())
	return true
}

// TestCrashKeepsWhatHasCome fails at every step of a first life in which a base
// comes in many pieces: what has come stays.
func TestCrashKeepsWhatHasCome(t *testing.T) {
	data := noise(10 << 20)
	r, s, _, f := offered(t, data)
	for at := 1; at < 60; at += 3 {
		d := newDevice(t, r.pinned(), over(t, s))
		d.finds(1)
		g := &rig{at: at, lasting: true, err: unix.ENOSPC}
		d.at.before = g.before
		_, err := d.Fetch(t.Context(), f, nil)
		d.at.before = nil
		have := d.here(f)
		if g.failed == "" || err == nil {
			t.Fatalf("step %d of %d: %v", at, g.steps, err)
		}
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(hint.Of(err), "what was fetched is kept") {
			t.Fatalf("%s: %v (%s)", g.failed, err, hint.Of(err))
		}
		s.requests()
		d.gets(f, data)
		if from := s.begins(targetName(f.Target, f.Digest, true)); from != have && from >= 0 || from < 0 && have < f.Bytes {
			t.Errorf("after %s: %d bytes were here, it went on from %d", g.failed, have, from)
		}
		os.RemoveAll(d.at.dir)
	}
}
