package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt"
)

var panelLabels = []string{
	"dial_high", "dial_low", "dial_normal", "lamp_amber", "lamp_green",
	"lamp_off", "lamp_red", "switch_off", "switch_on", "valve_open",
}

// measuresOf computes what a confusion matrix implies.
func measuresOf(labels []string, confusion [][]int, loss float64) adapt.Measures {
	m := adapt.Measures{Loss: loss, Confusion: confusion}
	right := 0
	for c, label := range labels {
		actual, predicted := 0, 0
		for i := range labels {
			actual += confusion[c][i]
			predicted += confusion[i][c]
		}
		hit := confusion[c][c]
		right += hit
		m.Images += actual
		class := adapt.ClassMeasures{Label: label, Images: actual}
		if actual > 0 {
			class.Recall = float64(hit) / float64(actual)
		}
		if predicted > 0 {
			class.Precision = float64(hit) / float64(predicted)
		}
		if hit > 0 {
			class.F1 = 2 * class.Precision * class.Recall / (class.Precision + class.Recall)
		}
		m.PerClass = append(m.PerClass, class)
	}
	if m.Images > 0 {
		m.Accuracy = float64(right) / float64(m.Images)
	}
	return m
}

// confusionOf scatters a share of each class' images over its neighbours.
func confusionOf(rng *rand.Rand, classes, images int, wrong float64) [][]int {
	out := make([][]int, classes)
	for c := range out {
		out[c] = make([]int, classes)
		for range images + rng.IntN(images/3+1) {
			p := c
			if rng.Float64() < wrong*2*float64(c%5)/4 {
				p = (c + 1 + rng.IntN(3)) % classes
			}
			out[c][p]++
		}
	}
	return out
}

func historyOf(epochs int) []adapt.Epoch {
	var out []adapt.Epoch
	for e := 1; e <= epochs; e++ {
		x := float64(e)
		wave := 0.012 * math.Sin(3*x)
		out = append(out, adapt.Epoch{
			Epoch:       e,
			Loss:        0.12 + 2.1*math.Exp(-x/3) + wave,
			Accuracy:    0.97 - 0.75*math.Exp(-x/3) - wave/2,
			ValLoss:     0.30 + 1.7*math.Exp(-x/2.5) + 0.004*x - wave,
			ValAccuracy: 0.92 - 0.55*math.Exp(-x/2) + wave,
		})
	}
	return out
}

// plausible is a run as a good day brings it.
func plausible() *Run {
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same every time
	run := &Run{
		Task: "panel", Generation: 3,
		Base:    Base{Name: "mobilenet_v2_1.0_128in_no_top_float32", Digest: "sha256:4f2d8c19ab03e7716655d0c1f7a2b9e84d3c21a0ffee00112233445566778899"},
		Labels:  panelLabels,
		History: historyOf(24),
		Train:   measuresOf(panelLabels, confusionOf(rng, 10, 96, 0.02), 0.1104),
		Val:     measuresOf(panelLabels, confusionOf(rng, 10, 24, 0.09), 0.2731),
		Seconds: adapt.Seconds{Total: 31.42, Features: 24.81, Train: 5.93}, PeakRSSMiB: 187.4,
		Report: "/home/pi/.local/share/edge/tasks/panel/generations/3/report.html",
		Path:   "/home/pi/.local/share/edge/tasks/panel/generations/3", Created: time.Date(2026, 3, 4, 15, 6, 7, 0, time.UTC), Version: "v0.1.0",
		Recipe:    json.RawMessage(`{"hidden":128,"dropout":0.5,"rate":0.001,"epochs":200,"batch":32,"seed":7,"patience":8,"class_weights":""}`),
		BestEpoch: 19, Cache: &Cache{Hits: 1290, Misses: 214},
		Calibration: &Calibration{Temperature: 1.375, Unknown: true},
		Skipped: []adapt.Skip{
			{Path: "lamp_red/IMG_0041.jpg", Reason: "truncated: 18432 bytes, then nothing"},
			{Path: "dial_low/notes.png", Reason: "not a picture"},
			{Path: "switch_on/<script>alert(1)</script>.jpg", Reason: "empty file"},
		},
		Duplicates: []adapt.Duplicate{{Path: "lamp_off/copy (2).jpg", Of: "lamp_off/0012.jpg"}, {Path: "lamp_off/copy (3).jpg", Of: "lamp_off/0012.jpg", Leak: true}},
		Conflicts:  []adapt.Conflict{{Paths: []string{"lamp_green/0007.jpg", "lamp_off/0031.jpg"}, Labels: []string{"lamp_green", "lamp_off"}}},
		Warnings:   []string{"XNNPACK could not be applied; inference is slower"},
	}
	test := measuresOf(panelLabels, confusionOf(rng, 10, 30, 0.08), 0.2689)
	run.Test = &test
	run.Images = adapt.Images{Train: run.Train.Images, Val: run.Val.Images, Test: test.Images, Skipped: 3, Duplicates: 2}
	run.Images.Total = run.Images.Train + run.Images.Val + run.Images.Test + 3 + 2 + 2
	run.Verdict = Judge(run.Train, run.Val, run.Test)
	return run
}

