package update

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// noise is n bytes that cannot be compressed.
func noise(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data) //nolint:errcheck // it never fails
	return data
}

// offered is a device that has checked a channel with one file to fetch.
func offered(t testing.TB, data []byte) (*repo, *server, *device, release.File) {
	r := newRepo(t)
	b := r.addBase("big", data)
	r.addChannel("stable", start, b)
	r.publish()
	s := serve(t, r.dir)
	d := newDevice(t, r.pinned(), over(t, s))
	d.finds(1)
	s.requests()
	return r, s, d, *b.Full
}

func (d *device) gets(f release.File, want []byte) {
	d.t.Helper()
	path, err := d.Fetch(d.t.Context(), f, nil)
	if err != nil {
		d.t.Fatal(err, hint.Of(err))
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		d.t.Fatalf("%d bytes, %v; want %d", len(got), err, len(want))
	}
	if left, _ := filepath.Glob(filepath.Join(d.dir, "parts", "*")); len(left) > 0 {
		d.t.Fatalf("left over: %q", left)
	}
}

// breaking serves data, and breaks off after each n bytes.
func breaking(data []byte, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(&brittle{ResponseWriter: w, left: n}, r, "", start, bytes.NewReader(data))
	}
}

type brittle struct {
	http.ResponseWriter
	left int
}

