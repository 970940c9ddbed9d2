package v4l2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/internal/hint"
)

func photo(width, height int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = byte(i)
	}
	img.SetRGBA(0, 0, color.RGBA{255, 0, 0, 255})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func must(t *testing.T, k kernel, o Options) camera.Source {
	t.Helper()
	source, err := open(k, "/dev/video0", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { source.Close() })
	return source
}

func TestConformance(t *testing.T) {
	for _, format := range []string{"YUYV", "MJPG"} {
		t.Run(format, func(t *testing.T) {
			with := func(change func(*fake)) func(context.Context) (camera.Source, error) {
				return func(context.Context) (camera.Source, error) {
					f := webcam(t)
					if format == "MJPG" {
						jpeg := photo(64, 48)
						f.frame = func(int) ([]byte, uint32) { return jpeg, 0 }
					}
					f.formats[0].sizes = discrete([2]uint32{64, 48})
					f.formats[1].sizes = f.formats[0].sizes
					change(f)
					return open(f, "/dev/video0", Options{Format: format})
				}
			}
			cameratest.Run(t, cameratest.Harness{
				Frames:   5,
				Open:     with(func(*fake) {}),
				OpenIdle: with(func(f *fake) { f.frame = nil }),
				OpenFailing: with(func(f *fake) {
					send := f.frame
					f.frame = func(n int) ([]byte, uint32) {
						if n == 2 {
							f.mu.Lock()
							f.gone = true
							f.mu.Unlock()
						}
						return send(n)
					}
				}),
			})
		})
	}
}

func TestNegotiates(t *testing.T) {
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"nothing wished for", Options{}, "MJPG 640x480 30"},
		{"slow is enough", Options{Rate: 10}, "YUYV 640x480 10"},
		{"large", Options{Width: 1280, Height: 720, Rate: 5}, "YUYV 1280x720 5"},
		{"large and fast", Options{Width: 1280, Height: 720, Rate: 15}, "MJPG 1280x720 15"},
		{"between two sizes", Options{Width: 800, Height: 600, Rate: 5}, "YUYV 1280x720 5"},
		{"larger than all", Options{Width: 4000, Height: 3000}, "MJPG 1280x720 30"},
		{"small", Options{Width: 100}, "YUYV 160x120 10"},
		{"the height alone", Options{Height: 720, Rate: 30}, "MJPG 1280x720 30"},
		{"faster than it can", Options{Rate: 1000}, "MJPG 640x480 30"},
		{"a format", Options{Format: "YUYV", Rate: 30}, "YUYV 640x480 30"},
	} {
		f := webcam(t)
		f.interval = fraction{1, 30}
		if c.o.Rate == 0 && strings.HasPrefix(c.want, "YUYV") {
			f.interval = fraction{1, 10}
		}
		info := must(t, f, c.o).Info()
		if got := fmt.Sprintf("%s %dx%d %g", info.Format, info.Width, info.Height, info.Rate); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if info.Device != "/dev/video0 (HD Pro Webcam C920)" || info.Driver != "v4l2" || !info.Live {
			t.Errorf("%+v", info)
		}
	}
}

// A device may answer S_FMT with whatever it likes, and what it answers counts:
// another size, padded rows, another format.
func TestAnswerOfTheDeviceIsUsed(t *testing.T) {
	f := webcam(t)
	f.insists = &pixFormat{Width: 6, Height: 2, PixelFormat: codeOf("GREY"), Field: fieldNone, BytesPerLine: 8, SizeImage: 16}
	f.frame = func(int) ([]byte, uint32) { return []byte{1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12, 0, 0}, 0 }
	source := must(t, f, Options{})
	var frame camera.Frame
	if err := source.Read(t.Context(), &frame); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for i := 0; i < len(frame.Image.Pix); i += 3 {
		got = append(got, frame.Image.Pix[i])
	}
	if want := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}; !bytes.Equal(got, want) || frame.Image.Width != 6 {
		t.Errorf("%v, want %v", got, want)
	}
	if info := source.Info(); info.Format != "GREY" || info.Width != 6 || info.Height != 2 {
		t.Errorf("%+v", info)
	}
}

