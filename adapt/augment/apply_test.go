package augment

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
)

// photo returns one of the samples.
func photo(t testing.TB, class string) *pixel.RGB {
	t.Helper()
	paths, err := filepath.Glob("../../samples/" + class + "/*.jpg")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples of %s: %v", class, err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	img, err := pixel.Decode(data, pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func painted(t testing.TB, img *pixel.RGB, p pixel.Preprocessing) *pixel.RGB {
	t.Helper()
	canvas := NewCanvas(p)
	if err := Paint(canvas, img); err != nil {
		t.Fatal(err)
	}
	return canvas
}

// applied returns what d makes of a canvas.
func applied(t testing.TB, d Draw, canvas *pixel.RGB, p pixel.Preprocessing) []float32 {
	t.Helper()
	dst := slices.Repeat([]float32{float32(math.NaN())}, p.Len())
	if err := d.Apply(dst, canvas, p); err != nil {
		t.Fatal(err)
	}
	return dst
}

// bytes is a preprocessing that leaves values as they are.
func bytes(width, height int) pixel.Preprocessing {
	return pixel.Preprocessing{Width: width, Height: height, Colour: "rgb", Scale: 1, Resize: "bilinear"}
}

// TestIdentity compares with the preprocessing that classify uses. The canvas
// is a second resampling, which softens and sharpens edges a little: on these
// photos by less than 3 of 255 on average. Where the canvas has the input's
// size only the rounding to bytes is left.
func TestIdentity(t *testing.T) {
	for _, class := range []string{"lamp_red", "level_low", "plug_in", "valve_open"} {
		img := photo(t, class)
		for _, p := range []pixel.Preprocessing{input(128), bytes(96, 64)} {
			want := make([]float32, p.Len())
			if err := p.Apply(want, img); err != nil {
				t.Fatal(err)
			}
			mean, largest := distance(applied(t, Identity, painted(t, img, p), p), want)
			t.Logf("%s at %dx%d: off by %.2f of 255 on average, %.1f at most", class, p.Width, p.Height, mean/p.Scale, largest/p.Scale)
			if mean > 3*p.Scale {
				t.Errorf("%s at %dx%d: off by %.2f of 255 on average", class, p.Width, p.Height, mean/p.Scale)
			}
			same := pixel.NewRGB(p.Width, p.Height)
			if err := Paint(same, img); err != nil {
				t.Fatal(err)
			}
			if _, largest := distance(applied(t, Identity, same, p), want); largest > 0.501*p.Scale {
				t.Errorf("%s: %.3f of 255 from its own size", class, largest/p.Scale)
			}
		}
	}
}

func distance(a, b []float32) (mean, largest float32) {
	sum := 0.0
	for i := range a {
		d := float32(math.Abs(float64(a[i]) - float64(b[i])))
		sum += float64(d)
		if !(d <= largest) { // NaN too
			largest = d
		}
	}
	return float32(sum / float64(len(a))), largest
}

// TestFlip finds each row reversed, and nothing changed after two flips.
func TestFlip(t *testing.T) {
	p := bytes(128, 128)
	canvas := painted(t, photo(t, "plug_in"), p)
	plain, d := applied(t, Identity, canvas, p), Identity
	d.Flip = true
	flipped := applied(t, d, canvas, p)
	if mean, _ := distance(plain, flipped); mean < 1 {
		t.Fatal("the picture is its own mirror image: the test sees nothing")
	}
	if _, largest := distance(mirror(flipped, p.Width), plain); largest > 1e-3 {
		t.Errorf("a flipped picture mirrored is off by %v", largest)
	}
	// A canvas of the input's size that is flipped, rounded and flipped again.
	small := pixel.NewRGB(p.Width, p.Height)
	if err := Paint(small, photo(t, "plug_in")); err != nil {
		t.Fatal(err)
	}
	once := pixel.NewRGB(p.Width, p.Height)
	for i, v := range applied(t, d, small, p) {
		once.Pix[i] = uint8(v)
	}
	for i, v := range applied(t, d, once, p) {
		if v != float32(small.Pix[i]) {
			t.Fatalf("value %d: %d became %v after two flips", i, small.Pix[i], v)
		}
	}
}

