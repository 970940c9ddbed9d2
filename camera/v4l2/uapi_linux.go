package v4l2

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The structures of <linux/videodev2.h> that are used here, with the kernel's
// layout. A test holds sizes, offsets and request numbers against what a C compiler
// says (testdata/layout.c). [0]uintptr stands where the kernel's union begins at the
// alignment of a pointer that Go's structure does not have.

type capability struct {
	Driver       [16]byte
	Card         [32]byte
	BusInfo      [32]byte
	Version      uint32
	Capabilities uint32
	DeviceCaps   uint32
	_            [3]uint32
}

type formatDescription struct {
	Index       uint32
	Type        uint32
	Flags       uint32
	Description [32]byte
	PixelFormat uint32
	MbusCode    uint32
	_           [3]uint32
}

type frameSize struct {
	Index       uint32
	PixelFormat uint32
	Type        uint32
	// Discrete: width, height. Otherwise: least and most width and step, least and
	// most height and step.
	Union [6]uint32
	_     [2]uint32
}

type fraction struct{ Numerator, Denominator uint32 }

type frameInterval struct {
	Index       uint32
	PixelFormat uint32
	Width       uint32
	Height      uint32
	Type        uint32
	Union       [3]fraction // discrete: the first; otherwise least, most, step
	_           [2]uint32
}

type pixFormat struct {
	Width        uint32
	Height       uint32
	PixelFormat  uint32
	Field        uint32
	BytesPerLine uint32
	SizeImage    uint32
	Colorspace   uint32
	Priv         uint32
	Flags        uint32
	YcbcrEnc     uint32
	Quantization uint32
	XferFunc     uint32
}

type streamFormat struct {
	Type uint32
	_    [0]uintptr
	Pix  pixFormat
	_    [152]byte
}

type streamParm struct {
	Type         uint32
	Capability   uint32
	CaptureMode  uint32
	TimePerFrame fraction
	ExtendedMode uint32
	ReadBuffers  uint32
	_            [176]byte
}

type requestBuffers struct {
	Count        uint32
	Type         uint32
	Memory       uint32
	Capabilities uint32
	Flags        uint8
	_            [3]uint8
}

type buffer struct {
	Index     uint32
	Type      uint32
	BytesUsed uint32
	Flags     uint32
	Field     uint32
	Timestamp unix.Timeval
	Timecode  [16]byte
	Sequence  uint32
	Memory    uint32
	_         [0]uintptr
	Offset    uint32
	_         [unsafe.Sizeof(uintptr(0)) - 4]byte // the union holds a pointer, too
	Length    uint32
	_         uint32
	RequestFD int32
}

type queryControl struct {
	ID      uint32
	Type    uint32
	Name    [32]byte
	Minimum int32
	Maximum int32
	Step    int32
	Default int32
	Flags   uint32
	_       [2]uint32
}

type queryMenu struct {
	ID    uint32
	Index uint32
	Name  [32]byte // of a menu; of an integer menu an int64
	_     uint32
}

type control struct {
	ID    uint32
	Value int32
}

// A request is _IOC(direction, 'V', number, size), as <asm-generic/ioctl.h> has it
// for all architectures that we build for.
const (
	ioWrite = 1 << 30
	ioRead  = 2 << 30
	videoIO = 'V' << 8
)

const (
	vidiocQueryCap           = ioRead | videoIO | unsafe.Sizeof(capability{})<<16
	vidiocEnumFmt            = ioRead | ioWrite | videoIO | 2 | unsafe.Sizeof(formatDescription{})<<16
	vidiocSetFmt             = ioRead | ioWrite | videoIO | 5 | unsafe.Sizeof(streamFormat{})<<16
	vidiocRequestBuffers     = ioRead | ioWrite | videoIO | 8 | unsafe.Sizeof(requestBuffers{})<<16
	vidiocQueryBuf           = ioRead | ioWrite | videoIO | 9 | unsafe.Sizeof(buffer{})<<16
	vidiocQueueBuf           = ioRead | ioWrite | videoIO | 15 | unsafe.Sizeof(buffer{})<<16
	vidiocDequeueBuf         = ioRead | ioWrite | videoIO | 17 | unsafe.Sizeof(buffer{})<<16
	vidiocStreamOn           = ioWrite | videoIO | 18 | unsafe.Sizeof(int32(0))<<16
	vidiocStreamOff          = ioWrite | videoIO | 19 | unsafe.Sizeof(int32(0))<<16
	vidiocGetParm            = ioRead | ioWrite | videoIO | 21 | unsafe.Sizeof(streamParm{})<<16
	vidiocSetParm            = ioRead | ioWrite | videoIO | 22 | unsafe.Sizeof(streamParm{})<<16
	vidiocGetCtrl            = ioRead | ioWrite | videoIO | 27 | unsafe.Sizeof(control{})<<16
	vidiocSetCtrl            = ioRead | ioWrite | videoIO | 28 | unsafe.Sizeof(control{})<<16
	vidiocQueryCtrl          = ioRead | ioWrite | videoIO | 36 | unsafe.Sizeof(queryControl{})<<16
	vidiocQueryMenu          = ioRead | ioWrite | videoIO | 37 | unsafe.Sizeof(queryMenu{})<<16
	vidiocEnumFrameSizes     = ioRead | ioWrite | videoIO | 74 | unsafe.Sizeof(frameSize{})<<16
	vidiocEnumFrameIntervals = ioRead | ioWrite | videoIO | 75 | unsafe.Sizeof(frameInterval{})<<16
)

const (
	capVideoCapture = 0x00000001
	capStreaming    = 0x04000000
	capDeviceCaps   = 0x80000000

	typeVideoCapture = 1
	memoryMmap       = 1
	fieldAny         = 0
	fieldNone        = 1
	fieldInterlaced  = 4
	fieldInterlaceTB = 8
	fieldInterlaceBT = 9

	sizeDiscrete = 1 // of sizes and of intervals

	bufferError      = 0x00000040
	parmTimePerFrame = 0x1000

	controlDisabled = 0x0001
	controlReadOnly = 0x0004
	controlInactive = 0x0010
	controlNext     = 0x80000000

	controlInteger     = 1
	controlBoolean     = 2
	controlMenu        = 3
	controlButton      = 4
	controlIntegerMenu = 9
	controlBitmask     = 8

	quantizationDefault = 0
	quantizationFull    = 1
	encodingDefault     = 0
	encoding709         = 2
	colorspace709       = 3
	colorspaceJPEG      = 7
)

// fourCC spells a pixel format: the lowest byte first.
func fourCC(code uint32) string {
	b := []byte{byte(code), byte(code >> 8), byte(code >> 16), byte(code>>24) & 0x7f}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return strings.TrimRight(string(b), " ")
}

// codeOf is the reverse of fourCC for the formats that are read.
func codeOf(name string) (code uint32) {
	for i := range 4 {
		c := byte(' ')
		if i < len(name) {
			c = name[i]
		}
		code |= uint32(c) << (8 * i)
	}
	return code
}

// text returns a C string.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(strings.ToValidUTF8(s, "?"))
}
