package csi

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/child"
	"github.com/edge-adapt/edge/internal/hint"
)

// program is what is run.
type program struct {
	name string
	args []string
}

// find returns what is to be run for a camera.
func find(ctx context.Context, number int, o Options) (program, error) {
	names := []string{"rpicam-vid", "libcamera-vid", "gst-launch-1.0"}
	if o.Program != "" {
		names = []string{o.Program}
	}
	var missing error
	for _, name := range names {
		path, err := child.Find(name, install)
		if err != nil {
			missing = err
			continue
		}
		if strings.HasPrefix(filepath.Base(name), "gst-launch") {
			return gstreamer(ctx, path, number, o)
		}
		return program{path, rpicam(number, o)}, nil
	}
	if o.Program == "" {
		missing = hint.Wrap(fmt.Errorf("neither rpicam-vid nor libcamera-vid nor gst-launch-1.0 is on PATH: %w", camera.ErrUnsupported), install)
	}
	return program{}, missing
}

// rpicam are the arguments of rpicam-vid and libcamera-vid.
func rpicam(number int, o Options) []string {
	return []string{
		"--camera", strconv.Itoa(number), "--codec", o.Codec,
		"--width", strconv.Itoa(o.Width), "--height", strconv.Itoa(o.Height),
		"--framerate", strconv.FormatFloat(o.Rate, 'f', -1, 64),
		"--timeout", "0", "--nopreview", "--flush", "--output", "-",
	}
}

// gstreamer makes a pipeline of whichever source there is.
func gstreamer(ctx context.Context, launch string, number int, o Options) (program, error) {
	if o.Codec != "mjpeg" {
		return program{}, hint.Wrap(fmt.Errorf("the codec %s through GStreamer: %w", o.Codec, camera.ErrUnsupported), "choose mjpeg")
	}
	// Frames a second are a fraction here.
	size := fmt.Sprintf("width=%d,height=%d,framerate=%d/1000", o.Width, o.Height, int(o.Rate*1000+0.5))
	args := []string{"--quiet"}
	has := func(element string) (bool, error) { return hasElement(ctx, launch, element) }
	nvidia, err := has("nvarguscamerasrc")
	if err != nil {
		return program{}, err
	}
	if nvidia {
		return program{launch, append(args,
			"nvarguscamerasrc", "sensor-id="+strconv.Itoa(number), "!", "video/x-raw(memory:NVMM),format=NV12,"+size, "!",
			"nvjpegenc", "!", "fdsink", "fd=1", "sync=false")}, nil
	}
	libcamera, err := has("libcamerasrc")
	switch {
	case err != nil:
		return program{}, err
	case !libcamera:
		return program{}, hint.Wrap(fmt.Errorf("GStreamer has neither nvarguscamerasrc nor libcamerasrc: %w", camera.ErrUnsupported), install)
	case number != 0:
		// It takes a name that only the camera stack knows.
		return program{}, hint.Wrap(fmt.Errorf("libcamerasrc opens the first camera alone: %w", camera.ErrUnsupported), "apt-get install rpicam-apps")
	}
	return program{launch, append(args,
		"libcamerasrc", "!", "video/x-raw,"+size, "!", "videoconvert", "!", "jpegenc", "!", "fdsink", "fd=1", "sync=false")}, nil
}

// hasElement asks the gst-inspect that belongs to a gst-launch.
func hasElement(ctx context.Context, launch, element string) (bool, error) {
	inspect := filepath.Join(filepath.Dir(launch), strings.Replace(filepath.Base(launch), "launch", "inspect", 1))
	_, err := child.Run(ctx, child.Options{Program: inspect, Args: []string{"--exists", element}, Install: install}, 1<<16)
	if errors.Is(err, camera.ErrUnsupported) || ctx.Err() != nil {
		return false, err
	}
	return err == nil, nil
}
