package cameratest

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/edge-adapt/edge/camera"
)

// check holds a frame against what a Frame promises.
func (s *suite) check(f *camera.Frame, number uint64) {
	s.Helper()
	img := f.Image
	if img.Width <= 0 || img.Height <= 0 || len(img.Pix) != img.Width*img.Height*3 {
		s.Errorf("frame %d: %dx%d pixels in %d bytes", number, img.Width, img.Height, len(img.Pix))
	}
	if f.Number != number {
		s.Errorf("frame %d has the number %d", number, f.Number)
	}
	if f.Captured.IsZero() || f.Captured.After(time.Now()) {
		s.Errorf("frame %d: captured at %v, now is %v", number, f.Captured, time.Now())
	}
	if !strings.Contains(f.Captured.String(), "m=") {
		s.Errorf("frame %d: captured without the monotonic clock", number)
	}
}

func (s *suite) frames() {
	source := s.open(s.Open)
	time.Sleep(20 * time.Millisecond) // so that whatever still hangs on to the opening comes to light
	var f camera.Frame
	var last time.Time
	for number := range s.Frames {
		s.read(source, &f)
		s.check(&f, uint64(number)+1)
		if f.Captured.Before(last) {
			s.Errorf("frame %d was captured before the one before it", f.Number)
		}
		last = f.Captured
	}
	s.close(source)
}

// guard is what memory is filled with that a source must overwrite, or must not
// touch.
const guard = 0xa5

func (s *suite) memory() {
	source := s.open(s.Open)
	var first, second camera.Frame
	s.read(source, &first)

	// A frame that has left the source is the reader's: to write into, too.
	kept := first
	kept.Image.Pix = slices.Clone(first.Image.Pix)
	for i := range first.Image.Pix {
		first.Image.Pix[i] = guard
	}
	s.read(source, &second)
	if slices.ContainsFunc(first.Image.Pix, func(b byte) bool { return b != guard }) {
		s.Error("the second Read wrote into the first frame's memory")
	}
	if allGuard(second.Image.Pix) {
		s.Error("what was written into the first frame turned up in the second")
	}

	// Room that is large enough is used, all of the picture is written, and
	// nothing behind it.
	room := make([]byte, 4*max(len(kept.Image.Pix), len(second.Image.Pix)))
	for i := range room {
		room[i] = guard
	}
	third := camera.Frame{}
	third.Image.Pix = room[:0]
	s.read(source, &third)
	s.check(&third, 3)
	if n := len(third.Image.Pix); n <= len(room) {
		if &third.Image.Pix[0] != &room[0] {
			s.Error("a Read did not use the frame's memory, which was large enough")
		}
		if allGuard(third.Image.Pix) {
			s.Error("a Read did not write the picture")
		}
		if !allGuard(room[n:]) {
			s.Error("a Read wrote behind the picture")
		}
	}
	copyOf := bytes.Clone(third.Image.Pix)
	s.close(source)
	if !bytes.Equal(copyOf, third.Image.Pix) {
		s.Error("Close wrote into a frame that had been delivered")
	}
}

func allGuard(b []byte) bool {
	return !slices.ContainsFunc(b, func(v byte) bool { return v != guard })
}

func (s *suite) info() {
	source := s.open(s.Open)
	s.checkInfo(source.Info())
	var f camera.Frame
	s.read(source, &f)
	info := source.Info()
	s.checkInfo(info)
	if info.Width != 0 && (info.Width != f.Image.Width || info.Height != f.Image.Height) {
		s.Errorf("Info says %dx%d, the frame has %dx%d pixels", info.Width, info.Height, f.Image.Width, f.Image.Height)
	}
	s.close(source)
	s.checkInfo(source.Info())
}

func (s *suite) checkInfo(i camera.Info) {
	s.Helper()
	if i.Driver == "" || strings.ContainsFunc(i.Driver, func(r rune) bool { return !unicode.IsLower(r) && !unicode.IsDigit(r) }) {
		s.Errorf("the driver is called %q", i.Driver)
	}
	if (i.Width == 0) != (i.Height == 0) || i.Width < 0 || i.Height < 0 || i.Rate < 0 {
		s.Errorf("Info makes no sense: %+v", i)
	}
	if i.Device != camera.Redact(i.Device) {
		s.Errorf("Info.Device may hold a secret: %q", i.Device)
	}
}

// slow reads with pauses, as a consumer that cannot keep up. No number is left
// out: what a source drops by itself it never counted.
func (s *suite) slow() {
	source := s.open(s.Open)
	var f camera.Frame
	for number := range min(s.Frames, 5) {
		s.read(source, &f)
		s.check(&f, uint64(number)+1)
		time.Sleep(30 * time.Millisecond)
	}
	s.close(source)
}

func (s *suite) rereads() {
	one, other := s.open(s.Open), s.open(s.Open)
	var f, g camera.Frame
	for range s.Frames {
		s.read(one, &f)
		s.read(other, &g)
		if f.Image.Width != g.Image.Width || f.Name != g.Name || !bytes.Equal(f.Image.Pix, g.Image.Pix) {
			s.Errorf("frame %d differs between two sources of the same", f.Number)
		}
	}
	s.close(one)
	s.close(other)
}
