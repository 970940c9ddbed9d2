// Package v4l2 takes pictures from a camera device of the Linux kernel, such as
// /dev/video0: USB cameras, capture cards, loopback devices.
//
// The kernel fills buffers that are mapped into this process. A device may answer
// with another format, size or rate than it was asked for; what it answers is what
// is used and what Info says. The devices' names in /dev/v4l/by-id stay the same
// from boot to boot, the numbers in /dev/video0 do not.
//
// Frames are read in one plane, as MJPG, JPEG, YUYV, UYVY, NV12, YU12, GREY or RGB3.
// Devices that have nothing but raw sensor data or several planes, as the sensors
// behind a Raspberry Pi's or Jetson's camera connector have, are not for this
// package; see package csi.
package v4l2

import (
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
)

// Options says what a device is asked for. The zero value asks for 640x480.
type Options struct {
	// Width and Height are wished for; the device has the last word. Both zero:
	// 640 and 480. One zero: the other decides.
	Width, Height int
	// Rate is wished for, in frames a second. Zero: the device's own, and at least
	// 30 where formats differ in what they can do.
	Rate float64
	// Format is the four letters of a pixel format that must be used, such as
	// "MJPG". Empty: whichever gives the size and the rate at the least cost.
	Format string
	// Controls are set before the first frame, by their names as List gives them.
	Controls map[string]int
	// Limits bound a picture.
	Limits pixel.Limits
	// Stall is how long there may be no picture before Read says
	// camera.ErrStalled. Zero: 10 s.
	Stall time.Duration
}

// Device is a camera of this machine.
type Device struct {
	Path     string    `json:"path"`               // /dev/video0
	Links    []string  `json:"links,omitempty"`    // names that stay: /dev/v4l/by-id/…, then by-path
	Name     string    `json:"name"`               // as the maker calls it
	Driver   string    `json:"driver"`             // of the kernel
	Bus      string    `json:"bus,omitempty"`      // where it is plugged in
	Formats  []Format  `json:"formats"`            // in the device's order
	Controls []Control `json:"controls,omitempty"` // in the device's order
}

// Format is one way in which a device sends pictures.
type Format struct {
	Code        string `json:"code"` // four letters
	Description string `json:"description"`
	Readable    bool   `json:"readable"`        // by this package
	Sizes       []Size `json:"sizes,omitempty"` // none: the device does not say
}

// Size is a size of pictures, or a range of sizes.
type Size struct {
	Width     int `json:"width"`
	Height    int `json:"height"`
	MaxWidth  int `json:"max_width,omitempty"` // of a range, together with the next three
	MaxHeight int `json:"max_height,omitempty"`
	StepX     int `json:"step_x,omitempty"`
	StepY     int `json:"step_y,omitempty"`
	// Rates are in frames a second, the highest first. None: the device does not
	// say. Of a range of rates both ends, and of a range of sizes those of the
	// largest.
	Rates []float64 `json:"rates,omitempty"`
}

// Control is something that can be set.
type Control struct {
	Name    string `json:"name"` // lower case: "exposure_time_absolute"
	Value   int    `json:"value"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	Step    int    `json:"step,omitempty"`
	Default int    `json:"default"`
	// Choices names the values of a menu.
	Choices map[int]string `json:"choices,omitempty"`
	// Inactive controls have no effect while another control is as it is, such as
	// the exposure time while exposure is automatic.
	Inactive bool `json:"inactive,omitempty"`

	id       uint32
	readOnly bool
}
