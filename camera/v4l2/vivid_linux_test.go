package v4l2

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/internal/hint"
)

// vivid returns the kernel's made-up camera, or skips the test: make test-v4l2
// starts a kernel that has one. There the tests must not be skipped.
func vivid(t *testing.T) Device {
	t.Helper()
	devices, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		if d.Driver == "vivid" {
			return d
		}
	}
	if os.Getpid() == 1 {
		t.Fatalf("this machine was started for its camera, and has none: %+v", devices)
	}
	t.Skip("no camera of the driver vivid: make test-v4l2 starts a kernel that has one")
	return Device{}
}

// plain switches off what vivid writes over its pictures, and chooses a pattern by
// its name.
func plain(t *testing.T, d Device, pattern string) map[string]int {
	t.Helper()
	i := slices.IndexFunc(d.Controls, func(c Control) bool { return c.Name == "test_pattern" })
	if i < 0 {
		t.Fatalf("no test_pattern among %+v", d.Controls)
	}
	for value, name := range d.Controls[i].Choices {
		if name == pattern {
			return map[string]int{"test_pattern": value, "osd_text_mode": 2}
		}
	}
	t.Fatalf("no pattern %q among %v", pattern, d.Controls[i].Choices)
	return nil
}

func TestVividIsListed(t *testing.T) {
	d := vivid(t)
	t.Logf("%+v", d)
	if d.Name != "vivid" || !strings.HasPrefix(d.Bus, "platform:vivid") || len(d.Formats) < 10 {
		t.Errorf("%s, %s, %d formats", d.Name, d.Bus, len(d.Formats))
	}
	for _, code := range []string{"YUYV", "UYVY", "NV12", "YU12", "GREY", "RGB3"} {
		i := slices.IndexFunc(d.Formats, func(f Format) bool { return f.Code == code })
		if i < 0 || !d.Formats[i].Readable || len(d.Formats[i].Sizes) == 0 || len(d.Formats[i].Sizes[0].Rates) == 0 {
			t.Errorf("%s is not listed as it should be", code)
		}
	}
	for _, c := range d.Controls {
		if c.Name == "brightness" && (c.Min != 0 || c.Max != 255 || c.Default != 128) {
			t.Errorf("%+v", c)
		}
	}
}

func TestVividConformance(t *testing.T) {
	d := vivid(t)
	open := func(format string) func(context.Context) (camera.Source, error) {
		return func(ctx context.Context) (camera.Source, error) {
			return Open(ctx, d.Path, Options{Width: 320, Height: 180, Format: format})
		}
	}
	for _, format := range []string{"", "YUYV"} {
		t.Run("format "+format, func(t *testing.T) { cameratest.Run(t, cameratest.Harness{Frames: 5, Open: open(format)}) })
	}
}

// The kernel draws a colour, and in whatever format it sends it, it arrives.
func TestVividColours(t *testing.T) {
	d := vivid(t)
	for _, code := range []string{"YUYV", "UYVY", "NV12", "YU12", "RGB3", "GREY"} {
		for pattern, want := range map[string][3]int{
			"100% White": {255, 255, 255}, "100% Red": {255, 0, 0}, "100% Green": {0, 255, 0}, "100% Blue": {0, 0, 255}, "100% Black": {0, 0, 0},
		} {
			if code == "GREY" && (want[0] != want[1] || want[1] != want[2]) {
				continue
			}
			source, err := Open(t.Context(), d.Path, Options{Format: code, Controls: plain(t, d, pattern)})
			if err != nil {
				t.Fatalf("%s: %v, hint %q", code, err, hint.Of(err))
			}
			var f camera.Frame
			for range 2 { // the first may be of the pattern before
				if err := source.Read(t.Context(), &f); err != nil {
					t.Fatal(err)
				}
			}
			info := source.Info()
			source.Close()
			p := f.Image.Pix[len(f.Image.Pix)/2:][:3]
			for i, w := range want {
				if diff := int(p[i]) - w; diff < -6 || diff > 6 {
					t.Errorf("%s in %s: %v, want %v", pattern, code, p, want)
					break
				}
			}
			if info.Format != code || info.Width != f.Image.Width || info.Rate <= 0 {
				t.Errorf("%+v", info)
			}
		}
	}
}

