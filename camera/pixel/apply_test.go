package pixel

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// bytesAsTheyAre leaves the values of an RGB as they are: 0 to 255.
func bytesAsTheyAre(width, height int) Preprocessing {
	return Preprocessing{Width: width, Height: height, Colour: "rgb", Scale: 1, Resize: "bilinear"}
}

// noise repeats the generator of testdata/make_resize.py.
func noise(width, height int) *RGB {
	img, state := NewRGB(width, height), uint32(1)
	for i := range img.Pix {
		state = state*1664525 + 1013904223
		img.Pix[i] = byte(state >> 24)
	}
	return img
}

func TestApplyAgreesWithPillow(t *testing.T) { agrees(t, "resize.json", Bilinear) }

func TestApplyAgreesWithTensorFlow(t *testing.T) { agrees(t, "resize_aliased.json", BilinearAliased) }

// agrees compares with a file of testdata/make_resize.py.
func agrees(t *testing.T, golden string, rule Resize) {
	text, err := os.ReadFile(filepath.Join("testdata", golden))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Size, To [2]int
		Values   []float32
	}
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) < 10 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		p := bytesAsTheyAre(c.To[0], c.To[1])
		p.Resize = rule
		dst := make([]float32, p.Len())
		if err := p.Apply(dst, noise(c.Size[0], c.Size[1])); err != nil {
			t.Fatal(err)
		}
		for i, v := range dst {
			// Both keep float32 between the passes and the file three digits.
			if d := math.Abs(float64(v - c.Values[i])); !(d < 2e-3) {
				t.Errorf("%v to %v, value %d: %v, want %v", c.Size, c.To, i, v, c.Values[i])
				break
			}
		}
	}
}

func TestApplyKeepsFlatPicturesFlat(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 3000}, {3000, 1}, {17, 9}, {64, 64}, {333, 250}, {65535, 2}, {2, 65535}} {
		img := NewRGB(size[0], size[1])
		for i := range img.Pix {
			img.Pix[i] = []byte{255, 128, 1}[i%3]
		}
		p := bytesAsTheyAre(64, 48)
		dst := make([]float32, p.Len())
		if err := p.Apply(dst, img); err != nil {
			t.Fatal(err)
		}
		for i, v := range dst {
			// Sums of thousands of rows in float32 are off by that much.
			if want := []float64{255, 128, 1}[i%3]; math.Abs(float64(v)-want) > want*1e-4 {
				t.Fatalf("%v: value %d is %v, want %v", size, i, v, want)
			}
		}
	}
}

func TestApplyLeavesTheSameSizeAlone(t *testing.T) {
	img := noise(37, 21)
	p := bytesAsTheyAre(37, 21)
	dst := make([]float32, p.Len())
	if err := p.Apply(dst, img); err != nil {
		t.Fatal(err)
	}
	for i, v := range dst {
		if v != float32(img.Pix[i]) {
			t.Fatalf("value %d: %v, want %d", i, v, img.Pix[i])
		}
	}
}

func TestApplyScales(t *testing.T) {
	img := NewRGB(1, 1)
	copy(img.Pix, []byte{0, 255, 51})
	p := Preprocessing{Width: 2, Height: 1, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: "bilinear"}
	dst := make([]float32, p.Len())
	if err := p.Apply(dst, img); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float32{-1, 1, -0.6, -1, 1, -0.6} {
		if math.Abs(float64(dst[i]-want)) > 1e-6 {
			t.Errorf("value %d: %v, want %v", i, dst[i], want)
		}
	}
}

// Guard values stand around dst, and every result is the same, whoever computes
// it beside whom and whatever the scratch memory held.
func TestApplyConcurrently(t *testing.T) {
	sizes := [][2]int{{31, 17}, {8, 200}, {150, 3}, {5, 5}}
	p := bytesAsTheyAre(16, 12)
	one := func(size [2]int) []float32 {
		guarded := make([]float32, p.Len()+2)
		guarded[0], guarded[len(guarded)-1] = 12345, 54321
		if err := p.Apply(guarded[1:len(guarded)-1], noise(size[0], size[1])); err != nil {
			t.Error(err)
		}
		if guarded[0] != 12345 || guarded[len(guarded)-1] != 54321 {
			t.Error("written outside dst")
		}
		return guarded[1 : len(guarded)-1]
	}
	want := make([][]float32, len(sizes))
	for i, size := range sizes {
		want[i] = one(size)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for k := range 20 {
				i := k % len(sizes)
				if !slices.Equal(one(sizes[i]), want[i]) {
					t.Errorf("%v: not the same twice", sizes[i])
				}
			}
		})
	}
	group.Wait()
}

func TestApplyAllocatesNothing(t *testing.T) {
	img := noise(200, 150)
	p := bytesAsTheyAre(32, 32)
	dst := make([]float32, p.Len())
	// The collector empties the pool once in a while, and the race detector has
	// it forget on purpose: three slices and their owner are then made anew.
	if n := testing.AllocsPerRun(100, func() { _ = p.Apply(dst, img) }); n > 4 {
		t.Errorf("%v allocations", n)
	}
}

func TestApplyRefuses(t *testing.T) {
	good := bytesAsTheyAre(4, 4)
	dst := make([]float32, good.Len())
	img := noise(5, 5)
	if err := good.Apply(dst, img); err != nil {
		t.Fatal(err)
	}
	if good.Apply(dst[1:], img) == nil || good.Apply(append(dst, 0), img) == nil {
		t.Error("a dst of the wrong length passes")
	}
	for _, bad := range []*RGB{{}, {Width: 5, Height: 5}, {Width: -1, Height: -75, Pix: img.Pix}, {Width: 5, Height: 4, Pix: img.Pix}, {Width: 1 << 62, Height: 4, Pix: img.Pix}} {
		if good.Apply(dst, bad) == nil {
			t.Errorf("a picture of %dx%d in %d bytes passes", bad.Width, bad.Height, len(bad.Pix))
		}
	}
	for name, change := range map[string]func(*Preprocessing){
		"no width":     func(p *Preprocessing) { p.Width = 0 },
		"huge height":  func(p *Preprocessing) { p.Height = maxSide + 1 },
		"colour":       func(p *Preprocessing) { p.Colour = "bgr" },
		"no scale":     func(p *Preprocessing) { p.Scale = 0 },
		"scale NaN":    func(p *Preprocessing) { p.Scale = float32(math.NaN()) },
		"offset inf":   func(p *Preprocessing) { p.Offset = float32(math.Inf(1)) },
		"resize":       func(p *Preprocessing) { p.Resize = "nearest" },
		"resize unset": func(p *Preprocessing) { p.Resize = "" },
	} {
		p := good
		change(&p)
		if p.Validate() == nil || p.Apply(dst, img) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func TestPreprocessingJSON(t *testing.T) {
	p := Preprocessing{Width: 128, Height: 96, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: "bilinear"}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"width":128,"height":96,"colour":"rgb","scale":0.007843138,"offset":-1,"resize":"bilinear"}`
	var back Preprocessing
	if err := json.Unmarshal(text, &back); err != nil || back != p || string(text) != want {
		t.Errorf("%s, %+v, %v", text, back, err)
	}
}
