package stream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
)

func TestBefore51(t *testing.T) {
	for version, want := range map[string]bool{
		"ffmpeg version 4.3.6-0+deb11u1 Copyright": true,
		"ffmpeg version 5.0.1 Copyright":           true,
		"ffmpeg version 5.1.9-0+deb12u1 Copyright": false,
		"ffmpeg version n6.1 Copyright":            false,
		"ffmpeg version 7.1":                       false,
		"ffmpeg version 10.0":                      false,
		"ffmpeg version N-112233-gabcdef":          false,
		"something else":                           false,
		"":                                         false,
	} {
		if got := before51(version); got != want {
			t.Errorf("%q: %v", version, got)
		}
	}
}

func TestFeeder(t *testing.T) {
	idr, other, aud := []byte{0x65, 1}, []byte{0x41, 2}, []byte{0x09, 0xf0}
	f := newFeeder(codecH264, []byte{0x67, 3}, nil, []byte{0x68, 4})
	f.add([][]byte{other}) // of no use without the one before
	f.add([][]byte{aud, idr})
	f.add([][]byte{aud, other})
	code := "\x00\x00\x00\x01"
	end := code + "\x09\xf0"
	for _, want := range []string{
		code + "\x67\x03" + code + "\x68\x04" + code + "\x65\x01" + end,
		code + "\x41\x02" + end,
	} {
		select {
		case got := <-f.units:
			if string(got) != want {
				t.Errorf("%q, want %q", got, want)
			}
			f.recycle(got)
		default:
			t.Fatal("nothing was passed on")
		}
	}

	// A decoder that is too slow: after the queue is full, on with a whole picture.
	for range queue + 5 {
		f.add([][]byte{other})
	}
	for range queue {
		<-f.units
	}
	f.add([][]byte{other})
	if len(f.units) != 0 {
		t.Error("a picture was passed on that needs one that was thrown away")
	}
	f.add([][]byte{idr})
	if len(f.units) != 1 {
		t.Error("a whole picture was not passed on")
	}

	// A camera that never sends a whole picture.
	f = newFeeder(codecH265)
	for range patience {
		f.add([][]byte{{1 << 1, 1}})
	}
	if len(f.units) != 0 {
		t.Error("passed on too early")
	}
	f.add([][]byte{{1 << 1, 1}})
	if len(f.units) != 1 {
		t.Error("never passed on")
	}
}

func TestReadPPM(t *testing.T) {
	stream := "P6\n2 1\n255\nabcdefP6 1 2 255\nghijkl"
	var got []string
	err := readPPM(strings.NewReader(stream), pixel.Limits{}, func(p []byte) []byte {
		var img pixel.RGB
		if err := decodeRaw(&img, p); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%dx%d %s", img.Width, img.Height, img.Pix))
		return p[:0]
	})
	if want := []string{"2x1 abcdef", "1x2 ghijkl"}; !slices.Equal(got, want) || !errors.Is(err, io.EOF) {
		t.Errorf("%q, %v", got, err)
	}
	for stream, want := range map[string]error{
		"P5\n2 1\n255\n":              errNoPPM,
		"P6\n2 1\n65535\n":            errNoPPM,
		"P6\n-2 1\n255\n":             errNoPPM,
		"GIF89a":                      errNoPPM,
		"P6\n\n2 1":                   errNoPPM,
		"P6\n99999999999999999999 1 ": errNoPPM,
		"P6\n0 1\n255\n":              pixel.ErrTooLarge,
		"P6\n100000 100000\n255\n":    pixel.ErrTooLarge,
		"P6\n2 1\n255\nabc":           io.ErrUnexpectedEOF,
		"":                            io.EOF,
	} {
		if err := readPPM(strings.NewReader(stream), pixel.Limits{}, func([]byte) []byte { t.Error("a picture"); return nil }); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", stream, err, want)
		}
	}
}

func FuzzPPMHeader(f *testing.F) {
	f.Add([]byte("P6\n320 240\n255\n..."))
	f.Add([]byte("P6 1 1 255 x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		width, height, err := ppmHeader(bufio.NewReader(bytes.NewReader(data)))
		if err == nil && (width < 0 || height < 0 || width > 1<<28 || height > 1<<28) {
			t.Errorf("%dx%d", width, height)
		}
	})
}
