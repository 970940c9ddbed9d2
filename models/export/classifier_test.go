package export

import (
	"errors"
	"os"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models"
)

// calibrated commits a generation on the embedded base whose calibration has a
// temperature other than 1, and returns the calibration.
func calibrated(t *testing.T) (models.Generation, *head.Head, *calibrate.Calibration) {
	t.Helper()
	s := teststore.New(t)
	b := s.Embedded()
	h := head.New(b.Features, 6, 3, 1)
	for i := range h.W2 {
		h.W2[i] *= 20 // surer than it should be
	}
	set := adapt.Set{F: b.Features, Features: make([]float32, 60*b.Features), Labels: make([]int32, 60)}
	random := head.NewRandom(1, 0)
	for i := range set.Features {
		set.Features[i] = random.Uniform()
	}
	for i := range set.Labels {
		set.Labels[i] = int32(i % 3)
	}
	c, err := calibrate.Fit(b.Digest, h, set, set)
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	n := s.Commit("lamps", b, h, []string{"a", "b", "c"}, map[string][]byte{calibrate.FileName: data})
	g, err := s.Generation("lamps", n)
	if err != nil {
		t.Fatal(err)
	}
	return g, h, c
}

func TestOpenCalibrates(t *testing.T) {
	g, h, calibration := calibrated(t)
	if calibration.Temperature() < 1.5 {
		t.Fatalf("temperature %v: the test shows nothing", calibration.Temperature())
	}
	c, err := Open(t.Context(), g, Options{})
	if err != nil {
		t.Fatal(err)
	}
	own, err := Open(t.Context(), g, Options{NoCalibration: true})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Calibrated || own.Calibrated || !c.Unknowns || c.Task != "lamps" || c.Generation != 1 || len(c.Labels) != 3 {
		t.Errorf("%+v", c)
	}
	features := make([]float32, h.Features)
	for i := range features {
		features[i] = float32(i%7) / 7
	}
	scores := append([]float32(nil), h.Scorer()(features)...)
	near(t, "the head's own", own.Head.Scorer()(features), scores, 1e-7)
	calibration.Apply(scores)
	near(t, "calibrated", c.Head.Scorer()(features), scores, 1e-6)
}

func TestOpenVerifies(t *testing.T) {
	g, _, _ := calibrated(t)
	data, err := os.ReadFile(g.BasePath())
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.Chmod(g.BasePath(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(g.BasePath(), data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), g, Options{}); !errors.Is(err, models.ErrDamaged) {
		t.Errorf("one bit of the base is wrong: %v", err)
	}
}

// TestOpenForeignCalibration: a calibration of another head is no use.
func TestOpenForeignCalibration(t *testing.T) {
	_, _, calibration := calibrated(t)
	data, err := calibration.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s := teststore.New(t)
	b := s.Embedded()
	n := s.Commit("lamps", b, head.New(b.Features, 6, 3, 2), []string{"a", "b", "c"}, map[string][]byte{calibrate.FileName: data})
	g, err := s.Generation("lamps", n)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), g, Options{}); !errors.Is(err, calibrate.ErrForeign) {
		t.Errorf("%v", err)
	}
	fake := s.Commit("lamps", s.Fake("no model", 4), head.New(4, 0, 2, 1), []string{"a", "b"}, nil)
	if g, err = s.Generation("lamps", fake); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), g, Options{}); err == nil {
		t.Error("a base that is no model was opened")
	}
}
