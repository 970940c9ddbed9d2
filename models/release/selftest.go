package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/edge-adapt/edge/camera/pixel"
)

// SelfTestName is the file of a head's bundle that holds its SelfTest.
const SelfTestName = "selftest.json"

// Tolerance is how far a score may lie from the publisher's. Processors differ in
// the seventh decimal (float); a wrong base, head or preprocessing in the first.
const Tolerance = 1e-3

// Limits of a self-test.
const (
	maxSelfTestBytes = 8 << 20
	maxCases         = 256
)

// ErrSelfTest is in what Run returns where scores are others than the publisher's.
var ErrSelfTest = errors.New("base and head give other scores here than where they were published")

// SelfTest is what base and head of a release gave on the publisher's machine:
// made-up pictures, as seeds, with their scores. A device that has no samples of
// its own to judge by repeats it before it uses them.
type SelfTest struct {
	Format        int                 `json:"format"`
	Preprocessing pixel.Preprocessing `json:"preprocessing"`
	Cases         []Case              `json:"cases"`
}

// Case is one picture: Picture(Seed), and the head's own score of each class, in
// the order of its labels.
type Case struct {
	Seed   uint64    `json:"seed"`
	Scores []float32 `json:"scores"`
}

// ParseSelfTest reads a self-test of a head with that many classes. Memory stays
// within a small multiple of data. The error is ErrNewer or ErrForm.
func ParseSelfTest(data []byte, classes int) (SelfTest, error) {
	s, err := parseSelfTest(data)
	if err == nil {
		err = s.check(classes)
	}
	if err != nil && !errors.Is(err, ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err != nil {
		return SelfTest{}, fmt.Errorf("self-test: %w", err)
	}
	return s, nil
}

func parseSelfTest(data []byte) (SelfTest, error) {
	if len(data) > maxSelfTestBytes {
		return SelfTest{}, fmt.Errorf("%d bytes: at most %d", len(data), maxSelfTestBytes)
	}
	var of struct{ Format int }
	if err := json.Unmarshal(data, &of); err != nil {
		return SelfTest{}, err
	}
	if of.Format > Format {
		return SelfTest{}, fmt.Errorf("it was %w: format %d, this one reads up to %d", ErrNewer, of.Format, Format)
	}
	var s SelfTest
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&s); err != nil {
		return SelfTest{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return SelfTest{}, errors.New("something follows the document")
	}
	return s, nil
}

// Encode returns the self-test as ParseSelfTest reads it.
func (s SelfTest) Encode() ([]byte, error) {
	s.Format = Format
	if len(s.Cases) == 0 {
		return nil, errors.New("self-test: no cases")
	}
	if err := s.check(len(s.Cases[0].Scores)); err != nil {
		return nil, fmt.Errorf("self-test: %w", err)
	}
	data, err := json.Marshal(s)
	if err == nil && len(data) > maxSelfTestBytes {
		err = fmt.Errorf("%d bytes: at most %d", len(data), maxSelfTestBytes)
	}
	if err != nil {
		return nil, fmt.Errorf("self-test: %w", err)
	}
	return append(data, '\n'), nil
}

func (s SelfTest) check(classes int) error {
	if s.Format != Format {
		return fmt.Errorf("format %d: want %d", s.Format, Format)
	}
	if err := s.Preprocessing.Validate(); err != nil {
		return err
	}
	if len(s.Cases) < 1 || len(s.Cases) > maxCases {
		return fmt.Errorf("%d cases: want 1 to %d", len(s.Cases), maxCases)
	}
	for i, c := range s.Cases {
		if len(c.Scores) != classes {
			return fmt.Errorf("case %d has %d scores for %d classes", i, len(c.Scores), classes)
		}
		for _, v := range c.Scores {
			if !(v >= 0 && v <= 1) { // NaN too
				return fmt.Errorf("case %d: score %v", i, v)
			}
		}
	}
	return nil
}

// Run asks classify for the scores of every case. pixels is the base's input,
// [Height][Width][3] as Picture gives it; classify writes the head's own scores
// into dst, one a class. Both belong to Run.
//
// The error is classify's, or ErrSelfTest.
func (s SelfTest) Run(classify func(dst, pixels []float32) error) error {
	for i, c := range s.Cases {
		dst := make([]float32, len(c.Scores))
		if err := classify(dst, Picture(c.Seed, s.Preprocessing)); err != nil {
			return fmt.Errorf("self-test, picture %d of %d: %w", i+1, len(s.Cases), err)
		}
		for class, want := range c.Scores {
			if got := dst[class]; !(math.Abs(float64(got)-float64(want)) <= Tolerance) {
				return fmt.Errorf("self-test, picture %d of %d: %w: class %d has %v, want %v", i+1, len(s.Cases), ErrSelfTest, class, got, want)
			}
		}
	}
	return nil
}

// Picture makes the picture of a seed as a base takes it: float32, [Height][Width][3],
// RGB, value = byte*Scale + Offset. p must be valid.
//
// The bytes are blotches in soft colours with noise on them, made by integer
// arithmetic alone, so that they are the same on every processor.
func Picture(seed uint64, p pixel.Preprocessing) []float32 {
	const cells = 5 // on a side; their corners have random colours
	var corners [cells + 1][cells + 1][3]int
	state := seed
	for y := range corners {
		for x := range corners[y] {
			r := splitMix(&state)
			for c := range 3 {
				corners[y][x][c] = int(r >> (8 * c) & 0xff)
			}
		}
	}
	out := make([]float32, 0, p.Len())
	for y := range p.Height {
		cy, fy := y*cells/p.Height, y*cells*256/p.Height%256
		for x := range p.Width {
			cx, fx := x*cells/p.Width, x*cells*256/p.Width%256
			noise := splitMix(&state)
			for c := range 3 {
				top := corners[cy][cx][c]*(256-fx) + corners[cy][cx+1][c]*fx
				bottom := corners[cy+1][cx][c]*(256-fx) + corners[cy+1][cx+1][c]*fx
				v := (top*(256-fy)+bottom*fy)>>16 + int(noise>>(8*c)&0x1f) - 16
				// The conversion keeps a compiler from adding without rounding first.
				out = append(out, float32(float32(min(max(v, 0), 255))*p.Scale)+p.Offset)
			}
		}
	}
	return out
}

// splitMix moves state on and returns 64 bits of it: SplitMix64 (Steele, Lea,
// Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func splitMix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
