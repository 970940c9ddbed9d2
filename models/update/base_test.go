package update

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/tflite/delta"
	"github.com/edge-adapt/edge/tflite/file"
)

// embedded is the base that edge brings along.
func embedded(t testing.TB) []byte {
	data, err := os.ReadFile(filepath.Join("..", "base", "mobilenet_v2_0.35_128.tflite"))
	must(t, err)
	return data
}

// tuned is a base whose last large constant moved a little.
func tuned(t testing.TB, parent []byte, seed uint64) []byte {
	child := bytes.Clone(parent)
	m, err := file.Parse(child)
	must(t, err)
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range m.Main().Tensors {
		tensor := &m.Main().Tensors[i]
		values, ok := tensor.Float32s()
		if !ok || !tensor.Constant() || len(values) < 10_000 {
			continue
		}
		for k, v := range values {
			binary.LittleEndian.PutUint32(tensor.Data[4*k:], math.Float32bits(v+float32(random.NormFloat64()*1e-3)))
		}
		return child
	}
	t.Fatal("no large constant")
	return nil
}

// addDelta makes the way from a parent to a base a target.
func (r *repo) addDelta(b *release.Base, parent, child []byte) []byte {
	change, err := delta.Diff(parent, child)
	must(r.t, err)
	r.addWay(b, digest.Of(parent), change)
	return change
}

func (r *repo) addWay(b *release.Base, from digest.Digest, change []byte) {
	target := "deltas/" + from.Hex() + "-" + b.Digest.Hex() + ".delta"
	b.Deltas = append(b.Deltas, release.Delta{From: from, File: *r.addFile(target, change)})
}

// family is a repository with a base that was tuned, whose parent a store has.
type family struct {
	*repo
	*server
	*device
	store         *models.Store
	parent, child []byte
	base          release.Base
	change        []byte
}

func newFamily(t *testing.T) *family {
	f := &family{repo: newRepo(t), parent: embedded(t)}
	f.child = tuned(t, f.parent, 1)
	f.base = f.addBase("tuned", f.child)
	f.change = f.addDelta(&f.base, f.parent, f.child)
	store, err := models.Open(t.TempDir())
	must(t, err)
	f.store = store
	f.server = serve(t, f.repo.dir)
	f.device = newDevice(t, f.pinned(), over(t, f.server))
	return f
}

func (f *family) has(data []byte) {
	must(f.device.t, f.store.PutBlob(f.device.t.Context(), bytes.NewReader(data), digest.Of(data), int64(len(data))))
}

// takes publishes, checks and gets the base. It returns what was asked for of the
// targets, without the hashes.
func (f *family) takes() ([]string, int64) {
	t := f.device.t
	t.Helper()
	f.addChannel("stable", start, f.base)
	f.publish()
	f.finds(1)
	f.requests()
	if err := f.Base(t.(*testing.T).Context(), f.store, f.base, nil); err != nil {
		t.Fatal(err)
	}
	path, err := f.store.BlobPath(f.base.Digest)
	must(t, err)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, f.child) {
		t.Fatalf("%d bytes in the store, %v", len(got), err)
	}
	for _, dir := range []string{"files", "parts"} {
		if left, _ := os.ReadDir(f.at.path(dir)); len(left) > 0 {
			t.Errorf("left in %s: %v", dir, left)
		}
	}
	asked, sent := f.requests()
	var kinds []string
	for _, a := range asked {
		kinds = append(kinds, strings.Split(a, "/")[1])
	}
	return kinds, sent
}

func TestBaseComesAsDelta(t *testing.T) {
	f := newFamily(t)
	f.has(f.parent)
	asked, sent := f.takes()
	if strings.Join(asked, " ") != "deltas" || sent != int64(len(f.change)) {
		t.Errorf("asked for %q, %d bytes; the delta has %d", asked, sent, len(f.change))
	}
	t.Logf("a delta of %d bytes for a base of %d", len(f.change), len(f.child))
	if asked, _ := f.takes(); len(asked) > 0 {
		t.Errorf("it is in the store, and %q is asked for", asked)
	}
}

