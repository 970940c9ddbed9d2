package rebase

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// hues are the colours of classes, far from each other.
var hues = map[string]color.RGBA{
	"red": {200, 40, 40, 255}, "green": {40, 200, 40, 255}, "blue": {40, 40, 200, 255}, "grey": {120, 120, 120, 255}, "yellow": {200, 200, 40, 255},
}

// paint puts n pictures of a hue into the folder of a class, each of its own
// shade.
func paint(t testing.TB, dir, class, hue string, n int) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, class), 0o755))
	for i := range n {
		rng := rand.New(rand.NewPCG(uint64(i), uint64(len(hue)*7+int(hue[0]))))
		shade := func(v uint8) uint8 { return uint8(max(0, min(255, int(v)+rng.IntN(61)-30))) }
		c := hues[hue]
		picture := image.NewRGBA(image.Rect(0, 0, 4, 4))
		one := color.RGBA{shade(c.R), shade(c.G), shade(c.B), 255}
		for p := range 16 {
			picture.Set(p%4, p/4, one)
		}
		var b bytes.Buffer
		must(t, png.Encode(&b, picture))
		must(t, os.WriteFile(filepath.Join(dir, class, strconv.Itoa(i)+".png"), b.Bytes(), 0o600))
	}
}

// photos is a folder of n pictures of each of these classes, named by their hues.
func photos(t testing.TB, n int, classes ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, class := range classes {
		paint(t, dir, class, class, n)
	}
	return dir
}

// base makes width features of a picture's mean colour, 0 to 1 each.
type base func(dst []float32, r, g, b float64)

const width = 6

func (f base) Embed(dst, pixels []float32) error {
	var sum [3]float64
	for i, v := range pixels {
		sum[i%3] += float64(v)
	}
	n := float64(len(pixels)) / 3
	f(dst, sum[0]/n, sum[1]/n, sum[2]/n)
	return nil
}

// sharp tells hues apart, in another way than soft does.
var sharp base = func(dst []float32, r, g, b float64) {
	copy(dst, []float32{float32(3 * r), float32(3 * g), float32(3 * b), float32(r * g), float32(g * b), 1})
}

var soft base = func(dst []float32, r, g, b float64) {
	copy(dst, []float32{1, float32(2 * b), float32(2 * r), float32(2 * g), float32(r - g), float32(b - g)})
}

// colourBlind cannot tell red from green.
var colourBlind base = func(dst []float32, r, g, b float64) {
	copy(dst, []float32{float32(r + g), float32(b), 1, 0, 0, 0})
}

var broken base = func(dst []float32, r, _, _ float64) {
	copy(dst, []float32{float32(r), float32(math.NaN()), 0, 0, 0, 0})
}

func extract(t testing.TB, d *adapt.Dataset, b base) *adapt.Features {
	t.Helper()
	p := pixel.Preprocessing{Width: 4, Height: 4, Colour: "rgb", Scale: 1.0 / 255, Resize: pixel.Bilinear}
	e := adapt.Extractor{Base: b, Features: width, Preprocessing: p}
	f, err := e.Extract(t.Context(), d, nil, nil)
	must(t, err)
	return f
}

func recipe() adapt.TrainConfig {
	c := adapt.DefaultRecipe()
	c.Hidden, c.Rate, c.Epochs, c.Dropout = 16, 0.02, 150, 0
	return c
}

// split is what a dataset's images are used for, by content.
func split(d *adapt.Dataset) map[digest.Digest]adapt.Split {
	m := map[digest.Digest]adapt.Split{}
	for _, s := range d.Samples {
		m[s.Digest] = s.Split
	}
	return m
}

// learned is what adapting a folder on a base gave.
func learned(t testing.TB, dir string, b base) *adapt.Result {
	t.Helper()
	r, err := adapt.Run(t.Context(), adapt.Config{Dir: dir, Recipe: recipe(), Extractor: adapt.Extractor{
		Base: b, Features: width, Preprocessing: pixel.Preprocessing{Width: 4, Height: 4, Colour: "rgb", Scale: 1.0 / 255, Resize: pixel.Bilinear},
	}})
	must(t, err)
	return r
}

// onto is the input of a rebase of a folder from what is in use onto a base.
func onto(t testing.TB, dir string, was *adapt.Result, before, after base) Input {
	t.Helper()
	d, err := adapt.List(t.Context(), dir)
	must(t, err)
	in := Input{Dataset: d, Features: extract(t, d, after), Recipe: recipe()}
	var sides map[digest.Digest]adapt.Split
	if was != nil {
		sides = split(was.Dataset)
		in.InUse = &InUse{Head: was.Head, Labels: was.Dataset.Labels, Features: extract(t, d, before)}
	}
	must(t, d.Resettle(adapt.SplitOptions{}, sides))
	return in
}

// published is a head for a base, of a folder, with up to k exemplars a class.
func published(t testing.TB, dir string, b base, k int) *Published {
	t.Helper()
	r := learned(t, dir, b)
	all := r.Dataset.Set(r.Features, func(adapt.Sample) bool { return true })
	p := &Published{Head: r.Head, Labels: r.Dataset.Labels, SelfTest: func() error { return nil }}
	if k > 0 {
		var err error
		p.Exemplars, err = NewExemplars(digest.Of([]byte("base")), all, r.Head.Classes, k)
		must(t, err)
	}
	return p
}

func run(t testing.TB, in Input) *Outcome {
	t.Helper()
	o, err := Run(t.Context(), in)
	must(t, err)
	return o
}

// encoded is a head as it is stored.
func encoded(t testing.TB, h *head.Head) []byte {
	t.Helper()
	data, err := h.Encode()
	must(t, err)
	return data
}
