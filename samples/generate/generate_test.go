package main

import (
	"bytes"
	"crypto/sha256"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// committedSeed is the seed of the pictures in this repository.
const committedSeed = 1

// A few pictures are made again and compared with the committed files: to the byte where arithmetic and encoder
// are the same, else within what differently rounded sums may do to a picture.
func TestCommittedPicturesAreReproducible(t *testing.T) {
	exact := true
	switch {
	case fuses(1+1.0/(1<<27), -(1 + 1.0/(1<<26))):
		exact = false
		t.Logf("%s fuses multiplications and additions: pixels are compared, not bytes", runtime.GOARCH)
	case !strings.HasPrefix(runtime.Version(), "go1.26"):
		exact = false
		t.Logf("%s may have another JPEG encoder than go1.26: pixels are compared, not bytes", runtime.Version())
	}
	want := map[string]bool{"lamp_green/s000_a.jpg": true, "level_low/s142_b.jpg": true, "valve_closed/s224_a.jpg": true}
	for _, p := range plan() {
		name := p.class + "/" + p.name
		if !want[name] {
			continue
		}
		delete(want, name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			committed, err := os.ReadFile(filepath.Join("..", p.class, p.name))
			if err != nil {
				t.Fatal(err)
			}
			made, err := p.make(committedSeed, fullPaths)
			if err != nil {
				t.Fatal(err)
			}
			a, b := sha256.Sum256(made), sha256.Sum256(committed)
			if exact && a != b {
				t.Errorf("sha256 %x, committed %x; differs by %.2f grey levels on average", a, b, difference(t, made, committed))
			}
			if !exact && difference(t, made, committed) > 1.5 {
				t.Errorf("differs by %.2f grey levels on average from the committed picture", difference(t, made, committed))
			}
		})
	}
	if len(want) > 0 {
		t.Errorf("not in the plan: %v", want)
	}
}

// fuses tells whether a*a + c is computed with a single rounding here.
//
//go:noinline
func fuses(a, c float64) bool { return a*a+c != 0 }

// difference returns the mean absolute difference of two JPEG files, in grey levels.
func difference(t *testing.T, a, b []byte) float64 {
	t.Helper()
	var grey [2][]float64
	for i, data := range [][]byte{a, b} {
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if m.Bounds() != image.Rect(0, 0, side, side) {
			t.Fatalf("bounds %v", m.Bounds())
		}
		for y := range side {
			for x := range side {
				r, g, b, _ := m.At(x, y).RGBA()
				grey[i] = append(grey[i], float64(r+g+b)/3/257)
			}
		}
	}
	sum := 0.0
	for i := range grey[0] {
		sum += math.Abs(grey[0][i] - grey[1][i])
	}
	return sum / float64(len(grey[0]))
}

// The folder beside the generator holds exactly what is planned, and stays small.
func TestCommittedSetIsComplete(t *testing.T) {
	planned, scenes := map[string]bool{}, map[int]string{}
	perClass := map[string]int{}
	for _, p := range plan() {
		name := filepath.Join("..", p.class, p.name)
		if planned[name] {
			t.Errorf("%s is planned twice", name)
		}
		planned[name] = true
		perClass[p.class]++
		if c, ok := scenes[p.scene]; ok && c != p.class {
			t.Errorf("scene %d is in %s and %s", p.scene, c, p.class)
		}
		scenes[p.scene] = p.class
	}
	if len(perClass) != 10 {
		t.Errorf("%d classes, want 10", len(perClass))
	}
	for class, n := range perClass {
		if n != 40 {
			t.Errorf("%s has %d pictures, want 40", class, n)
		}
	}
	files, err := filepath.Glob("../*/*.jpg")
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, name := range files {
		if !planned[name] {
			t.Errorf("%s is in no plan", name)
		}
		delete(planned, name)
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	for name := range planned {
		t.Errorf("%s is missing", name)
	}
	if total > 3_000_000 {
		t.Errorf("the pictures take %d bytes, want at most 3 MB", total)
	}
}

// Frames of a burst show one scene, but are no copies.
func TestBurstFramesDiffer(t *testing.T) {
	var frames [2][]byte
	for i := range frames {
		var err error
		if frames[i], err = (shot{scene: 2, frame: i}).make(committedSeed, 1); err != nil {
			t.Fatal(err)
		}
	}
	if d := difference(t, frames[0], frames[1]); d < 0.5 || d > 40 {
		t.Errorf("frames differ by %.1f grey levels", d)
	}
}

func TestLog2(t *testing.T) {
	for _, x := range []float64{1e-6, 0.3, 0.5, 0.999, 1, 1.5, 2, 3.7, 1024, 1e9} {
		if got, want := log2(x), math.Log2(x); math.Abs(got-want) > 1e-9 {
			t.Errorf("log2(%g) = %.12f, want %.12f", x, got, want)
		}
	}
}

// Distances must never say much more than the truth, or rays step through surfaces.
func TestShapesDoNotOverstateDistance(t *testing.T) {
	shapes := map[string]shape{
		"disc": disc(0.5, 0.3, 0.05), "ring": ring(0.4, 0.6, 0.3, 0.03), "slab": slab(0.5, 0.4, 0.3, 0.1, 0.03),
		"nut": nut(0.5, 0.2), "dome": dome(0.5, 0.3), "pipe": pipe(0.6, 0.2, 0.02),
		"cable": cable{from: 0.2, bend: 0.3, radius: 0.1, end: 0.3, ripple: 0.012}.shape(),
	}
	for name, f := range shapes {
		t.Run(name, func(t *testing.T) {
			r := stream(3)
			for range 2000 {
				p := vec{r.in(-1, 1), r.in(-1, 1), r.in(0, 1)}
				q := p.add(vec{r.gauss(), r.gauss(), r.gauss()}.mul(0.1))
				if d := f(p); d > 0 && f(q) < 0 && d > 1.08*p.sub(q).len() {
					t.Fatalf("at %v the surface is within %.3f, the shape says %.3f", p, p.sub(q).len(), d)
				}
			}
		})
	}
}
