package pattern_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/image/draw"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/pattern"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/samplelinks"
)

// opener returns what opens a pattern.
func opener(o pattern.Options) func(context.Context) (camera.Source, error) {
	return func(ctx context.Context) (camera.Source, error) { return pattern.Open(ctx, o) }
}

func open(t testing.TB, o pattern.Options) camera.Source {
	t.Helper()
	source, err := pattern.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	return source
}

func read(t testing.TB, source camera.Source, f *camera.Frame) {
	t.Helper()
	if err := source.Read(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	samplelinks.Make(t, dir, 3, "lamp_red", "lamp_off")
	for name, o := range map[string]pattern.Options{
		"zero":    {Frames: 7},
		"bars":    {Pattern: pattern.Bars, Width: 64, Height: 48, Frames: 7},
		"noise":   {Pattern: pattern.Noise, Width: 49, Height: 33, Frames: 7},
		"colours": {Pattern: pattern.Colours, Hold: 2, Frames: 7},
		"still":   {Pattern: pattern.Still, Frames: 7},
		"dir":     {Dir: dir, Frames: 7},
		"live":    {Rate: 200, Frames: 7},
	} {
		t.Run(name, func(t *testing.T) {
			cameratest.Run(t, cameratest.Harness{
				Open:    opener(o),
				Frames:  7,
				Ends:    true,
				Rereads: true,
				// Its first frame comes at once, its second in a quarter of an hour.
				OpenIdle: func(ctx context.Context) (camera.Source, error) {
					slow := o
					slow.Rate, slow.Frames = 1.0/900, 0
					source, err := pattern.Open(ctx, slow)
					if err == nil {
						err = source.Read(ctx, new(camera.Frame))
					}
					return source, err
				},
			})
		})
	}
}

// Every frame shows its own number, whatever is done to the picture on its way.
func TestNumberSurvives(t *testing.T) {
	for _, o := range []pattern.Options{
		{Pattern: pattern.Bars}, {Pattern: pattern.Noise}, {Pattern: pattern.Colours},
		{Width: 48, Height: 32}, {Width: 1280, Height: 720}, {Width: 641, Height: 479},
	} {
		source := open(t, o)
		var f camera.Frame
		for range 300 {
			read(t, source, &f)
			n, ok := pattern.Number(&f.Image)
			if !ok || uint64(n) != f.Number {
				t.Fatalf("%+v: frame %d shows %d, %t", o, f.Number, n, ok)
			}
		}
		if o.Width != 0 && o.Width < 320 {
			continue // cells of a pixel are too small for what follows
		}
		small := scaled(&f.Image, 224, 224)
		if n, ok := pattern.Number(compressed(t, small)); !ok || uint64(n) != f.Number {
			t.Errorf("%+v: scaled and compressed, frame %d shows %d, %t", o, f.Number, n, ok)
		}
	}
	if _, ok := pattern.Number(pixel.NewRGB(640, 480)); ok {
		t.Error("a black picture shows a number")
	}
	source := open(t, pattern.Options{Pattern: pattern.Still})
	var f camera.Frame
	read(t, source, &f)
	if _, ok := pattern.Number(&f.Image); ok {
		t.Error("a still picture shows a number")
	}
}

func toImage(img *pixel.RGB) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		p := img.Pix[3*i:]
		out.SetRGBA(i%img.Width, i/img.Width, color.RGBA{p[0], p[1], p[2], 255})
	}
	return out
}

func scaled(img *pixel.RGB, width, height int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	src := toImage(img)
	draw.BiLinear.Scale(out, out.Bounds(), src, src.Bounds(), draw.Src, nil)
	return out
}

func compressed(t *testing.T, img image.Image) *pixel.RGB {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	out, err := pixel.Decode(b.Bytes(), pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPatternsMoveOrDoNot(t *testing.T) {
	for name, moves := range map[string]bool{pattern.Bars: true, pattern.Noise: true, pattern.Colours: true, pattern.Still: false} {
		source := open(t, pattern.Options{Pattern: name})
		var first, second camera.Frame
		read(t, source, &first)
		read(t, source, &second)
		// The lower half, so that the number does not count.
		half := len(first.Image.Pix) / 2
		if got := !bytes.Equal(first.Image.Pix[half:], second.Image.Pix[half:]); got != moves {
			t.Errorf("%s: moves is %t, want %t", name, got, moves)
		}
	}
}

// A live pattern keeps its rate, and does not make up for what it was too late for.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := open(t, pattern.Options{Rate: 10})
		if info := source.Info(); !info.Live || info.Rate != 10 {
			t.Errorf("%+v", info)
		}
		began := time.Now()
		var f camera.Frame
		for _, step := range []struct{ pause, at time.Duration }{
			{0, 0},
			{0, 100 * time.Millisecond},
			{70 * time.Millisecond, 200 * time.Millisecond},
			{350 * time.Millisecond, 550 * time.Millisecond}, // 300, 400 and 500 have passed: at once
			{0, 600 * time.Millisecond},
			{0, 700 * time.Millisecond},
		} {
			time.Sleep(step.pause)
			read(t, source, &f)
			if at := f.Captured.Sub(began); at != step.at {
				t.Errorf("frame %d came after %v, want %v", f.Number, at, step.at)
			}
		}
		if f.Number != 6 {
			t.Errorf("the last frame has number %d, want 6", f.Number)
		}
	})
	if open(t, pattern.Options{}).Info().Live {
		t.Error("a pattern that is as fast as its reader is live")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []pattern.Options{
		{Pattern: "stripes"}, {Pattern: pattern.Dir}, {Pattern: pattern.Bars, Dir: "x"}, {Dir: "x", Width: 64, Height: 64},
		{Width: 47}, {Height: 31}, {Width: 8193}, {Height: -1}, {Rate: -1}, {Rate: 1001}, {Rate: math.NaN()}, {Rate: math.Inf(1)}, {Hold: -1},
	} {
		_, err := pattern.Open(t.Context(), o)
		if !errors.Is(err, camera.ErrBadURI) || hint.Of(err) == "" || o.Validate() == nil {
			t.Errorf("%+v: %v, hint %q", o, err, hint.Of(err))
		}
	}
	for _, o := range []pattern.Options{{}, {Width: 48, Height: 32}, {Rate: 1000}, {Rate: 0.001}, {Dir: "x"}, {Pattern: pattern.Dir, Dir: "x", Hold: 30}} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestPatternsDoNotAllocate(t *testing.T) {
	dir := t.TempDir()
	samplelinks.Make(t, dir, 3, "lamp_red", "lamp_off")
	for _, o := range []pattern.Options{{}, {Pattern: pattern.Noise}, {Pattern: pattern.Colours}, {Dir: dir}, {Rate: 1000}} {
		source := open(t, o)
		var f camera.Frame
		for range 10 {
			read(t, source, &f)
		}
		ctx := t.Context()
		if n := testing.AllocsPerRun(100, func() {
			if err := source.Read(ctx, &f); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%+v: %v allocations a frame", o, n)
		}
	}
}

func TestEndAfterSoManyFrames(t *testing.T) {
	source := open(t, pattern.Options{Frames: 2})
	var f camera.Frame
	read(t, source, &f)
	read(t, source, &f)
	if err := source.Read(t.Context(), &f); err != io.EOF {
		t.Errorf("after the last frame: %v", err)
	}
}

func TestNoSuchFolder(t *testing.T) {
	if _, err := pattern.Open(t.Context(), pattern.Options{Dir: filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a folder that does not exist is played")
	}
}
