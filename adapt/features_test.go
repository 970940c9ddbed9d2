package adapt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// meanBase is a base of one feature: the mean of the pixels. It counts.
type meanBase struct {
	calls int
	err   error
}

func (b *meanBase) Embed(dst, pixels []float32) error {
	b.calls++
	var sum float32
	for _, v := range pixels {
		sum += v
	}
	dst[0] = sum / float32(len(pixels))
	return b.err
}

// memoryCache is a FeatureCache that forgets at the end.
type memoryCache struct {
	mu   sync.Mutex
	rows map[digest.Digest]float32
	err  error
}

func (c *memoryCache) Get(image digest.Digest, dst []float32) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.rows[image]
	dst[0] = v
	return ok, c.err
}

func (c *memoryCache) Put(image digest.Digest, features []float32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows[image] = features[0]
	return c.err
}

func newExtractor(b Base) *Extractor {
	return &Extractor{
		Base: b, Features: 1, Workers: 3,
		Preprocessing: pixel.Preprocessing{Width: 4, Height: 4, Colour: "rgb", Scale: 1, Resize: "bilinear"},
	}
}

// writeGrey writes a picture of one grey level.
func writeGrey(t *testing.T, path string, level uint8) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 8, 6))
	for i := range img.Pix {
		img.Pix[i] = level
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// greys makes two classes of n pictures each, all of different levels.
func greys(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		writeGrey(t, filepath.Join(dir, "dark", fmt.Sprintf("%03d.png", i)), uint8(i))
		writeGrey(t, filepath.Join(dir, "light", fmt.Sprintf("%03d.png", i)), uint8(255-i))
	}
	return dir
}

func list(t *testing.T, dir string) *Dataset {
	t.Helper()
	d, err := List(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestExtractOncePerImage(t *testing.T) {
	dir := greys(t, 20)
	cache := &memoryCache{rows: map[digest.Digest]float32{}}
	for run, want := range []struct{ computed, hits int }{{40, 0}, {0, 40}, {1, 40}} {
		if run == 2 {
			writeGrey(t, filepath.Join(dir, "dark", "new.png"), 120)
		}
		b := &meanBase{}
		e := newExtractor(b)
		e.Cache = cache
		d := list(t, dir)
		steps := 0
		f, err := e.Extract(t.Context(), d, func(done, total int) {
			if steps++; done != steps || total != want.computed+want.hits {
				t.Errorf("progress %d of %d at step %d", done, total, steps)
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b.calls != want.computed || f.Computed != want.computed || f.Hits != want.hits {
			t.Errorf("run %d: %d through the base, %d computed, %d hits; want %+v", run, b.calls, f.Computed, f.Hits, want)
		}
		if err := d.Settle(SplitOptions{ValFraction: 0.2}); err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Samples {
			var level int
			if _, err := fmt.Sscanf(filepath.Base(s.Path), "%d.png", &level); err != nil {
				continue // new.png
			}
			if d.Labels[s.Label] == "light" {
				level = 255 - level
			}
			if row := f.Row(s.Digest); len(row) != 1 || math.Abs(float64(row[0])-float64(level)) > 1e-3 {
				t.Errorf("%s has features %v, want %d", s.Path, row, level)
			}
		}
	}
}

func TestExtractCopiesShareOneRow(t *testing.T) {
	dir := greys(t, 4)
	writeGrey(t, filepath.Join(dir, "dark", "copy.png"), 0)
	for _, name := range []string{"bad.png", "bad copy.png"} {
		if err := os.WriteFile(filepath.Join(dir, "dark", name), []byte("\x89PNG\r\n\x1a\n but no more"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := &meanBase{}
	d := list(t, dir)
	if _, err := newExtractor(b).Extract(t.Context(), d, nil, nil); err != nil {
		t.Fatal(err)
	}
	if b.calls != 8 {
		t.Errorf("%d images went through the base, want 8", b.calls)
	}
	if err := d.Settle(SplitOptions{ValFraction: 0.2}); err != nil {
		t.Fatal(err)
	}
	if len(d.Skipped) != 2 || len(d.Duplicates) != 1 || len(d.Samples) != 8 {
		t.Errorf("skipped %v, duplicates %v, %d samples", d.Skipped, d.Duplicates, len(d.Samples))
	}
}

func TestExtractGivesUpABrokenCache(t *testing.T) {
	b := &meanBase{}
	e := newExtractor(b)
	e.Cache = &memoryCache{rows: map[digest.Digest]float32{}, err: errors.New("disk on fire")}
	var warned []error
	f, err := e.Extract(t.Context(), list(t, greys(t, 10)), nil, func(err error) { warned = append(warned, err) })
	if err != nil || f.Computed != 20 {
		t.Errorf("%d computed, %v", f.Computed, err)
	}
	if len(warned) != 1 || !strings.Contains(warned[0].Error(), "disk on fire") {
		t.Errorf("warned %v, want once", warned)
	}
}

func TestExtractStops(t *testing.T) {
	dir := greys(t, 20)
	fire := errors.New("out of smoke")
	if _, err := newExtractor(&meanBase{err: fire}).Extract(t.Context(), list(t, dir), nil, nil); !errors.Is(err, fire) {
		t.Errorf("a failing base gave %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b := &meanBase{}
	_, err := newExtractor(b).Extract(ctx, list(t, dir), func(done, _ int) {
		if done == 5 {
			cancel()
		}
	}, nil)
	if !errors.Is(err, context.Canceled) || b.calls > 20 {
		t.Errorf("cancelled after 5 images: %v after %d", err, b.calls)
	}
}
