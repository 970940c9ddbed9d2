// Package csi takes pictures from a camera on the board's own connector (CSI), as the
// Raspberry Pi and the Jetson have it.
//
// Such a camera is a bare sensor: exposure, white balance and colours are made by the
// board's own camera stack, which comes with a program. That program runs as a child
// process and writes pictures to its standard output: rpicam-vid (called
// libcamera-vid before 2024), or GStreamer with NVIDIA's nvarguscamerasrc or with
// libcamerasrc. Whichever is there is used, in this order.
package csi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/child"
	"github.com/edge-adapt/edge/camera/live"
	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Options says what the camera is asked for. The zero value serves.
type Options struct {
	// Width and Height of the pictures. Both zero: 640 and 480; one zero: four to
	// three. Small sizes may show the middle of the sensor only.
	Width, Height int
	// Rate is in frames a second. Zero: 30.
	Rate float64
	// Codec is what passes through the pipe: "mjpeg", or "yuv420", which costs
	// less work and more copying, from rpicam-vid alone and in widths that 128
	// divides. Empty: mjpeg.
	Codec string
	// Program is the name or path of the program. Empty: whichever is there.
	Program string
	// Limits bound a picture.
	Limits pixel.Limits
	// Stall is how long there may be no picture before Read says
	// camera.ErrStalled. Zero: 10 s.
	Stall time.Duration
}

// strideOf is what rpicam-vid rounds a row up to at most, in bytes: it does not say,
// and boards differ.
const strideOf = 128

// install is the next step where there is no program.
const install = "on a Raspberry Pi: apt-get install rpicam-apps; on a Jetson or elsewhere: apt-get install gstreamer1.0-tools and the GStreamer plug-in of the camera"

// Open opens csi://N, where N counts cameras from 0. ctx bounds the opening alone.
func Open(ctx context.Context, uri string, o Options) (camera.Source, error) {
	number, err := parse(uri)
	if err != nil {
		return nil, err
	}
	if o, err = o.complete(); err != nil {
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	p, err := find(ctx, number, o)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	process, err := child.Start(child.Options{Program: p.name, Args: p.args, Install: install})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", uri, err)
	}
	options := live.Options{
		Info: camera.Info{
			Driver: "csi", Device: uri + " (" + filepath.Base(p.name) + ")", Format: "MJPG",
			Width: o.Width, Height: o.Height, Rate: o.Rate,
		},
		Stall: o.Stall,
		Stop:  process.Close,
		Produce: func(_ context.Context, put func([]byte) []byte) error {
			defer process.Close()
			return ended(split(process, o.Limits, put))
		},
		Decode: func(dst *pixel.RGB, picture []byte) error { return pixel.DecodeInto(dst, picture, o.Limits) },
	}
	if o.Codec == "yuv420" {
		options.Info.Format = "YU12"
		// The camera stack makes these for JPEG, and so in JPEG's colours.
		yuv := &pixel.YUV{Matrix: pixel.JFIF}
		options.Decode = func(dst *pixel.RGB, frame []byte) error { return yuv.I420(dst, frame, o.Width, o.Height, 0) }
		options.Produce = func(_ context.Context, put func([]byte) []byte) error {
			defer process.Close()
			return ended(cut(process, o.Width*o.Height*3/2, put))
		}
	}
	return live.New(options), nil
}

// Check reports whether uri can be understood, without opening it.
func Check(uri string) error {
	_, err := parse(uri)
	return err
}

func parse(uri string) (int, error) {
	u, err := url.Parse(uri)
	if err == nil && u.Scheme == "csi" && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.User == nil {
		if n, err := strconv.ParseUint(u.Host, 10, 8); err == nil {
			return int(n), nil
		}
	}
	return 0, hint.Wrap(fmt.Errorf("%s names no camera: %w", camera.Redact(uri), camera.ErrBadURI), "write csi://0 for the first camera, csi://1 for the second")
}

// complete fills in what was not said, and refuses what cannot be.
func (o Options) complete() (Options, error) {
	switch {
	case o.Width <= 0 && o.Height <= 0:
		o.Width, o.Height = 640, 480
	case o.Width <= 0:
		o.Width = (o.Height*4/3 + 1) &^ 1
	case o.Height <= 0:
		o.Height = (o.Width*3/4 + 1) &^ 1
	}
	if o.Rate <= 0 {
		o.Rate = 30
	}
	switch {
	case o.Codec == "":
		o.Codec = "mjpeg"
	case o.Codec == "yuv420" && (o.Width%strideOf != 0 || o.Height%2 != 0):
		return o, hint.Wrap(fmt.Errorf("yuv420 in %dx%d: %w", o.Width, o.Height, camera.ErrUnsupported),
			"choose a width that 128 divides and an even height, or mjpeg")
	case o.Codec != "mjpeg" && o.Codec != "yuv420":
		return o, hint.Wrap(fmt.Errorf("the codec %q: %w", o.Codec, camera.ErrUnsupported), "choose mjpeg or yuv420")
	}
	if int64(o.Width) > o.Limits.OrDefault().Pixels/int64(o.Height) {
		return o, fmt.Errorf("pictures of %dx%d pixels: %w", o.Width, o.Height, pixel.ErrTooLarge)
	}
	return o, nil
}

// split puts one JPEG after the other.
func split(r io.Reader, limits pixel.Limits, put func([]byte) []byte) error {
	splitter := pipe.NewSplitter(r, limits)
	var memory []byte
	for {
		picture, err := splitter.Next(memory)
		if err != nil {
			return err
		}
		memory = put(picture)
	}
}

// cut puts one piece of n bytes after the other.
func cut(r io.Reader, n int, put func([]byte) []byte) error {
	var memory []byte
	for {
		if cap(memory) < n {
			memory = make([]byte, n)
		}
		if _, err := io.ReadFull(r, memory[:n]); err != nil {
			return err
		}
		memory = put(memory[:n])
	}
}

// ended is what stopped a program, which should not stop.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the camera program ended by itself")
	}
	return err
}
