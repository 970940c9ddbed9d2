package rebase

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
)

func exemplars(t testing.TB) *Exemplars {
	t.Helper()
	set := adapt.Set{
		F:        2,
		Features: []float32{0, 0, 1, 1, 0.9, 1.1, 5, 5, -0.1, 0.3},
		Labels:   []int32{0, 0, 0, 2, 2},
	}
	e, err := NewExemplars(digest.Of([]byte("base")), set, 3, 2)
	must(t, err)
	return e
}

func TestNewExemplars(t *testing.T) {
	e := exemplars(t)
	// The mean of class 0 is (0.63, 0.7): the nearest is (1, 1), and with (0, 0) the
	// mean of the two is nearer than with (0.9, 1.1).
	want := []float32{1, 1, 0, 0, 5, 5, -0.1, 0.3}
	for i, v := range e.Set.Features {
		if len(e.Set.Features) != len(want) || math.Abs(float64(v-want[i])) > 1e-3 && e.Set.Labels[i/2] == 0 {
			t.Fatalf("%v, want %v", e.Set.Features, want)
		}
	}
	if !reflect.DeepEqual(e.Set.Labels, []int32{0, 0, 2, 2}) || !e.has(0) || e.has(1) || (*Exemplars)(nil).has(0) {
		t.Errorf("%+v", e.Set.Labels)
	}
	for name, set := range map[string]adapt.Set{
		"no half holds it": {F: 1, Features: []float32{70000}, Labels: []int32{0}},
		"NaN":              {F: 1, Features: []float32{float32(math.NaN())}, Labels: []int32{0}},
		"a foreign class":  {F: 1, Features: []float32{1}, Labels: []int32{1}},
		"no features":      {},
	} {
		if _, err := NewExemplars(digest.Of(nil), set, 1, 1); err == nil {
			t.Error(name)
		}
	}
	if _, err := NewExemplars("base", e.Set, 3, 1); err == nil {
		t.Error("of no base")
	}
}

func TestExemplarsEncode(t *testing.T) {
	e := exemplars(t)
	data, err := e.Encode()
	must(t, err)
	if want := 16 + 3*4 + 32 + 3*4 + 8*2; len(data) != want {
		t.Errorf("%d bytes, want %d", len(data), want)
	}
	got, err := ParseExemplars(data)
	must(t, err)
	if !reflect.DeepEqual(got, e) {
		t.Errorf("%+v, want %+v", got, e)
	}
}

func TestParseExemplarsRefuses(t *testing.T) {
	good, err := exemplars(t).Encode()
	must(t, err)
	put := func(at int, v uint32) []byte {
		d := bytes.Clone(good)
		binary.LittleEndian.PutUint32(d[at:], v)
		return d
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":          {nil, ErrDamaged},
		"text":           {bytes.Repeat([]byte("text "), 100), ErrDamaged},
		"newer":          {put(16, 2), ErrNewer},
		"format 0":       {put(16, 0), ErrDamaged},
		"no features":    {put(20, 0), ErrDamaged},
		"many features":  {put(20, math.MaxUint32), ErrDamaged},
		"no classes":     {put(24, 0), ErrDamaged},
		"many classes":   {put(24, math.MaxUint32), ErrDamaged},
		"huge classes":   {put(60, math.MaxUint32), ErrDamaged},
		"too many":       {put(60, 3), ErrDamaged},
		"infinity":       {put(72, 0x7c00), ErrDamaged},
		"something more": {append(bytes.Clone(good), 0), ErrDamaged},
	} {
		if _, err := ParseExemplars(c.data); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for n := range good {
		if _, err := ParseExemplars(good[:n]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("after %d of %d bytes: %v", n, len(good), err)
		}
	}
}

// FuzzParseExemplars looks for bytes that make the parser panic, or that it
// accepts and would not write.
func FuzzParseExemplars(f *testing.F) {
	good, err := exemplars(f).Encode()
	must(f, err)
	f.Add(good)
	f.Add(good[:70])
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseExemplars(data)
		if err != nil {
			return
		}
		if again, err := e.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted %x, which is written as %x: %v", data, again, err)
		}
	})
}