func TestBaseComesByTheShortestDelta(t *testing.T) {
	f := newFamily(t)
	near := tuned(t, f.child, 2)
	far := tuned(t, near, 3)
	f.addDelta(&f.base, near, f.child)
	f.addWay(&f.base, digest.Of(far), append(f.change, f.change...)) // longer, and none
	f.has(f.parent)
	f.has(near)
	f.has(far)
	if asked, sent := f.takes(); len(asked) != 1 || sent > int64(len(f.change)) {
		t.Errorf("asked for %q, %d bytes", asked, sent)
	}
}

func TestBaseComesWhole(t *testing.T) {
	for name, change := range map[string]func(f *family){
		"no parent here": func(*family) {},
		"too large":      func(f *family) { f.has(f.parent); f.cfg.DeltaLimit = 1000 },
		"parent damaged": func(f *family) {
			f.has(f.parent)
			path, err := f.store.BlobPath(digest.Of(f.parent))
			must(f.device.t, err)
			must(f.device.t, os.Chmod(path, 0o600))
			damage(f.device.t.(*testing.T), path, 5000)
		},
		"delta to another base": func(f *family) {
			f.has(f.parent)
			other, err := delta.Diff(f.parent, tuned(f.device.t, f.parent, 9))
			must(f.device.t, err)
			f.base.Deltas = nil
			f.addWay(&f.base, digest.Of(f.parent), other)
		},
		"no delta": func(f *family) {
			f.has(f.parent)
			f.base.Deltas = nil
			f.addWay(&f.base, digest.Of(f.parent), []byte("garbage"))
		},
		"delta missing": func(f *family) {
			f.has(f.parent)
			d := f.base.Deltas[0]
			must(f.device.t, os.Remove(filepath.Join(f.repo.dir, targetName(d.Target, d.Digest, true))))
		},
		"nearly all of it is here": func(f *family) {
			f.has(f.parent)
			f.addChannel("stable", start, f.base)
			f.publish()
			f.finds(1)
			p, err := f.at.openPart(f.device.t.(*testing.T).Context(), f.base.Digest, f.base.Bytes)
			must(f.device.t, err)
			must(f.device.t, p.resume())
			must(f.device.t, p.add(f.child[:len(f.child)-100]))
			p.close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFamily(t)
			change(f)
			if asked, _ := f.takes(); len(asked) == 0 || asked[len(asked)-1] != "bases" {
				t.Errorf("asked for %q", asked)
			}
		})
	}
}

func TestBaseThatIsNotCarried(t *testing.T) {
	f := newFamily(t)
	f.base.Full = nil
	if err := f.Base(t.Context(), f.store, f.base, nil); !errors.Is(err, ErrNotThere) {
		t.Errorf("no way leads to it: %v", err)
	}
	f.has(f.parent)
	if err := f.Base(t.Context(), f.store, f.base, nil); !errors.Is(err, ErrUnchecked) {
		t.Errorf("before a check: %v", err)
	}
}

func TestBaseThatIsDamagedInTheStore(t *testing.T) {
	f := newFamily(t)
	f.has(f.child)
	path, err := f.store.BlobPath(f.base.Digest)
	must(t, err)
	must(t, os.Chmod(path, 0o600))
	damage(t, path, 5000)
	if err := f.Base(t.Context(), f.store, f.base, nil); !errors.Is(err, models.ErrDamaged) {
		t.Errorf("%v", err)
	}
}

func TestBaseNeedsRoom(t *testing.T) {
	f := newFamily(t)
	f.addChannel("stable", start, f.base)
	f.publish()
	f.finds(1)
	f.cfg.Reserve = 1 << 60
	f.requests()
	if err := f.Base(t.Context(), f.store, f.base, nil); !errors.Is(err, ErrSpace) {
		t.Errorf("%v", err)
	}
	if asked, _ := f.requests(); len(asked) > 0 {
		t.Errorf("asked for %q", asked)
	}
}
