// Package camera says what a source of pictures is, and keeps one running.
//
// A driver is a folder below this one: dir (a watched folder), pipe (raw frames
// on a stream), pattern (a made-up picture), stream (HTTP MJPEG, RTSP and the
// like), csi (a camera program as a child process), v4l2 (a camera device). Each
// gives a Source; package open chooses by URI. Feed runs one: it opens it again
// after a failure, and hands the newest frame to a consumer that may be slow.
package camera

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// Source delivers frames one after the other.
//
// Read is called by one goroutine. Close may be called by any, at any time, and
// ends a Read that waits. A Source that has failed stays failed: it is closed and
// another one is opened. The context that a Source was opened under bounds the
// opening alone; a Source lives until Close.
type Source interface {
	// Read waits for the next frame and fills f, whose memory it reuses.
	//
	// The error is io.EOF when the source has come to its end by itself (a file
	// that is read through, a pattern of n frames), ctx's when ctx ended, and
	// otherwise says what failed: ErrClosed after Close, and where Close ended the
	// waiting. A picture that cannot be decoded is a *Skipped: the source goes on.
	// After an error f holds no picture in particular.
	Read(ctx context.Context, f *Frame) error
	// Info describes what is really delivered, as negotiated. It is valid after
	// opening, and may become more exact with the first frame.
	Info() Info
	// Close frees the device, the connection or the child process, and waits
	// until they are gone. Further calls do nothing.
	Close() error
}

// Info describes an open source.
type Info struct {
	Driver string  `json:"driver"`           // "pattern", "dir", "v4l2", …
	Device string  `json:"device,omitempty"` // its name for people, without credentials
	Format string  `json:"format,omitempty"` // as delivered: "MJPG", "YUYV", "RGB3", "H264", …
	Width  int     `json:"width,omitempty"`  // pixels; 0: not known yet, or varying
	Height int     `json:"height,omitempty"`
	Rate   float64 `json:"rate,omitempty"` // frames a second, as negotiated; 0: not known
	// Live sources go on whether anybody reads or not: a slow consumer gets the
	// newest frame and the others are dropped and counted. A source that is not
	// live (a folder, a pipe from a file) waits.
	Live bool `json:"live"`
}

// Skipped is what Read returns for a picture that cannot be used.
type Skipped struct {
	Name string // as in Frame
	Err  error
}

func (s *Skipped) Error() string {
	switch {
	case s.Name == "":
		return s.Err.Error()
	case strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return strconv.Quote(s.Name) + ": " + s.Err.Error()
	}
	return s.Name + ": " + s.Err.Error()
}

func (s *Skipped) Unwrap() error { return s.Err }

// Reasons that errors.Is finds in what opening and Read return. The first two
// tell Feed that trying again is of no use.
var (
	ErrUnsupported = errors.New("not supported here")       // no such driver, device kind or program on this machine
	ErrBadURI      = errors.New("not a source")             // cannot be understood
	ErrUnplugged   = errors.New("the device is gone")       // may come back
	ErrStalled     = errors.New("no frame arrived in time") // the connection stands, but nothing comes
	ErrClosed      = errors.New("the source is closed")     // by its owner
)