func TestColoursAreTheDevices(t *testing.T) {
	dark := []byte{16, 128, 16, 128}
	for name, c := range map[string]struct {
		pix  pixFormat
		full bool
	}{
		"nothing said": {pixFormat{}, false},
		"full range":   {pixFormat{Quantization: quantizationFull}, true},
		"jpeg":         {pixFormat{Colorspace: colorspaceJPEG}, true},
		"limited jpeg": {pixFormat{Colorspace: colorspaceJPEG, Quantization: 2}, false},
	} {
		f := webcam(t)
		p := c.pix
		p.Width, p.Height, p.PixelFormat, p.Field, p.BytesPerLine, p.SizeImage = 2, 1, codeOf("YUYV"), fieldNone, 4, 4
		f.insists = &p
		f.frame = func(int) ([]byte, uint32) { return dark, 0 }
		var frame camera.Frame
		if err := must(t, f, Options{}).Read(t.Context(), &frame); err != nil {
			t.Fatal(err)
		}
		// 16 is black in the narrow range.
		if full := frame.Image.Pix[0] == 16; full != c.full || !full && frame.Image.Pix[0] != 0 {
			t.Errorf("%s: %v", name, frame.Image.Pix[:3])
		}
	}
}

func TestUnplugged(t *testing.T) {
	f := webcam(t)
	source := must(t, f, Options{Format: "YUYV"})
	var frame camera.Frame
	if err := source.Read(t.Context(), &frame); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.gone = true
	f.mu.Unlock()
	var err error
	for err == nil {
		err = source.Read(t.Context(), &frame)
	}
	if !errors.Is(err, camera.ErrUnplugged) || hint.Of(err) == "" {
		t.Errorf("%v", err)
	}
	source.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open {
		t.Error("the device is still open")
	}
}

func TestDamagedAndEmptyFrames(t *testing.T) {
	f := webcam(t)
	good := slices.Repeat([]byte{128}, 640*480*2)
	f.frame = func(n int) ([]byte, uint32) {
		switch {
		case n < 3:
			return nil, 0 // a driver that warms up
		case n%2 == 0:
			return good, bufferError
		}
		return good, 0
	}
	source := must(t, f, Options{Format: "YUYV"})
	var frame camera.Frame
	var skipped *camera.Skipped
	read, damaged := 0, 0
	for read < 5 || damaged < 5 {
		err := source.Read(t.Context(), &frame)
		switch {
		case err == nil:
			read++
		case errors.As(err, &skipped) && errors.Is(err, errDamaged):
			damaged++
		default:
			t.Fatal(err)
		}
	}
	if frame.Number != uint64(read) {
		t.Errorf("frame %d after %d", frame.Number, read)
	}

	// A frame that is too short for its size.
	f = webcam(t)
	f.frame = func(int) ([]byte, uint32) { return good[:1000], 0 }
	if err := must(t, f, Options{Format: "YUYV"}).Read(t.Context(), &frame); !errors.As(err, &skipped) {
		t.Errorf("%v, want a Skipped", err)
	}
}

func TestStalled(t *testing.T) {
	f := webcam(t)
	f.frame = nil
	source := must(t, f, Options{Stall: 20 * time.Millisecond})
	if err := source.Read(t.Context(), new(camera.Frame)); !errors.Is(err, camera.ErrStalled) {
		t.Errorf("%v", err)
	}
}

