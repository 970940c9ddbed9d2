package v4l2

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/live"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Open opens a device by its path, which may be one of its lasting names. ctx is
// looked at before opening begins; a driver answers soon or never.
//
// The error is camera.ErrUnplugged where there is no such device now, and
// camera.ErrUnsupported where it is none that can be read.
func Open(ctx context.Context, path string, o Options) (camera.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, explain(err))
	}
	return open(k, path, o)
}

func open(k kernel, path string, o Options) (camera.Source, error) {
	d, err := newDevice(k)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	source, err := d.start(path, o)
	if err != nil {
		_ = k.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return source, nil
}

// start negotiates and begins to stream.
func (d *device) start(path string, o Options) (camera.Source, error) {
	l, err := d.negotiate(o)
	if err != nil {
		return nil, err
	}
	rate, err := d.rate(o.Rate)
	if err != nil {
		return nil, err
	}
	if err := d.set(o.Controls); err != nil {
		return nil, err
	}
	decode, err := l.decoder(o.Limits)
	if err != nil {
		return nil, fmt.Errorf("the device insists: %w: %w", err, camera.ErrUnsupported)
	}
	s := &stream{device: d}
	if err := s.begin(); err != nil {
		s.end()
		return nil, explain(err)
	}
	name := path
	if card := text(d.Card[:]); card != "" {
		name += " (" + card + ")"
	}
	return live.New(live.Options{
		Info: camera.Info{
			Driver: "v4l2", Device: name, Format: l.code, Width: l.width, Height: l.height, Rate: rate,
		},
		Decode: decode, Stall: o.Stall,
		Produce: s.produce,
		Stop:    func() error { d.wake(); return nil },
	}), nil
}

// negotiate sets format and size, and returns what the device makes of it.
func (d *device) negotiate(o Options) (l layout, err error) {
	all := d.formats()
	best, ok := choose(all, o)
	if !ok {
		var codes []string
		for _, f := range all {
			codes = append(codes, f.Code)
		}
		return l, hint.Wrap(fmt.Errorf("it sends %s, and none of it can be used: %w", strings.Join(codes, ", "), camera.ErrUnsupported),
			"cameras on the board's own connector are opened as csi://0")
	}
	f := streamFormat{Type: typeVideoCapture, Pix: pixFormat{
		Width: uint32(best.width), Height: uint32(best.height), PixelFormat: codeOf(best.code), Field: fieldNone,
	}}
	if err := d.ioctl(vidiocSetFmt, unsafe.Pointer(&f)); err != nil {
		return l, fmt.Errorf("%s in %dx%d: %w", best.code, best.width, best.height, explain(err))
	}
	p := f.Pix
	l = layout{code: fourCC(p.PixelFormat), width: int(p.Width), height: int(p.Height), stride: int(p.BytesPerLine), matrix: p.matrix()}
	if !slices.Contains([]uint32{fieldAny, fieldNone, fieldInterlaced, fieldInterlaceTB, fieldInterlaceBT}, p.Field) {
		return l, fmt.Errorf("it sends half pictures, one field after the other: %w", camera.ErrUnsupported)
	}
	return l, nil
}

// matrix is what the device says about its colours. Without a word, video is BT.601
// in its narrow range, and JPEG says for itself.
func (p pixFormat) matrix() pixel.Matrix {
	switch {
	case p.Quantization == quantizationFull, p.Quantization == quantizationDefault && p.Colorspace == colorspaceJPEG:
		return pixel.JFIF
	case p.YcbcrEnc == encoding709, p.YcbcrEnc == encodingDefault && p.Colorspace == colorspace709:
		return pixel.BT709
	}
	return pixel.BT601
}

// rate asks for a rate if one is wished for, and returns what the device says, 0 if
// it says nothing.
func (d *device) rate(wish float64) (float64, error) {
	p := streamParm{Type: typeVideoCapture}
	if err := d.ioctl(vidiocGetParm, unsafe.Pointer(&p)); err != nil {
		return 0, ignoreMissing(err)
	}
	if wish > 0 && p.Capability&parmTimePerFrame != 0 {
		p.TimePerFrame = fraction{1000, uint32(wish*1000 + 0.5)}
		if err := d.ioctl(vidiocSetParm, unsafe.Pointer(&p)); err != nil {
			return 0, ignoreMissing(err)
		}
	}
	return p.TimePerFrame.inverse(), nil
}

// ignoreMissing forgives a driver that it does not know a request.
func ignoreMissing(err error) error {
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return explain(err)
}

// buffers is how many frames the device may fill ahead. Each is taken as soon as it
// is full, so few are needed.
const buffers = 4

// stream is a device that fills buffers.
type stream struct {
	*device
	mapped [][]byte
	on     bool
}

// begin maps the buffers, gives them to the device and starts it.
func (s *stream) begin() error {
	request := requestBuffers{Count: buffers, Type: typeVideoCapture, Memory: memoryMmap}
	if err := s.ioctl(vidiocRequestBuffers, unsafe.Pointer(&request)); err != nil {
		return err
	}
	if request.Count == 0 {
		return errors.New("the device has no memory for frames")
	}
	for i := range request.Count {
		b := buffer{Index: i, Type: typeVideoCapture, Memory: memoryMmap}
		if err := s.ioctl(vidiocQueryBuf, unsafe.Pointer(&b)); err != nil {
			return err
		}
		m, err := s.mmap(int64(b.Offset), int(b.Length))
		if err != nil {
			return fmt.Errorf("mapping a buffer of %d bytes: %w", b.Length, err)
		}
		s.mapped = append(s.mapped, m)
		if err := s.ioctl(vidiocQueueBuf, unsafe.Pointer(&b)); err != nil {
			return err
		}
	}
	if err := s.switchTo(vidiocStreamOn); err != nil {
		return err
	}
	s.on = true
	return nil
}

func (s *stream) switchTo(request uintptr) error {
	kind := int32(typeVideoCapture)
	return s.ioctl(request, unsafe.Pointer(&kind))
}

// produce takes frames until ctx ends, and then gives the device back.
func (s *stream) produce(ctx context.Context, put func([]byte) []byte) error {
	defer s.finish()
	var memory []byte
	var b buffer // the kernel's, so that it lives once and not a frame
	for {
		if err := s.wait(); err != nil {
			return explain(err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b = buffer{Type: typeVideoCapture, Memory: memoryMmap}
		err := s.ioctl(vidiocDequeueBuf, unsafe.Pointer(&b))
		if errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return explain(err)
		}
		if int(b.Index) >= len(s.mapped) {
			return fmt.Errorf("the device gives back a buffer %d that it never had", b.Index)
		}
		full := s.mapped[b.Index]
		used := min(int(b.BytesUsed), len(full))
		switch {
		case b.Flags&bufferError != 0:
			memory = put(memory[:0])
		case used > 0: // some drivers begin with empty frames
			memory = put(append(memory[:0], full[:used]...))
		}
		if err := s.ioctl(vidiocQueueBuf, unsafe.Pointer(&b)); err != nil {
			return explain(err)
		}
	}
}

// finish gives everything back. Of a device that is gone nothing is left to be said.
func (s *stream) finish() {
	s.end()
	_ = s.close()
}

func (s *stream) end() {
	if s.on {
		_ = s.switchTo(vidiocStreamOff)
		s.on = false
	}
	for _, m := range s.mapped {
		_ = s.munmap(m)
	}
	s.mapped = nil
}

// List returns the cameras of this machine, by the number in their names. A node
// that cannot be asked is left out; err is about the folder of devices alone.
func List() ([]Device, error) { return list("/dev", openFile) }

func list(root string, open func(path string) (kernel, error)) ([]Device, error) {
	paths, err := filepath.Glob(root + "/video*")
	if err != nil {
		return nil, err
	}
	slices.SortFunc(paths, func(a, b string) int { return number(a) - number(b) })
	devices := []Device{}
	for _, path := range paths {
		k, err := open(path)
		if err != nil {
			continue
		}
		d, err := newDevice(k)
		if err != nil {
			continue
		}
		devices = append(devices, Device{
			Path: path, Links: links(root, path),
			Name: text(d.Card[:]), Driver: text(d.Driver[:]), Bus: text(d.BusInfo[:]),
			Formats: d.formats(), Controls: d.controls(),
		})
		_ = d.close()
	}
	return devices, nil
}

// number is that in /dev/video12.
func number(path string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "video"))
	if err != nil {
		return 1 << 30
	}
	return n
}
