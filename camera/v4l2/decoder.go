package v4l2

import (
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/camera/pixel"
)

// layout is what a device answered: how the bytes of a frame are to be read.
type layout struct {
	code          string
	width, height int
	stride        int // of the first plane, bytes; 0: none in between
	matrix        pixel.Matrix
}

// errDamaged is the error of a frame that the device itself gives up, which comes
// without a byte.
var errDamaged = errors.New("the device marks this frame as damaged")

// readable reports whether frames of this format can be decoded.
func readable(code string) bool {
	_, err := layout{code: code}.decoder(pixel.Limits{})
	return err == nil
}

// decoder returns what makes pixels of a frame. It is for one goroutine.
func (l layout) decoder(lim pixel.Limits) (func(dst *pixel.RGB, frame []byte) error, error) {
	yuv := &pixel.YUV{Matrix: l.matrix}
	var read func(dst *pixel.RGB, src []byte, width, height, stride int) error
	switch l.code {
	case "MJPG", "JPEG":
		return func(dst *pixel.RGB, frame []byte) error {
			if len(frame) == 0 {
				return errDamaged
			}
			return pixel.DecodeInto(dst, frame, lim)
		}, nil
	case "YUYV":
		read = yuv.YUYV
	case "UYVY":
		read = yuv.UYVY
	case "YU12":
		read = yuv.I420
	case "NV12":
		read = yuv.NV12
	case "GREY":
		read = yuv.Grey
	case "RGB3":
		read = yuv.RGB
	default:
		return nil, fmt.Errorf("frames in the format %s are not read", l.code)
	}
	return func(dst *pixel.RGB, frame []byte) error {
		if len(frame) == 0 {
			return errDamaged
		}
		return read(dst, frame, l.width, l.height, l.stride)
	}, nil
}
