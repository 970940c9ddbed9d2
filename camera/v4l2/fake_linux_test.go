package v4l2

import (
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fake is a kernel with one camera. Its answers follow the rules of the V4L2
// documentation, and it fails the test where the caller breaks them.
type fake struct {
	t *testing.T

	caps     capability
	formats  []fakeFormat
	rates    bool // answers G_PARM and S_PARM
	controls []*fakeControl
	insists  *pixFormat                   // the answer to every S_FMT
	fail     map[uintptr]error            // requests that fail
	frame    func(n int) ([]byte, uint32) // the next frame and its flags; nil: none comes

	mu       sync.Mutex
	format   pixFormat
	interval fraction
	memory   [][]byte
	queued   []uint32
	mappings int
	on       bool
	frames   int
	gone     bool
	woken    bool
	open     bool
	sets     []string // names of controls in the order they were set
}

type fakeFormat struct {
	code   string
	text   string
	sizes  []frameSize
	rates  []fraction // of every size
	ranges bool       // rates are a range
}

type fakeControl struct {
	queryControl
	value int32
	menu  map[uint32][32]byte
}

// tick is how long a fake frame takes.
const tick = time.Millisecond

func discrete(sizes ...[2]uint32) (all []frameSize) {
	for _, s := range sizes {
		all = append(all, frameSize{Type: sizeDiscrete, Union: [6]uint32{s[0], s[1]}})
	}
	return all
}

func named(n [32]byte, s string) [32]byte {
	copy(n[:], s)
	return n
}

// webcam answers as a common USB camera does: YUYV slow where it is large, MJPG fast.
func webcam(t *testing.T) *fake {
	f := &fake{t: t, open: true, rates: true, fail: map[uintptr]error{}}
	copy(f.caps.Driver[:], "uvcvideo")
	copy(f.caps.Card[:], "HD Pro Webcam C920")
	copy(f.caps.BusInfo[:], "usb-0000:00:14.0-1")
	f.caps.Capabilities = 0x84a00001 // capture, streaming, extended formats, device caps
	f.caps.DeviceCaps = 0x04200001
	f.formats = []fakeFormat{
		{code: "YUYV", text: "YUYV 4:2:2", sizes: discrete([2]uint32{640, 480}, [2]uint32{160, 120}, [2]uint32{1280, 720}), rates: []fraction{{1, 10}, {1, 5}}},
		{code: "MJPG", text: "Motion-JPEG", sizes: discrete([2]uint32{640, 480}, [2]uint32{1280, 720}), rates: []fraction{{1, 30}, {1, 15}}},
		{code: "H264", text: "H.264", sizes: discrete([2]uint32{1920, 1080}), rates: []fraction{{1, 30}}},
	}
	exposure := &fakeControl{queryControl: queryControl{ID: 0x9a0901, Type: controlMenu, Name: named([32]byte{}, "Auto Exposure"), Maximum: 3, Default: 3}, value: 3}
	exposure.menu = map[uint32][32]byte{1: named([32]byte{}, "Manual Mode"), 3: named([32]byte{}, "Aperture Priority Mode")}
	f.controls = []*fakeControl{
		{queryControl: queryControl{ID: 0x980001, Type: 6, Name: named([32]byte{}, "User Controls")}},
		{queryControl: queryControl{ID: 0x980900, Type: controlInteger, Name: named([32]byte{}, "Brightness"), Maximum: 255, Step: 1, Default: 128}, value: 100},
		{queryControl: queryControl{ID: 0x98090c, Type: controlBoolean, Name: named([32]byte{}, "White Balance, Automatic"), Maximum: 1, Step: 1, Default: 1}, value: 1},
		{queryControl: queryControl{ID: 0x980999, Type: controlInteger, Name: named([32]byte{}, "Broken"), Flags: controlDisabled}},
		exposure,
		{queryControl: queryControl{ID: 0x9a0902, Type: controlInteger, Name: named([32]byte{}, "Exposure Time, Absolute"), Minimum: 3, Maximum: 2047, Step: 1, Default: 250, Flags: controlInactive}, value: 250},
	}
	f.frame = func(int) ([]byte, uint32) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.Repeat([]byte{128}, int(f.format.SizeImage)), 0
	}
	return f
}

