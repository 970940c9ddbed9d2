package float16

import (
	"math"
	"testing"
)

// Every half is read exactly and written back as itself.
func TestRoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		f := FromBits(h)
		want := math.Ldexp(float64(h&0x3ff), -24)
		if e := int(h >> 10 & 0x1f); e == 31 && h&0x3ff != 0 {
			if f == f || Bits(f)&0x7c00 != 0x7c00 || Bits(f)&0x3ff == 0 {
				t.Fatalf("%#04x: a NaN becomes %v, then %#04x", h, f, Bits(f))
			}
			continue
		} else if e == 31 {
			want = math.Inf(1)
		} else if e > 0 {
			want = math.Ldexp(1+float64(h&0x3ff)/1024, e-15)
		}
		if h&0x8000 != 0 {
			want = -want
		}
		if float64(f) != want || math.Signbit(float64(f)) != (h&0x8000 != 0) {
			t.Fatalf("%#04x is %v, want %v", h, f, want)
		}
		if got := Bits(f); got != h {
			t.Fatalf("%v becomes %#04x, want %#04x", f, got, h)
		}
	}
}

// Between two neighbours the nearer one is taken, and the even one in the middle.
func TestRounds(t *testing.T) {
	for i := range 0x7bff {
		h := uint16(i)
		middle := (FromBits(h) + FromBits(h+1)) / 2
		even := h + h&1
		for _, test := range []struct {
			f    float32
			want uint16
		}{
			{math.Nextafter32(middle, 0), h},
			{middle, even},
			{math.Nextafter32(middle, 1e6), h + 1},
		} {
			if got := Bits(test.f); got != test.want {
				t.Fatalf("%v becomes %#04x, want %#04x", test.f, got, test.want)
			}
			if got := Bits(-test.f); got != test.want|0x8000 {
				t.Fatalf("%v becomes %#04x, want %#04x", -test.f, got, test.want|0x8000)
			}
		}
	}
	for f, want := range map[float32]uint16{65504: 0x7bff, 65519.996: 0x7bff, 65520: 0x7c00, 1e30: 0x7c00, 1e-30: 0} {
		if got := Bits(f); got != want {
			t.Errorf("%v becomes %#04x, want %#04x", f, got, want)
		}
	}
}