func mirror(values []float32, width int) []float32 {
	out := make([]float32, 0, len(values))
	for i := range len(values) / 3 {
		row, column := i/width, i%width
		out = append(out, values[(row*width+width-1-column)*3:][:3]...)
	}
	return out
}

// TestTurn turns a canvas by quarters, where every sample is a canvas pixel.
func TestTurn(t *testing.T) {
	const n = 8
	p, canvas := bytes(n, n), pixel.NewRGB(n, n)
	for i := range canvas.Pix {
		canvas.Pix[i] = uint8(i)
	}
	at := func(values []float32, x, y int) float32 { return values[(y*n+x)*3] }
	plain := applied(t, Identity, canvas, p)
	for _, test := range []struct {
		angle float64
		from  func(x, y int) (int, int)
	}{
		{90, func(x, y int) (int, int) { return y, n - 1 - x }}, // upper right comes from upper left
		{180, func(x, y int) (int, int) { return n - 1 - x, n - 1 - y }},
		{-90, func(x, y int) (int, int) { return n - 1 - y, x }},
	} {
		d := Identity
		d.Angle = test.angle
		turned := applied(t, d, canvas, p)
		for y := range n {
			for x := range n {
				fx, fy := test.from(x, y)
				if got, want := at(turned, x, y), at(plain, fx, fy); math.Abs(float64(got-want)) > 0.01 {
					t.Fatalf("turned by %v, (%d, %d) is %v, want %v", test.angle, x, y, got, want)
				}
			}
		}
	}
}

// TestRamp crops a picture of which the values are positions: what comes out
// says where it was taken.
func TestRamp(t *testing.T) {
	const n = 64
	canvas := pixel.NewRGB(n, n)
	for i := range n * n {
		canvas.Pix[i*3], canvas.Pix[i*3+1] = uint8(i%n*2), uint8(i/n*2)
	}
	d := Identity
	d.Left, d.Top, d.Width, d.Height = 0.25, 0.5, 0.5, 0.25
	p := bytes(40, 30)
	got := applied(t, d, canvas, p)
	for j := range 30 {
		for i := range 40 {
			x, y := 16+(float64(i)+0.5)*32/40-0.5, 32+(float64(j)+0.5)*16/30-0.5
			at := got[(j*40+i)*3:]
			if math.Abs(float64(at[0])-2*x) > 0.01 || math.Abs(float64(at[1])-2*y) > 0.01 {
				t.Fatalf("(%d, %d) was taken from (%.2f, %.2f), want (%.2f, %.2f)", i, j, at[0]/2, at[1]/2, x, y)
			}
		}
	}
}

// TestLight compares with brightness, contrast and saturation one after the
// other, as torchvision writes them but unrounded, where nothing is clipped.
func TestLight(t *testing.T) {
	p := bytes(32, 32)
	canvas := pixel.NewRGB(32, 32)
	for i := range canvas.Pix {
		canvas.Pix[i] = uint8(90 + i*31%70)
	}
	d := Identity
	d.Brightness, d.Contrast, d.Saturation = 1.1, 0.8, 1.3
	got, want := applied(t, d, canvas, p), applied(t, Identity, canvas, p)
	luma := func(v []float32) float64 {
		return 0.299*float64(v[0]) + 0.587*float64(v[1]) + 0.114*float64(v[2])
	}
	mean := 0.0
	for i := 0; i < len(want); i += 3 {
		mean += 1.1 * luma(want[i:]) / float64(len(want)/3)
	}
	for i := 0; i < len(want); i += 3 {
		v := want[i : i+3]
		for k := range v {
			v[k] = float32(0.8*(1.1*float64(v[k])-mean) + mean)
		}
		own := luma(v)
		for k := range v {
			v[k] = float32(1.3*(float64(v[k])-own) + own)
		}
	}
	if _, largest := distance(got, want); largest > 0.001 {
		t.Errorf("off by %v", largest)
	}
}