func (f *fake) ioctl(request uintptr, arg unsafe.Pointer) error {
	if request == vidiocDequeueBuf {
		return f.dequeue((*buffer)(arg))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		f.t.Errorf("request %#x to a closed device", request)
		return unix.EBADF
	}
	if err := f.fail[request]; err != nil {
		return err
	}
	if f.gone && request != vidiocStreamOff {
		return unix.ENODEV
	}
	switch request {
	case vidiocQueryCap:
		*(*capability)(arg) = f.caps
	case vidiocEnumFmt, vidiocEnumFrameSizes, vidiocEnumFrameIntervals:
		return f.enumerate(request, arg)
	case vidiocSetFmt:
		return f.setFormat((*streamFormat)(arg))
	case vidiocGetParm, vidiocSetParm:
		p := (*streamParm)(arg)
		if !f.rates {
			return unix.ENOTTY
		}
		if request == vidiocSetParm {
			f.interval = p.TimePerFrame
			if f.interval.inverse() > 30 { // as fast as it can
				f.interval = fraction{1, 30}
			}
		}
		p.Capability, p.TimePerFrame = parmTimePerFrame, f.interval
	case vidiocQueryCtrl, vidiocQueryMenu, vidiocGetCtrl, vidiocSetCtrl:
		return f.control(request, arg)
	default:
		return f.stream(request, arg)
	}
	return nil
}

func (f *fake) enumerate(request uintptr, arg unsafe.Pointer) error {
	of := func(code uint32) *fakeFormat {
		i := slices.IndexFunc(f.formats, func(g fakeFormat) bool { return codeOf(g.code) == code })
		if i < 0 {
			f.t.Errorf("asked about a format %s that it does not have", fourCC(code))
			return &fakeFormat{}
		}
		return &f.formats[i]
	}
	switch request {
	case vidiocEnumFmt:
		d := (*formatDescription)(arg)
		if int(d.Index) >= len(f.formats) {
			return unix.EINVAL
		}
		g := f.formats[d.Index]
		d.PixelFormat, d.Description = codeOf(g.code), named([32]byte{}, g.text)
	case vidiocEnumFrameSizes:
		s := (*frameSize)(arg)
		sizes := of(s.PixelFormat).sizes
		if int(s.Index) >= len(sizes) {
			return unix.EINVAL
		}
		g := sizes[s.Index]
		s.Type, s.Union = g.Type, g.Union
	case vidiocEnumFrameIntervals:
		v := (*frameInterval)(arg)
		g := of(v.PixelFormat)
		if int(v.Index) >= len(g.rates) || g.ranges && v.Index > 0 {
			return unix.EINVAL
		}
		v.Type, v.Union[0] = sizeDiscrete, g.rates[v.Index]
		if g.ranges {
			v.Type = 3
			copy(v.Union[:], g.rates)
		}
	}
	return nil
}

func (f *fake) setFormat(s *streamFormat) error {
	if s.Type != typeVideoCapture {
		return unix.EINVAL
	}
	if f.insists != nil {
		s.Pix = *f.insists
		f.format = s.Pix
		return nil
	}
	code := fourCC(s.Pix.PixelFormat)
	s.Pix.Field = fieldNone
	switch code {
	case "YUYV":
		s.Pix.BytesPerLine = 2 * s.Pix.Width
		s.Pix.SizeImage = s.Pix.BytesPerLine * s.Pix.Height
	case "MJPG":
		s.Pix.BytesPerLine = 0
		s.Pix.SizeImage = 2 * s.Pix.Width * s.Pix.Height
	default:
		f.t.Errorf("asked for %s", code)
	}
	f.format = s.Pix
	return nil
}

