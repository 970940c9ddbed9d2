package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/camera/v4l2"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestFirstFramePassesOverBrokenPictures(t *testing.T) {
	var whole bytes.Buffer
	if err := jpeg.Encode(&whole, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	half := whole.Bytes()[:whole.Len()-20]
	in := io.MultiReader(bytes.NewReader(half), bytes.NewReader(half), &whole)
	shown, frame, err := firstFrame(t.Context(), "pipe:?format=mjpeg", open.Options{Stdin: in}, time.Minute)
	if err != nil || shown.Skipped != 2 || shown.Width != 64 || frame.Image.Height != 48 {
		t.Errorf("%+v, %v", shown, err)
	}

	// Nothing but broken ones, and then silence.
	r, w := io.Pipe()
	go func() {
		w.Write(half)
		w.Write(half)
	}()
	_, _, err = firstFrame(t.Context(), "pipe:?format=mjpeg", open.Options{Stdin: r}, 300*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "no frame could be read, of 1 that came (") || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
}

func TestDeviceTable(t *testing.T) {
	devices := []v4l2.Device{{
		Path: "/dev/video0", Name: "HD Pro Webcam C920", Links: []string{"/dev/v4l/by-id/usb-046d-index0"},
		Formats: []v4l2.Format{
			{Code: "YUYV", Readable: true, Sizes: []v4l2.Size{{Width: 640, Height: 480, Rates: []float64{29.97, 15}}, {Width: 32, Height: 32, MaxWidth: 1920, MaxHeight: 1080}}},
			{Code: "H264"},
		},
		Controls: []v4l2.Control{
			{Name: "brightness", Value: 3, Max: 255},
			{Name: "auto_exposure", Value: 1, Choices: map[int]string{3: "Automatic", 1: "Manual"}, Inactive: true},
		},
	}}
	got := deviceTable(devices, true)
	for _, want := range []string{
		"HD Pro Webcam C920", "640x480 (29.97), 32x32 to 1920x1080", "not read by edge", "/dev/v4l/by-id/usb-046d-index0", "0 to 255", "1 Manual, 3 Automatic (of no effect now)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(deviceTable(devices, false), "brightness") {
		t.Error("controls are shown unasked")
	}
	if got := deviceTable(nil, false); !strings.Contains(got, "no camera devices") {
		t.Error(got)
	}
}
