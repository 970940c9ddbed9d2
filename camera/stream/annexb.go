package stream

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// codec is what differs between H.264 and H.265.
type codec struct {
	name   string // as Info has it
	format string // as ffmpeg calls its demuxer
	// delimiter is an access unit delimiter: behind an access unit it tells the
	// decoder that the picture is complete. Without it, every picture would wait
	// for the first bytes of the next one.
	delimiter []byte
	// isDelimiter reports whether a unit is one, begins whether decoding can begin
	// with these units.
	isDelimiter func(unit []byte) bool
	begins      func(units [][]byte) bool
}

var (
	codecH264 = &codec{
		name: "H264", format: "h264",
		delimiter:   []byte{0, 0, 0, 1, byte(h264.NALUTypeAccessUnitDelimiter), 0xf0},
		isDelimiter: func(u []byte) bool { return h264.NALUType(u[0]&0x1f) == h264.NALUTypeAccessUnitDelimiter },
		begins:      h264.IsRandomAccess,
	}
	codecH265 = &codec{
		name: "H265", format: "hevc",
		delimiter:   []byte{0, 0, 0, 1, byte(h265.NALUType_AUD_NUT) << 1, 1, 0x50},
		isDelimiter: func(u []byte) bool { return h265.NALUType(u[0]>>1&0x3f) == h265.NALUType_AUD_NUT },
		begins:      h265.IsRandomAccess,
	}
)

// annexB appends an access unit as a byte stream (ITU-T H.264 and H.265, annex B):
// each unit behind a start code, the delimiter last.
func (c *codec) annexB(dst []byte, units [][]byte) []byte {
	for _, u := range units {
		if len(u) > 0 && !c.isDelimiter(u) {
			dst = append(append(dst, 0, 0, 0, 1), u...)
		}
	}
	return append(dst, c.delimiter...)
}

// queue is how many access units wait for the decoder at most. When it cannot keep
// up, what comes is thrown away until a picture comes that needs no other.
const queue = 64

// feeder passes access units to the decoder. add is for one goroutine, units for
// another.
type feeder struct {
	codec *codec
	// parameters go before the first picture, where the server sent them apart
	// from the video.
	parameters [][]byte

	units   chan []byte
	free    chan []byte
	started bool
	waited  int // access units since the last that was passed on
}

// patience is after how many access units a decoder may begin with any: there are
// cameras that refresh pictures bit by bit and never send a whole one.
const patience = 300

func newFeeder(c *codec, parameters ...[]byte) *feeder {
	f := &feeder{codec: c, units: make(chan []byte, queue), free: make(chan []byte, queue)}
	for _, p := range parameters {
		if len(p) > 0 {
			f.parameters = append(f.parameters, p)
		}
	}
	return f
}

// add takes an access unit, of which it keeps nothing.
func (f *feeder) add(units [][]byte) {
	if f.waited++; !f.started && !f.codec.begins(units) && f.waited <= patience {
		return
	}
	var memory []byte
	select {
	case memory = <-f.free:
	default:
	}
	memory = memory[:0]
	if !f.started {
		for _, p := range f.parameters {
			memory = append(append(memory, 0, 0, 0, 1), p...)
		}
	}
	select {
	case f.units <- f.codec.annexB(memory, units):
		f.started, f.waited = true, 0
	default:
		f.started = false
	}
}

// recycle takes memory back.
func (f *feeder) recycle(memory []byte) {
	select {
	case f.free <- memory:
	default:
	}
}