func (b *brittle) Write(p []byte) (int, error) {
	n, err := b.ResponseWriter.Write(p[:min(len(p), b.left)])
	if b.left -= n; b.left == 0 {
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func TestFetch(t *testing.T) {
	data := noise(3<<20 + 5)
	r, s, d, f := offered(t, data)
	var steps []int64
	path, err := d.Fetch(t.Context(), f, func(done, total int64) {
		if total != f.Bytes || len(steps) > 0 && done < steps[len(steps)-1] {
			t.Errorf("%d of %d after %v", done, total, steps)
		}
		steps = append(steps, done)
	})
	must(t, err)
	if path != filepath.Join(d.dir, "files", f.Digest.Hex()) || len(steps) < 2 || steps[len(steps)-1] != f.Bytes {
		t.Errorf("%s, %v", path, steps)
	}
	s.requests()
	d.gets(f, data)
	if asked, _ := s.requests(); len(asked) > 0 {
		t.Errorf("it is there, and %q is asked for", asked)
	}
	must(t, os.WriteFile(path, []byte("damaged"), 0o600))
	d.gets(f, data)
	d.open(r.pinned(), over(t, s))
	if _, err := d.Fetch(t.Context(), f, nil); !errors.Is(err, ErrUnchecked) {
		t.Errorf("before a check: %v", err)
	}
}

func TestFetchGoesOn(t *testing.T) {
	data := noise(6 << 20)
	for name, serve := range map[string]func(http.ResponseWriter, *http.Request){
		"with ranges": breaking(data, 1<<20),
		"without": func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			breaking(data, 6<<20+1)(w, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, s, d, f := offered(t, data)
			target := targetName(f.Target, f.Digest, true)
			s.handle(target, breaking(data, 700_000))
			ctx, cancel := context.WithCancel(t.Context())
			_, err := d.Fetch(ctx, f, func(done, _ int64) {
				if done > 5<<20 {
					cancel()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			s.handle(target, serve)
			s.requests()
			d.open(r.pinned(), over(t, s))
			d.finds(1)
			s.requests()
			var first int64 = -1
			_, err = d.Fetch(t.Context(), f, func(done, _ int64) {
				if first < 0 {
					first = done
				}
			})
			must(t, err)
			if first < 5<<20 {
				t.Errorf("went on from byte %d", first)
			}
			if asked, sent := s.requests(); name == "with ranges" && sent > 1<<20 {
				t.Errorf("%d bytes were sent again: %q", sent, asked)
			}
			d.gets(f, data)
		})
	}
}

// What is left of a part, after a kill and after a power cut.
func TestFetchAfterAnInterruption(t *testing.T) {
	data := noise(9 << 20)
	const marked, written = 4 << 20, 6 << 20
	reboot := func(t *testing.T, _, mark string) {
		text, err := os.ReadFile(mark)
		must(t, err)
		must(t, os.WriteFile(mark, bytes.ReplaceAll(text, []byte(boot()), []byte("another")), 0o600))
	}
	for name, c := range map[string]struct {
		harm func(t *testing.T, part, mark string)
		from int // it goes on
	}{
		"kill":             {func(*testing.T, string, string) {}, written},
		"power cut":        {reboot, marked},
		"zeros at the end": {func(t *testing.T, part, mark string) { damage(t, part, 5<<20); reboot(t, part, mark) }, marked},
		"damaged":          {func(t *testing.T, part, _ string) { damage(t, part, 10) }, 0},
		"cut short":        {func(t *testing.T, part, _ string) { must(t, os.Truncate(part, 100)) }, 0},
		"no mark":          {func(t *testing.T, _, mark string) { must(t, os.Remove(mark)) }, 0},
		"torn mark":        {func(t *testing.T, _, mark string) { must(t, os.WriteFile(mark, []byte(`{"bytes": 7`), 0o600)) }, 0},
		"longer":           {func(t *testing.T, part, mark string) { must(t, os.Truncate(part, 20<<20)); reboot(t, part, mark) }, marked},
	} {
		t.Run(name, func(t *testing.T) {
			_, s, d, f := offered(t, data)
			parts := filepath.Join(d.dir, "parts", f.Digest.Hex())
			p, err := d.at.openPart(t.Context(), f.Digest, f.Bytes)
			must(t, err)
			must(t, p.resume())
			must(t, p.add(data[:marked]))
			must(t, p.add(data[marked:written]))
			if p.sure != marked {
				t.Fatalf("marked %d", p.sure)
			}
			p.close()
			c.harm(t, parts+".part", parts+".mark")
			d.gets(f, data)
			if _, sent := s.requests(); sent != int64(len(data)-c.from) {
				t.Errorf("%d bytes were sent, want %d", sent, len(data)-c.from)
			}
		})
	}
}

func damage(t *testing.T, path string, at int64) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(make([]byte, 4096), at)
	must(t, err)
	must(t, f.Close())
}

func TestFetchByManyAtOnce(t *testing.T) {
	data := noise(2 << 20)
	r, s, d, f := offered(t, data)
	var all sync.WaitGroup
	for range 4 {
		other := &device{t: t, dir: d.dir, now: start, synchronised: true}
		other.open(r.pinned(), over(t, s))
		other.finds(1)
		for range 2 {
			all.Go(func() {
				if _, err := other.Fetch(t.Context(), f, nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	d.gets(f, data)
	if _, sent := s.requests(); sent > 3<<20 {
		t.Errorf("%d bytes were sent", sent)
	}
}

func TestFetchWhileAnotherHoldsIt(t *testing.T) {
	_, _, d, f := offered(t, noise(100))
	p, err := d.at.openPart(t.Context(), f.Digest, f.Bytes)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 30e6)
	defer cancel()
	if _, err := d.Fetch(ctx, f, nil); !errors.Is(err, ErrBusy) || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
	must(t, d.Clean()) // leaves it alone
	if _, err := os.Stat(d.at.path(p.name)); err != nil {
		t.Error(err)
	}
	p.close()
	d.gets(f, noise(100))
}

func TestFetchLooksAtTheRoomFirst(t *testing.T) {
	_, s, d, f := offered(t, noise(1000))
	d.cfg.Reserve = 1 << 60
	if _, err := d.Fetch(t.Context(), f, nil); !errors.Is(err, ErrSpace) || !strings.Contains(hint.Of(err), "free some space") {
		t.Errorf("%v", err)
	}
	if asked, _ := s.requests(); len(asked) > 0 {
		t.Errorf("asked for %q", asked)
	}
}

func TestFetchRefusesWhatIsNotListed(t *testing.T) {
	_, s, d, f := offered(t, noise(1000))
	other, longer, unlisted := f, f, f
	other.Digest = digest.Of([]byte("other"))
	longer.Bytes++
	unlisted.Target = "bases/../../x"
	for _, bad := range []release.File{other, longer, unlisted} {
		if _, err := d.Fetch(t.Context(), bad, nil); !errors.Is(err, ErrMixed) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if asked, _ := s.requests(); len(asked) > 0 {
		t.Errorf("asked for %q", asked)
	}
}

func TestClean(t *testing.T) {
	r, s, d, f := offered(t, noise(1000))
	second := r.addBase("second", noise(2000))
	r.addChannel("stable", start, second)
	r.publish()
	d.finds(1)
	d.gets(f, noise(1000))
	d.gets(*second.Full, noise(2000))
	for _, name := range []string{"parts/" + strings.Repeat("0", 64) + ".part", "parts/torn.mark.new", "metadata/0123456789abcdef/root.json"} {
		must(t, os.MkdirAll(filepath.Dir(d.at.path(name)), 0o700))
		must(t, os.WriteFile(d.at.path(name), []byte("old"), 0o600))
	}
	must(t, d.Clean(second.Digest))
	var left []string
	for _, pattern := range []string{"parts/*", "files/*", "metadata/*"} {
		names, _ := filepath.Glob(d.at.path(pattern))
		left = append(left, names...)
	}
	if want := []string{d.at.path("files/" + second.Digest.Hex()), d.at.path(d.trust)}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
	s.requests()
	d.finds(1)
}
