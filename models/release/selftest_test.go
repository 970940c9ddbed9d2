package release_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/release"
)

func input() pixel.Preprocessing {
	return pixel.Preprocessing{Width: 12, Height: 9, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: pixel.Bilinear}
}

// scorer is a made-up base and head of two classes.
func scorer(dst, pixels []float32) error {
	sum := float32(0)
	for i, v := range pixels {
		sum += v * float32(i%7)
	}
	dst[0] = 1 / (1 + float32(math.Exp(float64(sum/1000))))
	dst[1] = 1 - dst[0]
	return nil
}

func selfTest(t testing.TB) release.SelfTest {
	t.Helper()
	s := release.SelfTest{Preprocessing: input()}
	for seed := range uint64(4) {
		c := release.Case{Seed: seed, Scores: make([]float32, 2)}
		if err := scorer(c.Scores, release.Picture(seed, input())); err != nil {
			t.Fatal(err)
		}
		s.Cases = append(s.Cases, c)
	}
	return s
}

func TestSelfTest(t *testing.T) {
	data, err := selfTest(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := release.ParseSelfTest(data, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(scorer); err != nil {
		t.Error(err)
	}
	fail := errors.New("no base")
	if err := s.Run(func(_, _ []float32) error { return fail }); !errors.Is(err, fail) {
		t.Errorf("%v", err)
	}
	for name, off := range map[string]float32{"a little more": 0.002, "no number": float32(math.NaN())} {
		err := s.Run(func(dst, pixels []float32) error {
			err := scorer(dst, pixels)
			dst[1] += off
			return err
		})
		if !errors.Is(err, release.ErrSelfTest) || !strings.Contains(err.Error(), "class 1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Run(func(dst, pixels []float32) error {
		err := scorer(dst, pixels)
		dst[0] += 5e-4
		return err
	}); err != nil {
		t.Errorf("within the tolerance: %v", err)
	}
}

func TestSelfTestRefuses(t *testing.T) {
	good, err := selfTest(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"nothing":     nil,
		"no cases":    []byte(`{"format":1}`),
		"behind":      append(bytes.Clone(good), '1'),
		"score":       bytes.Replace(good, []byte(`"scores":[`), []byte(`"scores":[-`), 1),
		"input":       bytes.Replace(good, []byte(`"width":12`), []byte(`"width":120000`), 1),
		"huge":        bytes.Repeat([]byte(" "), 9<<20),
		"old format":  bytes.Replace(good, []byte(`"format":1`), []byte(`"format":0`), 1),
		"cut":         good[:len(good)/2],
		"other heads": bytes.Replace(good, []byte(`"scores":[`), []byte(`"scores":[0,`), 1),
	} {
		if _, err := release.ParseSelfTest(data, 2); !errors.Is(err, release.ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := bytes.Replace(good, []byte(`"format":1`), []byte(`"format":2`), 1)
	if _, err := release.ParseSelfTest(newer, 2); !errors.Is(err, release.ErrNewer) {
		t.Errorf("newer: %v", err)
	}
	for name, s := range map[string]release.SelfTest{
		"empty": {Preprocessing: input()},
		"NaN":   {Preprocessing: input(), Cases: []release.Case{{Scores: []float32{float32(math.NaN())}}}},
		"input": {Cases: []release.Case{{Scores: []float32{1}}}},
	} {
		if _, err := s.Encode(); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

// Pictures are the same for ever: published scores belong to them.
func TestPicture(t *testing.T) {
	p := pixel.Preprocessing{Width: 33, Height: 20, Colour: "rgb", Scale: 1, Resize: pixel.Bilinear}
	var raw []byte
	lowest, highest := float32(255), float32(0)
	for seed := range uint64(4) {
		picture := release.Picture(seed, p)
		if len(picture) != p.Len() {
			t.Fatalf("%d values, want %d", len(picture), p.Len())
		}
		for _, v := range picture {
			if v != float32(byte(v)) {
				t.Fatalf("%v is no byte", v)
			}
			lowest, highest = min(lowest, v), max(highest, v)
			raw = append(raw, byte(v))
		}
	}
	if lowest > 20 || highest < 235 {
		t.Errorf("values from %v to %v", lowest, highest)
	}
	if got, want := digest.Of(raw).Short(), "ef542f326837"; got != want {
		t.Errorf("the pictures changed: %s, want %s", got, want)
	}
	scaled := release.Picture(3, input())
	p.Width, p.Height = input().Width, input().Height
	for i, v := range release.Picture(3, p) {
		if want := float32(v*input().Scale) + input().Offset; scaled[i] != want {
			t.Fatalf("value %d is %v, want %v", i, scaled[i], want)
		}
	}
}

func FuzzSelfTest(f *testing.F) {
	data, err := selfTest(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := release.ParseSelfTest(data, 2)
		if err != nil {
			return
		}
		again, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := release.ParseSelfTest(again, 2); err != nil {
			t.Error(err)
		}
	})
}