// TestRange keeps every value within what the base can meet.
func TestRange(t *testing.T) {
	p := input(64)
	for _, class := range []string{"lamp_red", "valve_open"} {
		canvas := painted(t, photo(t, class), p)
		c := strong
		c.Light, c.Rotate = 0.95, 180
		for image := range uint64(100) {
			for i, v := range applied(t, c.Draw(1, 1, image), canvas, p) {
				if !(v >= -1 && v <= 1.000001) {
					t.Fatalf("image %d, value %d is %v", image, i, v)
				}
			}
		}
	}
}

func TestHide(t *testing.T) {
	p := bytes(10, 10)
	canvas := pixel.NewRGB(10, 10)
	d := Identity
	d.Hidden = Box{0.2, 0.3, 0.5, 0.4}
	for i, v := range applied(t, d, canvas, p) {
		x, y := i/3%10, i/30
		want := float32(0)
		if x >= 2 && x < 5 && y == 3 {
			want = 127.5
		}
		if v != want {
			t.Fatalf("(%d, %d) is %v, want %v", x, y, v, want)
		}
	}
}

// TestConcurrent gives the same bits on many goroutines as on one.
func TestConcurrent(t *testing.T) {
	p := input(48)
	canvas := painted(t, photo(t, "lamp_off"), p)
	const n = 64
	var want [n][]float32
	for i := range want {
		want[i] = applied(t, strong.Draw(1, 2, uint64(i)), canvas, p)
	}
	var pool sync.WaitGroup
	for i := range want {
		pool.Go(func() {
			got := make([]float32, p.Len())
			if err := strong.Draw(1, 2, uint64(i)).Apply(got, canvas, p); err != nil || !slices.Equal(got, want[i]) {
				t.Errorf("image %d differs: %v", i, err)
			}
		})
	}
	pool.Wait()
}

func TestRefusals(t *testing.T) {
	p := input(16)
	canvas := NewCanvas(p)
	if err := Identity.Apply(make([]float32, p.Len()-1), canvas, p); err == nil {
		t.Error("a short dst was filled")
	}
	if err := Identity.Apply(make([]float32, p.Len()), &pixel.RGB{Width: 20, Height: 20, Pix: make([]byte, 7)}, p); err == nil {
		t.Error("a canvas with pixels missing was read")
	}
	if err := Identity.Apply(make([]float32, p.Len()), canvas, pixel.Preprocessing{Width: 16, Height: 16}); err == nil {
		t.Error("an invalid preprocessing was followed")
	}
	if err := Paint(&pixel.RGB{Width: 20, Height: 20, Pix: make([]byte, 7)}, canvas); err == nil {
		t.Error("a canvas with pixels missing was painted")
	}
}

func TestApplyDoesNotAllocate(t *testing.T) {
	p := input(32)
	canvas, dst, d := NewCanvas(p), make([]float32, p.Len()), strong.Draw(1, 1, 1)
	if n := testing.AllocsPerRun(20, func() {
		if err := d.Apply(dst, canvas, p); err != nil {
			t.Fatal(err)
		}
		Mix(dst, dst, dst, d.Lambda)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// ExampleConfig_Draw prints what one picture goes through.
func ExampleConfig_Draw() {
	d := Config{Flip: true, Light: 0.2}.Draw(1, 5, 42)
	fmt.Printf("flip %v, brightness %.2f, contrast %.2f, saturation %.2f\n", d.Flip, d.Brightness, d.Contrast, d.Saturation)
	// Output: flip true, brightness 0.97, contrast 1.14, saturation 1.20
}