func TestVividSizesAndRates(t *testing.T) {
	d := vivid(t)
	for _, f := range d.Formats {
		if f.Code != "YUYV" {
			continue
		}
		for _, s := range f.Sizes {
			source, err := Open(t.Context(), d.Path, Options{Width: s.Width, Height: s.Height, Rate: s.Rates[len(s.Rates)-1], Format: "YUYV"})
			if err != nil {
				t.Fatal(err)
			}
			info := source.Info()
			if info.Width != s.Width || info.Height != s.Height || info.Rate != s.Rates[len(s.Rates)-1] {
				t.Errorf("asked for %+v, got %+v", s, info)
			}
			var frame camera.Frame
			if err := source.Read(t.Context(), &frame); err != nil || frame.Image.Width != s.Width {
				t.Errorf("%dx%d, %v", frame.Image.Width, frame.Image.Height, err)
			}
			source.Close()
		}
	}
}

func TestVividIsBusy(t *testing.T) {
	d := vivid(t)
	source, err := Open(t.Context(), d.Path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if _, err := Open(t.Context(), d.Path, Options{}); err == nil || !strings.Contains(err.Error(), "another program uses it") || hint.Of(err) == "" {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	if devices, err := List(); err != nil || len(devices) == 0 {
		t.Errorf("a device in use is not listed: %v, %v", devices, err)
	}
}

// push presses a button of vivid's through another handle.
func push(t *testing.T, path, button string) {
	t.Helper()
	k, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	d, err := newDevice(k)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range d.controls() {
		if c.Name == button {
			v := control{ID: c.id, Value: 1}
			if err := k.ioctl(vidiocSetCtrl, unsafe.Pointer(&v)); err != nil {
				t.Fatalf("%s: %v", button, err)
			}
			return
		}
	}
	t.Fatalf("no button %s among %s", button, controlNames(d.controls()))
}

// The kernel marks a frame as damaged; the source goes on.
func TestVividDamagedFrame(t *testing.T) {
	d := vivid(t)
	source, err := Open(t.Context(), d.Path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var f camera.Frame
	if err := source.Read(t.Context(), &f); err != nil {
		t.Fatal(err)
	}
	push(t, d.Path, "inject_v4l2_buf_flag_error")
	for {
		err := source.Read(t.Context(), &f)
		if errors.Is(err, errDamaged) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := source.Read(t.Context(), &f); err != nil {
		t.Error(err)
	}
}

// The cable is pulled and put back in: both are events, and the Feed goes on.
func TestVividIsUnplugged(t *testing.T) {
	d := vivid(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	var changes []camera.Change
	feed := camera.NewFeed(camera.FeedOptions{
		Open:    func(ctx context.Context) (camera.Source, error) { return Open(ctx, d.Path, Options{}) },
		MinWait: 50 * time.Millisecond,
		Notify: func(c camera.Change) {
			mu.Lock()
			defer mu.Unlock()
			changes = append(changes, c)
		},
	})
	ran := make(chan error, 1)
	go func() { ran <- feed.Run(ctx) }()
	held, err := feed.Next(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	push(t, d.Path, "disconnect")
	for feed.Stats().Reconnects == 0 {
		if held, err = feed.Next(ctx, held); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	var states []camera.State
	mu.Lock()
	defer mu.Unlock()
	for _, c := range changes {
		states = append(states, c.State)
		if c.State == camera.Waiting && !errors.Is(c.Err, camera.ErrUnplugged) {
			t.Errorf("lost because of %v, want ErrUnplugged", c.Err)
		}
	}
	t.Log(states)
	if gap := changes[len(changes)-2].Gap; gap <= 0 {
		t.Errorf("%+v", changes)
	}
}