// classes makes a run of n classes without tests.
func classes(n int) *Run {
	run := plausible()
	rng := rand.New(rand.NewPCG(3, uint64(n))) //nolint:gosec // the same every time
	run.Labels = nil
	for i := range n {
		run.Labels = append(run.Labels, fmt.Sprintf("class_%03d", i))
	}
	run.Train = measuresOf(run.Labels, confusionOf(rng, n, 40, 0.03), 0.2)
	run.Val = measuresOf(run.Labels, confusionOf(rng, n, 10, 0.1), 0.4)
	run.Test = nil
	run.Images = adapt.Images{Total: run.Train.Images + run.Val.Images, Train: run.Train.Images, Val: run.Val.Images}
	run.Skipped, run.Duplicates, run.Conflicts, run.Warnings = nil, nil, nil, nil
	run.Verdict = Judge(run.Train, run.Val, nil)
	return run
}

// mistakesOf makes a mistake for every one the matrices count.
func mistakesOf(t testing.TB, run *Run) []Mistake {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // the same every time
	var out []Mistake
	add := func(split adapt.Split, confusion [][]int) {
		for _, p := range Pairs(confusion) {
			for i := range p.Images {
				out = append(out, Mistake{
					Path: fmt.Sprintf("%s/IMG_%04d_%d.jpg", run.Labels[p.True], rng.IntN(3000), i),
					True: p.True, Predicted: p.Predicted, Split: split,
					Score: float32(0.35 + 0.64*rng.Float64()), JPEG: thumbnail(t, rng),
				})
			}
		}
	}
	add(adapt.SplitVal, run.Val.Confusion)
	if run.Test != nil {
		add(adapt.SplitTest, run.Test.Confusion)
	}
	return out
}

// thumbnail draws a lamp of a random colour on a grey panel.
func thumbnail(t testing.TB, rng *rand.Rand) []byte {
	t.Helper()
	const size = 128
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	hue := [3]float64{rng.Float64(), rng.Float64(), rng.Float64()}
	x0, y0, r := 40+rng.Float64()*48, 40+rng.Float64()*48, 18+rng.Float64()*26
	for y := range size {
		for x := range size {
			grey := 90 + 60*float64(y)/size + 10*rng.Float64()
			d := math.Hypot(float64(x)-x0, float64(y)-y0)
			glow := math.Max(0, 1-d/(1.6*r))
			if d < r {
				glow = 1
			}
			var c [3]uint8
			for i := range c {
				c[i] = uint8(math.Min(255, grey*(1-glow)+glow*(60+190*hue[i])))
			}
			img.Set(x, y, color.RGBA{c[0], c[1], c[2], 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 80}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
