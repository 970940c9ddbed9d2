package pipe

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Markers of a JPEG file (ITU-T T.81, table B.1), the byte behind 0xff.
const (
	stuffed        = 0x00 // not a marker: 0xff in the data
	temporary      = 0x01
	restart0       = 0xd0 // to restart0+7
	startOfImage   = 0xd8
	endOfImage     = 0xd9
	startOfScan    = 0xda
	firstApp       = 0xe0 // to firstApp+15: for whatever programs like
	comment        = 0xfe
	segmentsFrom   = 0xc0 // whatever is lower is reserved
	maxSegmentSize = 1<<16 - 1
)

// Splitter takes a stream of JPEG pictures apart, one right after the other or with
// anything in between, as cameras and programs send them ("MJPEG"). It follows the
// structure of the files, so a thumbnail inside a picture is no picture of its own.
type Splitter struct {
	r    *bufio.Reader
	most int
}

// NewSplitter returns a Splitter that reads r. limits.Bytes bounds a picture, and
// also what may lie between two.
func NewSplitter(r io.Reader, limits pixel.Limits) *Splitter {
	return &Splitter{bufio.NewReaderSize(r, 2*maxSegmentSize), int(limits.OrDefault().Bytes)}
}

// Next returns the next picture, from its start marker to its end marker. It uses
// buf's memory if that is large enough.
//
// A picture that breaks off where another begins, or whose structure is broken, is
// returned as far as it goes: decoding it says what is wrong, and the stream goes
// on. The error is io.EOF where the stream ends between pictures,
// io.ErrUnexpectedEOF, wrapped, where it ends inside one, pixel.ErrTooLarge for
// what exceeds the limit, and otherwise the reader's. After an error it is over.
func (s *Splitter) Next(buf []byte) ([]byte, error) {
	if err := s.seek(); err != nil {
		return nil, err
	}
	buf = append(buf[:0], 0xff, startOfImage)
	marker, buf, err := s.marker(buf)
	for err == nil {
		switch {
		case marker == endOfImage, marker == startOfImage, marker == broken:
			return buf, nil
		case marker == temporary, marker >= restart0 && marker < restart0+8:
			marker, buf, err = s.marker(buf)
			continue
		}
		var whole bool
		if buf, whole, err = s.segment(marker, buf); err != nil {
			break
		}
		switch {
		case !whole:
			return buf, nil
		case marker == startOfScan:
			marker, buf, err = s.scan(buf)
		default:
			marker, buf, err = s.marker(buf)
		}
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the stream ends inside a picture: %w", io.ErrUnexpectedEOF)
	}
	return nil, err
}

// broken is what marker returns where no marker is.
const broken = -1

// seek skips everything up to behind the start of a picture: a start marker that
// another marker follows, of which the first byte stays unread.
func (s *Splitter) seek() error {
	for left := s.most; left > 0; {
		b, err := s.buffered(3)
		if err != nil {
			return err
		}
		b = b[:min(len(b), left+2)]
		at := bytes.Index(b, []byte{0xff, startOfImage, 0xff})
		if at >= 0 {
			s.discard(at + 2)
			return nil
		}
		s.discard(len(b) - 2) // the last two may be the beginning of it
		left -= len(b) - 2
	}
	err := fmt.Errorf("no JPEG picture in %d bytes: %w", s.most, pixel.ErrFormat)
	return hint.Wrap(err, "see that the program sends MJPEG: ffmpeg … -f mjpeg -")
}

// buffered returns what can be had without waiting, but at least n bytes. Fewer are
// io.EOF.
func (s *Splitter) buffered(n int) ([]byte, error) {
	if _, err := s.r.Peek(n); err != nil {
		return nil, err
	}
	return s.r.Peek(s.r.Buffered())
}

// discard drops n bytes that are buffered.
func (s *Splitter) discard(n int) { _, _ = s.r.Discard(n) }

// take moves n bytes that are buffered to buf.
func (s *Splitter) take(buf []byte, n int) ([]byte, error) {
	if len(buf)+n > s.most {
		return nil, fmt.Errorf("a picture of more than %d bytes: %w", s.most, pixel.ErrTooLarge)
	}
	b, err := s.r.Peek(n)
	if err != nil {
		return nil, err
	}
	buf = append(buf, b...)
	s.discard(n)
	return buf, nil
}

// marker reads a marker, with the fill bytes before it, into buf. It leaves a start
// of another picture unread, and what is no marker too, and returns broken then.
func (s *Splitter) marker(buf []byte) (marker int, _ []byte, err error) {
	for {
		b, err := s.buffered(2)
		if err != nil {
			return 0, nil, err
		}
		marker := int(b[1])
		switch {
		case b[0] != 0xff, marker < segmentsFrom && marker != temporary:
			return broken, buf, nil
		case marker == startOfImage:
			return marker, buf, nil
		case marker == 0xff: // a fill byte
			buf, err = s.take(buf, 1)
		default:
			buf, err = s.take(buf, 2)
			return marker, buf, err
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

// segment reads the length and the payload that follow a marker into buf. It stops
// where another picture begins inside and reports that it is not whole.
func (s *Splitter) segment(marker int, buf []byte) (_ []byte, whole bool, err error) {
	b, err := s.buffered(2)
	if err != nil {
		return nil, false, err
	}
	// A length counts itself. One that does not is left for the decoder to
	// complain about, and what follows is no marker.
	n := max(2, int(binary.BigEndian.Uint16(b)))
	if b, err = s.r.Peek(n); err != nil {
		return nil, false, err
	}
	// A thumbnail may be there, but no table has such a sequence.
	application := marker >= firstApp && marker < firstApp+16 || marker == comment
	if at := bytes.Index(b, []byte{0xff, startOfImage, 0xff}); at >= 0 && !application {
		buf, err = s.take(buf, at)
		return buf, false, err
	}
	buf, err = s.take(buf, n)
	return buf, true, err
}

// scan reads the data of a scan, up to and with the marker that ends it.
func (s *Splitter) scan(buf []byte) (marker int, _ []byte, err error) {
	for {
		b, err := s.buffered(2)
		if err != nil {
			return 0, nil, err
		}
		at := bytes.IndexByte(b[:len(b)-1], 0xff)
		if at < 0 {
			if buf, err = s.take(buf, len(b)-1); err != nil {
				return 0, nil, err
			}
			continue
		}
		if next := b[at+1]; next == stuffed || next >= restart0 && next < restart0+8 {
			if buf, err = s.take(buf, at+2); err != nil {
				return 0, nil, err
			}
			continue
		}
		if buf, err = s.take(buf, at); err != nil {
			return 0, nil, err
		}
		return s.marker(buf)
	}
}
