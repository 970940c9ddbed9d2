package csi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// TestMain makes this program a camera program where a script of fakes runs it.
func TestMain(m *testing.M) {
	if name := os.Getenv("EDGE_TEST_CAMERA"); name != "" {
		os.Exit(fakeCamera(filepath.Base(name), os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// fakes puts programs of these names on PATH, and nothing else. They write how they
// were called into the file that is returned.
func fakes(t *testing.T, names ...string) (log string) {
	t.Helper()
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// What starts programs of another architecture, by its path: PATH is to change.
	launcher := strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER"))
	if len(launcher) > 0 {
		if launcher[0], err = exec.LookPath(launcher[0]); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names {
		script := fmt.Sprintf("#!/bin/sh\nEDGE_TEST_CAMERA=\"$0\" EDGE_TEST_LOG='%s' exec %s '%s' \"$@\"\n", log, strings.Join(launcher, " "), self)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return log
}

// fakeCamera sends pictures as the program of that name would, and complains about
// arguments that it would not know.
func fakeCamera(name string, args []string) int {
	if f, err := os.OpenFile(os.Getenv("EDGE_TEST_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		fmt.Fprintln(f, name, strings.Join(args, " "))
		f.Close()
	}
	if name == "gst-inspect-1.0" {
		if len(args) == 2 && args[0] == "--exists" && args[1] == os.Getenv("EDGE_TEST_ELEMENT") {
			return 0
		}
		return 1
	}
	value := func(flag string) string {
		if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
			return args[i+1]
		}
		return ""
	}
	switch os.Getenv("EDGE_TEST_FAULT") {
	case "no camera":
		fmt.Fprintln(os.Stderr, "[0:12:03.4] INFO Camera camera_manager.cpp:297 libcamera v0.3.2")
		fmt.Fprintln(os.Stderr, "ERROR: *** no cameras available ***")
		return 255
	case "silent":
		time.Sleep(time.Hour)
	case "ends":
		os.Stdout.Write(picture(64, 48, 0))
		return 0
	}
	var width, height int
	size := value("--width") + "x" + value("--height")
	if name == "gst-launch-1.0" {
		_, caps, _ := strings.Cut(strings.Join(args, " "), "width=")
		size = strings.Replace(caps, ",height=", "x", 1)
	}
	if _, err := fmt.Sscanf(size, "%dx%d", &width, &height); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR: *** unrecognised option ***")
		return 255
	}
	for i := 0; ; i++ {
		frame := picture(width, height, i)
		if value("--codec") == "yuv420" {
			frame = slices.Concat(bytes.Repeat([]byte{byte(i)}, width*height), bytes.Repeat([]byte{128}, width*height/2))
		}
		if _, err := os.Stdout.Write(frame); err != nil {
			return 1
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func picture(width, height, number int) []byte {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(number)
	}
	img.SetGray(0, 0, color.Gray{Y: byte(number)})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func opener(o Options, fault string) func(context.Context) (camera.Source, error) {
	return func(ctx context.Context) (camera.Source, error) {
		os.Setenv("EDGE_TEST_FAULT", fault)
		defer os.Unsetenv("EDGE_TEST_FAULT")
		return Open(ctx, "csi://0", o)
	}
}

func TestConformance(t *testing.T) {
	for _, codec := range []string{"mjpeg", "yuv420"} {
		t.Run(codec, func(t *testing.T) {
			fakes(t, "rpicam-vid")
			o := Options{Width: 128, Height: 96, Codec: codec}
			cameratest.Run(t, cameratest.Harness{
				Frames: 5, Open: opener(o, ""), OpenIdle: opener(o, "silent"), OpenFailing: opener(o, "ends"),
			})
		})
	}
}

func TestProgramsAndArguments(t *testing.T) {
	for _, c := range []struct {
		name    string
		there   []string
		element string
		uri     string
		o       Options
		want    string // the last call
	}{
		{"Raspberry Pi", []string{"gst-launch-1.0", "libcamera-vid", "rpicam-vid"}, "", "csi://1", Options{},
			"rpicam-vid --camera 1 --codec mjpeg --width 640 --height 480 --framerate 30 --timeout 0 --nopreview --flush --output -"},
		{"an older one", []string{"libcamera-vid"}, "", "csi://0", Options{Width: 128, Rate: 7.5, Codec: "yuv420"},
			"libcamera-vid --camera 0 --codec yuv420 --width 128 --height 96 --framerate 7.5 --timeout 0 --nopreview --flush --output -"},
		{"Jetson", []string{"gst-launch-1.0", "gst-inspect-1.0"}, "nvarguscamerasrc", "csi://1", Options{Width: 1280, Height: 720, Rate: 29.97},
			"gst-launch-1.0 --quiet nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),format=NV12,width=1280,height=720,framerate=29970/1000 ! nvjpegenc ! fdsink fd=1 sync=false"},
		{"libcamera through GStreamer", []string{"gst-launch-1.0", "gst-inspect-1.0"}, "libcamerasrc", "csi://0", Options{Height: 120},
			"gst-launch-1.0 --quiet libcamerasrc ! video/x-raw,width=160,height=120,framerate=30000/1000 ! videoconvert ! jpegenc ! fdsink fd=1 sync=false"},
		{"the one that was asked for", []string{"rpicam-vid", "libcamera-vid"}, "", "csi://0", Options{Program: "libcamera-vid"},
			"libcamera-vid --camera 0 --codec mjpeg --width 640 --height 480 --framerate 30 --timeout 0 --nopreview --flush --output -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := fakes(t, c.there...)
			t.Setenv("EDGE_TEST_ELEMENT", c.element)
			source, err := Open(t.Context(), c.uri, c.o)
			if err != nil {
				t.Fatalf("%v, hint %q", err, hint.Of(err))
			}
			defer source.Close()
			var f camera.Frame
			if err := source.Read(t.Context(), &f); err != nil {
				t.Fatal(err)
			}
			calls, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(calls)), "\n")
			if got := lines[len(lines)-1]; got != c.want {
				t.Errorf("called as\n%s\nwant\n%s", got, c.want)
			}
			info := source.Info()
			program, _, _ := strings.Cut(c.want, " ")
			if info.Driver != "csi" || info.Device != c.uri+" ("+program+")" || info.Width != f.Image.Width || info.Rate == 0 || !info.Live {
				t.Errorf("%+v", info)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name    string
		there   []string
		element string
		uri     string
		o       Options
		want    error
		hint    string
	}{
		{"no program", nil, "", "csi://0", Options{}, camera.ErrUnsupported, "rpicam-apps"},
		{"not the program", []string{"rpicam-vid"}, "", "csi://0", Options{Program: "other-vid"}, camera.ErrUnsupported, "rpicam-apps"},
		{"no plug-in", []string{"gst-launch-1.0", "gst-inspect-1.0"}, "x", "csi://0", Options{}, camera.ErrUnsupported, "plug-in"},
		{"no inspector", []string{"gst-launch-1.0"}, "x", "csi://0", Options{}, camera.ErrUnsupported, "gstreamer1.0-tools"},
		{"second of libcamerasrc", []string{"gst-launch-1.0", "gst-inspect-1.0"}, "libcamerasrc", "csi://1", Options{}, camera.ErrUnsupported, "rpicam-apps"},
		{"raw through GStreamer", []string{"gst-launch-1.0"}, "", "csi://0", Options{Codec: "yuv420"}, camera.ErrUnsupported, "mjpeg"},
		{"padded rows", []string{"rpicam-vid"}, "", "csi://0", Options{Codec: "yuv420", Width: 192}, camera.ErrUnsupported, "128"},
		{"another codec", []string{"rpicam-vid"}, "", "csi://0", Options{Codec: "h264"}, camera.ErrUnsupported, "mjpeg"},
		{"too large", []string{"rpicam-vid"}, "", "csi://0", Options{Width: 1 << 20, Height: 1 << 20}, pixel.ErrTooLarge, ""},
		{"no number", []string{"rpicam-vid"}, "", "csi://left", Options{}, camera.ErrBadURI, "csi://0"},
		{"nothing", []string{"rpicam-vid"}, "", "csi://", Options{}, camera.ErrBadURI, "csi://0"},
		{"negative", []string{"rpicam-vid"}, "", "csi://-1", Options{}, camera.ErrBadURI, "csi://0"},
		{"a path", []string{"rpicam-vid"}, "", "csi://0/x", Options{}, camera.ErrBadURI, "csi://0"},
		{"another scheme", []string{"rpicam-vid"}, "", "v4l2://0", Options{}, camera.ErrBadURI, "csi://0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fakes(t, c.there...)
			t.Setenv("EDGE_TEST_ELEMENT", c.element)
			_, err := Open(t.Context(), c.uri, c.o)
			if !errors.Is(err, c.want) || !strings.Contains(hint.Of(err), c.hint) {
				t.Errorf("%v, hint %q", err, hint.Of(err))
			}
			if bad := Check(c.uri) != nil; bad != (c.want == camera.ErrBadURI) {
				t.Errorf("Check: %v", Check(c.uri))
			}
		})
	}
}

// What the program says is what the error says, and trying again may help.
func TestNoCamera(t *testing.T) {
	fakes(t, "rpicam-vid")
	source, err := opener(Options{}, "no camera")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	err = source.Read(t.Context(), new(camera.Frame))
	if err == nil || !strings.Contains(err.Error(), "rpicam-vid ended with exit code 255") || !strings.Contains(err.Error(), "no cameras available") {
		t.Errorf("%v", err)
	}
	if errors.Is(err, camera.ErrUnsupported) {
		t.Error("a camera that is not there now is taken for one that never can be")
	}
}

func TestStall(t *testing.T) {
	fakes(t, "rpicam-vid")
	source, err := opener(Options{Stall: 50 * time.Millisecond}, "silent")(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if err := source.Read(t.Context(), new(camera.Frame)); !errors.Is(err, camera.ErrStalled) {
		t.Errorf("%v", err)
	}
}

// The bytes of yuv420 mean what they mean in JPEG.
func TestColours(t *testing.T) {
	fakes(t, "rpicam-vid")
	source, err := Open(t.Context(), "csi://0", Options{Width: 128, Height: 96, Codec: "yuv420"})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var f camera.Frame
	if err := source.Read(t.Context(), &f); err != nil {
		t.Fatal(err)
	}
	if p := f.Image.Pix; p[0] != p[1] || p[1] != p[2] || !slices.Equal(p[:3], p[len(p)-3:]) || p[0] > 200 {
		t.Errorf("%v, want one grey", p[:3])
	}
}
