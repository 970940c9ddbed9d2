// Package pattern makes pictures up: a camera for tests, demonstrations and soaks
// that needs no hardware. It also plays the pictures of a folder over and over, as
// if a camera saw them.
package pattern

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Options says what is shown. The zero value shows moving bars of 320x240 pixels as
// fast as they are read.
type Options struct {
	// Pattern is one of Patterns. Empty means "bars", or "dir" if Dir is given.
	Pattern string
	// Width and Height are in pixels, 48x32 to 8192x8192. Zero means 320 and 240.
	// The pictures of a folder keep their own size.
	Width, Height int
	// Rate is in frames a second, up to 1000. Zero means as fast as they are read,
	// and then the source is not live.
	Rate float64
	// Frames is how many there are before the end. Zero means no end.
	Frames uint64
	// Hold is how many frames show the same colour or picture, of "colours" and
	// "dir". Zero means 1.
	Hold int
	// Dir is the folder that "dir" plays, with its subfolders, in the order of
	// names.
	Dir string
	// Limits are for the pictures in Dir.
	Limits pixel.Limits
}

// The patterns. Every picture of Bars, Noise and Colours shows its number, which
// Number reads.
const (
	Bars    = "bars"    // eight upright bars that move to the left
	Noise   = "noise"   // dots by chance, the same ones in every run
	Colours = "colours" // one plain colour after the other
	Still   = "still"   // bars that stand still: all frames are equal
	Dir     = "dir"     // the pictures of a folder
)

// Patterns lists the patterns.
func Patterns() []string { return []string{Bars, Noise, Colours, Still, Dir} }

const (
	minWidth, minHeight = 48, 32
	maxSide             = 8192
	maxRate             = 1000
	maxHold             = 1 << 30
)

// withDefaults returns o with its zeros replaced, or what is wrong with it.
func (o Options) withDefaults() (Options, error) {
	if o.Pattern == "" {
		o.Pattern = Bars
		if o.Dir != "" {
			o.Pattern = Dir
		}
	}
	if o.Pattern == Dir && (o.Width != 0 || o.Height != 0) {
		return o, wrong("the pictures of a folder keep their size", "leave width and height out")
	}
	o.Width, o.Height, o.Hold = or(o.Width, 320), or(o.Height, 240), or(o.Hold, 1)
	switch {
	case !slices.Contains(Patterns(), o.Pattern):
		return o, wrong(fmt.Sprintf("no pattern is called %q", o.Pattern), "the patterns are "+strings.Join(Patterns(), ", "))
	case o.Pattern == Dir && o.Dir == "":
		return o, wrong("the pattern dir needs a folder", "add dir=PATH")
	case o.Pattern != Dir && o.Dir != "":
		return o, wrong("the pattern "+o.Pattern+" has no folder", "take pattern=dir, or leave dir out")
	case o.Width < minWidth || o.Width > maxSide || o.Height < minHeight || o.Height > maxSide:
		return o, wrong(fmt.Sprintf("%dx%d pixels", o.Width, o.Height), fmt.Sprintf("a pattern has %dx%d to %dx%d pixels", minWidth, minHeight, maxSide, maxSide))
	case !(o.Rate >= 0 && o.Rate <= maxRate): // NaN too
		return o, wrong(fmt.Sprintf("%v frames a second", o.Rate), fmt.Sprintf("a pattern has up to %d, or 0 for as fast as they are read", maxRate))
	case o.Hold < 1 || o.Hold > maxHold:
		return o, wrong(fmt.Sprintf("every picture %d times", o.Hold), fmt.Sprintf("hold is 1 to %d", maxHold))
	}
	return o, nil
}

func or(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}

// wrong returns what is wrong with the options and how it is put right.
func wrong(what, next string) error {
	return hint.Wrap(fmt.Errorf("test pattern: %s: %w", what, camera.ErrBadURI), next)
}

// Validate returns what is wrong with the options, or nil.
func (o Options) Validate() error {
	_, err := o.withDefaults()
	return err
}

// source shows a pattern. Read alone touches what may change, but for closed.
type source struct {
	options Options
	painter painter
	number  uint64
	clock   clock
	closing sync.Once
	closed  chan struct{}
}

// painter fills frames.
type painter interface {
	// paint fills f's picture and name for the frame of that number, from 1. A
	// *camera.Skipped is for a picture that cannot be used.
	paint(f *camera.Frame, number uint64) error
}

// Open returns a source that shows a pattern. It fails if the options are wrong or
// the folder has no pictures.
func Open(ctx context.Context, o Options) (camera.Source, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &source{options: o, closed: make(chan struct{})}
	switch o.Pattern {
	case Dir:
		s.painter, err = newFolder(ctx, o)
	case Noise:
		s.painter = &noise{o.Width, o.Height}
	case Colours:
		s.painter = &colours{o.Width, o.Height, uint64(o.Hold)}
	default:
		s.painter = newBars(o.Width, o.Height, o.Pattern == Bars)
	}
	if err != nil {
		return nil, err
	}
	if o.Rate > 0 {
		s.clock = newClock(o.Rate)
	}
	return s, nil
}

// Read implements camera.Source.
func (s *source) Read(ctx context.Context, f *camera.Frame) error {
	select {
	case <-s.closed:
		return camera.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.options.Frames > 0 && s.number == s.options.Frames {
		return io.EOF
	}
	if s.options.Rate > 0 {
		if err := s.clock.wait(ctx, s.closed); err != nil {
			return err
		}
	}
	f.Name = ""
	if err := s.painter.paint(f, s.number+1); err != nil {
		return err
	}
	s.number++
	f.Number, f.Captured = s.number, time.Now()
	return nil
}

// Info implements camera.Source.
func (s *source) Info() camera.Info {
	info := camera.Info{Driver: "pattern", Device: s.options.Pattern, Format: "RGB3", Rate: s.options.Rate, Live: s.options.Rate > 0}
	if s.options.Pattern == Dir {
		info.Device, info.Format = s.options.Dir, ""
	} else {
		info.Width, info.Height = s.options.Width, s.options.Height
	}
	return info
}

// Close implements camera.Source.
func (s *source) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}