func TestControls(t *testing.T) {
	f := webcam(t)
	must(t, f, Options{Controls: map[string]int{"exposure_time_absolute": 100, "Auto Exposure": 1, "brightness": 7, "white_balance_automatic": 0}})
	want := []string{"auto_exposure", "white_balance_automatic", "brightness", "exposure_time_absolute"}
	if !slices.Equal(f.sets, want) {
		t.Errorf("set in the order %v, want %v", f.sets, want)
	}
	for _, c := range []struct {
		name  string
		value int
		says  string
	}{
		{"zoom", 1, "it has: brightness, white_balance_automatic, auto_exposure, exposure_time_absolute"},
		{"brightness", 256, "it takes 0 to 255"},
		{"auto_exposure", 2, "it takes 1 (Manual Mode), 3 (Aperture Priority Mode)"},
	} {
		f := webcam(t)
		_, err := open(f, "/dev/video0", Options{Controls: map[string]int{c.name: c.value}})
		if !errors.Is(err, camera.ErrUnsupported) || hint.Of(err) != c.says {
			t.Errorf("%v, hint %q", err, hint.Of(err))
		}
		if f.open {
			t.Error("the device is still open")
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fake)
		want   error
		hint   string
	}{
		"no video device":   {func(f *fake) { f.fail[vidiocQueryCap] = unix.ENOTTY }, camera.ErrUnsupported, ""},
		"an output":         {func(f *fake) { f.caps.DeviceCaps = 2 }, camera.ErrUnsupported, "edge camera list"},
		"no streaming":      {func(f *fake) { f.caps.DeviceCaps = capVideoCapture }, camera.ErrUnsupported, ""},
		"raw sensor":        {func(f *fake) { f.formats = []fakeFormat{{code: "pRAA"}} }, camera.ErrUnsupported, "csi://0"},
		"another program":   {func(f *fake) { f.fail[vidiocSetFmt] = unix.EBUSY }, unix.EBUSY, "fuser"},
		"no bandwidth":      {func(f *fake) { f.fail[vidiocStreamOn] = unix.ENOSPC }, unix.ENOSPC, "smaller size"},
		"gone meanwhile":    {func(f *fake) { f.fail[vidiocRequestBuffers] = unix.ENODEV }, camera.ErrUnplugged, ""},
		"no memory":         {func(f *fake) { f.fail[0] = unix.ENOMEM }, unix.ENOMEM, ""},
		"no queue":          {func(f *fake) { f.fail[vidiocQueueBuf] = unix.EINVAL }, unix.EINVAL, ""},
		"insists on H.264":  {func(f *fake) { f.insists = &pixFormat{Width: 2, Height: 2, PixelFormat: codeOf("H264")} }, camera.ErrUnsupported, ""},
		"alternating field": {func(f *fake) { f.insists = &pixFormat{Width: 2, Height: 2, PixelFormat: codeOf("YUYV"), Field: 7} }, camera.ErrUnsupported, ""},
	} {
		f := webcam(t)
		c.change(f)
		_, err := open(f, "/dev/video0", Options{})
		if !errors.Is(err, c.want) || !strings.Contains(hint.Of(err), c.hint) || err != nil && !strings.HasPrefix(err.Error(), "/dev/video0: ") {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
		if f.open || f.mappings != 0 || f.on {
			t.Errorf("%s: the device is left open, mapped or streaming", name)
		}
	}
}

// Old drivers do not know all requests; they are asked for what is wished.
func TestDriverThatSaysLittle(t *testing.T) {
	f := webcam(t)
	f.rates = false
	for _, r := range []uintptr{vidiocEnumFrameSizes, vidiocEnumFrameIntervals, vidiocQueryCtrl} {
		f.fail[r] = unix.ENOTTY
	}
	info := must(t, f, Options{Width: 352, Height: 288, Rate: 12}).Info()
	if info.Format != "YUYV" || info.Width != 352 || info.Height != 288 || info.Rate != 0 {
		t.Errorf("%+v", info)
	}
}

func TestOpenWithoutDevice(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "video0")
	if err := os.WriteFile(plain, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "video7"): camera.ErrUnplugged,
		plain:                        camera.ErrUnsupported,
		"/dev/null":                  camera.ErrUnsupported,
		dir:                          camera.ErrUnsupported,
	} {
		_, err := Open(t.Context(), path, Options{})
		if !errors.Is(err, want) || hint.Of(err) == "" && path != "/dev/null" || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v, hint %q", path, err, hint.Of(err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, "/dev/null", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestList(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"video10", "video2", "video0", "v4l/by-id/usb-046d_C920-index0", "v4l/by-path/pci-0000:00:14.0"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasPrefix(name, "v4l") {
			err = os.Symlink(filepath.Join(root, "video2"), filepath.Join(root, name))
		} else {
			err = os.WriteFile(filepath.Join(root, name), nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	devices, err := list(root, func(path string) (kernel, error) {
		f := webcam(t)
		switch number(path) {
		case 0:
			return nil, unix.EACCES
		case 10: // the second node of the same camera
			f.caps.DeviceCaps = 0x04a00000
		}
		f.formats[2].sizes = []frameSize{{Type: 3, Union: [6]uint32{32, 1920, 2, 16, 1080, 4}}}
		f.formats[2].rates, f.formats[2].ranges = []fraction{{1, 60}, {1, 1}}, true
		return f, nil
	})
	if err != nil || len(devices) != 1 {
		t.Fatalf("%v, %v", devices, err)
	}
	d := devices[0]
	if d.Path != root+"/video2" || d.Name != "HD Pro Webcam C920" || d.Driver != "uvcvideo" || d.Bus != "usb-0000:00:14.0-1" {
		t.Errorf("%+v", d)
	}
	if want := []string{root + "/v4l/by-id/usb-046d_C920-index0", root + "/v4l/by-path/pci-0000:00:14.0"}; !slices.Equal(d.Links, want) {
		t.Errorf("links %v", d.Links)
	}
	want := []Format{
		{Code: "YUYV", Description: "YUYV 4:2:2", Readable: true, Sizes: []Size{
			{Width: 640, Height: 480, Rates: []float64{10, 5}}, {Width: 160, Height: 120, Rates: []float64{10, 5}}, {Width: 1280, Height: 720, Rates: []float64{10, 5}},
		}},
		{Code: "MJPG", Description: "Motion-JPEG", Readable: true, Sizes: []Size{
			{Width: 640, Height: 480, Rates: []float64{30, 15}}, {Width: 1280, Height: 720, Rates: []float64{30, 15}},
		}},
		{Code: "H264", Description: "H.264", Sizes: []Size{
			{Width: 32, Height: 16, MaxWidth: 1920, MaxHeight: 1080, StepX: 2, StepY: 4, Rates: []float64{60, 1}},
		}},
	}
	if !reflect.DeepEqual(d.Formats, want) {
		t.Errorf("formats\n%+v\nwant\n%+v", d.Formats, want)
	}
	if len(d.Controls) != 4 || d.Controls[2].Name != "auto_exposure" || d.Controls[2].Choices[3] != "Aperture Priority Mode" || !d.Controls[3].Inactive {
		t.Errorf("controls %+v", d.Controls)
	}
	if _, err := list("[", openFile); err == nil {
		t.Error("no error for a folder that cannot be searched")
	}
}

func TestAllocatesNothingAFrame(t *testing.T) {
	f := webcam(t)
	frame := slices.Repeat([]byte{128}, 640*480*2)
	f.frame = func(int) ([]byte, uint32) { return frame, 0 }
	source := must(t, f, Options{Format: "YUYV"})
	var got camera.Frame
	if n := testing.AllocsPerRun(20, func() {
		if err := source.Read(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// Where this machine has a camera, its first frame is read.
func TestCameraOfThisMachine(t *testing.T) {
	devices, err := List()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range devices {
		if !slices.ContainsFunc(d.Formats, func(f Format) bool { return f.Readable }) {
			continue
		}
		source, err := Open(t.Context(), d.Path, Options{})
		if err != nil {
			t.Logf("%s: %v", d.Path, err)
			continue
		}
		var f camera.Frame
		err = source.Read(t.Context(), &f)
		t.Logf("%s: %+v, %v", d.Path, source.Info(), err)
		source.Close()
		return
	}
	t.Skip("no camera that can be read: make test-v4l2 brings a kernel that has a made-up one")
}

func TestFourCC(t *testing.T) {
	for _, code := range []string{"YUYV", "MJPG", "Y16"} {
		if got := fourCC(codeOf(code)); got != code {
			t.Errorf("%q became %q", code, got)
		}
	}
	if got := fourCC(0x20ff0a59); got != "Y??" {
		t.Errorf("%q", got)
	}
}

func FuzzControlName(f *testing.F) {
	f.Add("White Balance, Automatic")
	f.Add("\x00\xff ü!")
	f.Fuzz(func(t *testing.T, name string) {
		got := controlName(name)
		if controlName(got) != got || strings.ContainsAny(got, " ,\n") {
			t.Errorf("%q became %q", name, got)
		}
	})
}