func (f *fake) control(request uintptr, arg unsafe.Pointer) error {
	find := func(id uint32) *fakeControl {
		for _, c := range f.controls {
			if c.ID == id {
				return c
			}
		}
		return nil
	}
	switch request {
	case vidiocQueryCtrl:
		q := (*queryControl)(arg)
		for _, c := range f.controls {
			if q.ID&controlNext != 0 && c.ID > q.ID&^controlNext {
				*q = c.queryControl
				return nil
			}
		}
		return unix.EINVAL
	case vidiocQueryMenu:
		m := (*queryMenu)(arg)
		c := find(m.ID)
		if c == nil {
			return unix.EINVAL
		}
		name, ok := c.menu[m.Index]
		if !ok {
			return unix.EINVAL
		}
		m.Name = name
	case vidiocGetCtrl, vidiocSetCtrl:
		v := (*control)(arg)
		c := find(v.ID)
		if c == nil || c.Type == 6 {
			return unix.EACCES
		}
		if request == vidiocGetCtrl {
			v.Value = c.value
			return nil
		}
		if c.ID == 0x9a0902 && find(0x9a0901).value == 3 {
			return unix.EACCES // exposure is automatic
		}
		c.value = v.Value
		f.sets = append(f.sets, controlName(text(c.Name[:])))
	}
	return nil
}

func (f *fake) stream(request uintptr, arg unsafe.Pointer) error {
	switch request {
	case vidiocRequestBuffers:
		r := (*requestBuffers)(arg)
		if r.Memory != memoryMmap || r.Type != typeVideoCapture {
			return unix.EINVAL
		}
		r.Count = min(r.Count, 3) // less than was asked for
		f.memory = make([][]byte, r.Count)
		for i := range f.memory {
			f.memory[i] = make([]byte, f.format.SizeImage)
		}
	case vidiocQueryBuf:
		b := (*buffer)(arg)
		if int(b.Index) >= len(f.memory) {
			return unix.EINVAL
		}
		b.Offset, b.Length = b.Index<<20, f.format.SizeImage
	case vidiocQueueBuf:
		b := (*buffer)(arg)
		if int(b.Index) >= len(f.memory) || slices.Contains(f.queued, b.Index) {
			f.t.Errorf("queues buffer %d, which it does not have", b.Index)
			return unix.EINVAL
		}
		f.queued = append(f.queued, b.Index)
	case vidiocStreamOn, vidiocStreamOff:
		if *(*int32)(arg) != typeVideoCapture {
			return unix.EINVAL
		}
		f.on = request == vidiocStreamOn
	default:
		return unix.ENOTTY
	}
	return nil
}

func (f *fake) dequeue(b *buffer) error {
	time.Sleep(tick)
	f.mu.Lock()
	n, none := f.frames, f.frame == nil || len(f.queued) == 0
	switch {
	case !f.open || !f.on:
		f.mu.Unlock()
		f.t.Error("takes frames of a device that does not stream")
		return unix.EINVAL
	case f.gone:
		f.mu.Unlock()
		return unix.ENODEV
	case none:
		f.mu.Unlock()
		return unix.EAGAIN
	}
	f.frames++
	f.mu.Unlock()
	data, flags := f.frame(n)
	f.mu.Lock()
	defer f.mu.Unlock()
	b.Index, f.queued = f.queued[0], f.queued[1:]
	b.BytesUsed, b.Flags = uint32(copy(f.memory[b.Index], data)), flags
	return nil
}

func (f *fake) mmap(offset int64, length int) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fail[0]; err != nil {
		return nil, err
	}
	i := int(offset >> 20)
	if i >= len(f.memory) || length != len(f.memory[i]) {
		return nil, unix.EINVAL
	}
	f.mappings++
	return f.memory[i], nil
}

func (f *fake) munmap([]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mappings--
	return nil
}

func (f *fake) wait() error {
	time.Sleep(tick)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		f.t.Error("waits for a closed device")
	}
	return nil
}

func (f *fake) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.woken = true
}

func (f *fake) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open {
		f.t.Error("closes a device twice")
	}
	if f.mappings != 0 {
		f.t.Errorf("closes with %d buffers mapped", f.mappings)
	}
	if f.on {
		f.t.Error("closes a device that streams")
	}
	f.open = false
	return nil
}
