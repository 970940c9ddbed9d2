package v4l2

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// ourLayout says the same about our structures as testdata/layout.c about C's.
func ourLayout() (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	var c capability
	add("sizeof v4l2_capability %d", unsafe.Sizeof(c))
	add("offset v4l2_capability.card %d", unsafe.Offsetof(c.Card))
	add("offset v4l2_capability.bus_info %d", unsafe.Offsetof(c.BusInfo))
	add("offset v4l2_capability.capabilities %d", unsafe.Offsetof(c.Capabilities))
	add("offset v4l2_capability.device_caps %d", unsafe.Offsetof(c.DeviceCaps))
	var d formatDescription
	add("sizeof v4l2_fmtdesc %d", unsafe.Sizeof(d))
	add("offset v4l2_fmtdesc.description %d", unsafe.Offsetof(d.Description))
	add("offset v4l2_fmtdesc.pixelformat %d", unsafe.Offsetof(d.PixelFormat))
	var s frameSize
	add("sizeof v4l2_frmsizeenum %d", unsafe.Sizeof(s))
	add("offset v4l2_frmsizeenum.type %d", unsafe.Offsetof(s.Type))
	add("offset v4l2_frmsizeenum.discrete.width %d", unsafe.Offsetof(s.Union))
	add("offset v4l2_frmsizeenum.stepwise.max_height %d", unsafe.Offsetof(s.Union)+4*unsafe.Sizeof(s.Union[0]))
	var v frameInterval
	add("sizeof v4l2_frmivalenum %d", unsafe.Sizeof(v))
	add("offset v4l2_frmivalenum.type %d", unsafe.Offsetof(v.Type))
	add("offset v4l2_frmivalenum.discrete %d", unsafe.Offsetof(v.Union))
	add("offset v4l2_frmivalenum.stepwise.max %d", unsafe.Offsetof(v.Union)+unsafe.Sizeof(v.Union[0]))
	var f streamFormat
	pix := unsafe.Offsetof(f.Pix)
	add("sizeof v4l2_format %d", unsafe.Sizeof(f))
	add("offset v4l2_format.fmt.pix.width %d", pix+unsafe.Offsetof(f.Pix.Width))
	add("offset v4l2_format.fmt.pix.bytesperline %d", pix+unsafe.Offsetof(f.Pix.BytesPerLine))
	add("offset v4l2_format.fmt.pix.sizeimage %d", pix+unsafe.Offsetof(f.Pix.SizeImage))
	add("offset v4l2_format.fmt.pix.quantization %d", pix+unsafe.Offsetof(f.Pix.Quantization))
	var p streamParm
	add("sizeof v4l2_streamparm %d", unsafe.Sizeof(p))
	add("offset v4l2_streamparm.parm.capture.capability %d", unsafe.Offsetof(p.Capability))
	add("offset v4l2_streamparm.parm.capture.timeperframe %d", unsafe.Offsetof(p.TimePerFrame))
	var r requestBuffers
	add("sizeof v4l2_requestbuffers %d", unsafe.Sizeof(r))
	add("offset v4l2_requestbuffers.memory %d", unsafe.Offsetof(r.Memory))
	var b buffer
	add("sizeof v4l2_buffer %d", unsafe.Sizeof(b))
	add("offset v4l2_buffer.bytesused %d", unsafe.Offsetof(b.BytesUsed))
	add("offset v4l2_buffer.timestamp %d", unsafe.Offsetof(b.Timestamp))
	add("offset v4l2_buffer.sequence %d", unsafe.Offsetof(b.Sequence))
	add("offset v4l2_buffer.memory %d", unsafe.Offsetof(b.Memory))
	add("offset v4l2_buffer.m.offset %d", unsafe.Offsetof(b.Offset))
	add("offset v4l2_buffer.length %d", unsafe.Offsetof(b.Length))
	var q queryControl
	add("sizeof v4l2_queryctrl %d", unsafe.Sizeof(q))
	add("offset v4l2_queryctrl.name %d", unsafe.Offsetof(q.Name))
	add("offset v4l2_queryctrl.minimum %d", unsafe.Offsetof(q.Minimum))
	add("offset v4l2_queryctrl.default_value %d", unsafe.Offsetof(q.Default))
	add("offset v4l2_queryctrl.flags %d", unsafe.Offsetof(q.Flags))
	var m queryMenu
	add("sizeof v4l2_querymenu %d", unsafe.Sizeof(m))
	add("offset v4l2_querymenu.index %d", unsafe.Offsetof(m.Index))
	add("offset v4l2_querymenu.name %d", unsafe.Offsetof(m.Name))
	add("sizeof v4l2_control %d", unsafe.Sizeof(control{}))
	for _, r := range []struct {
		name   string
		number uintptr
	}{
		{"QUERYCAP", vidiocQueryCap},
		{"ENUM_FMT", vidiocEnumFmt},
		{"S_FMT", vidiocSetFmt},
		{"REQBUFS", vidiocRequestBuffers},
		{"QUERYBUF", vidiocQueryBuf},
		{"QBUF", vidiocQueueBuf},
		{"DQBUF", vidiocDequeueBuf},
		{"STREAMON", vidiocStreamOn},
		{"STREAMOFF", vidiocStreamOff},
		{"G_PARM", vidiocGetParm},
		{"S_PARM", vidiocSetParm},
		{"G_CTRL", vidiocGetCtrl},
		{"S_CTRL", vidiocSetCtrl},
		{"QUERYCTRL", vidiocQueryCtrl},
		{"QUERYMENU", vidiocQueryMenu},
		{"ENUM_FRAMESIZES", vidiocEnumFrameSizes},
		{"ENUM_FRAMEINTERVALS", vidiocEnumFrameIntervals},
	} {
		add("request VIDIOC_%s %#x", r.name, r.number)
	}
	return all
}

func TestLayoutIsTheKernels(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("layout.txt is that of 64-bit systems")
	}
	want, err := os.ReadFile("testdata/layout.txt")
	if err != nil {
		t.Fatal(err)
	}
	ours := ourLayout()
	for i, line := range slices.Collect(strings.Lines(string(want))) {
		if line = strings.TrimSpace(line); i >= len(ours) || ours[i] != line {
			t.Errorf("line %d: the kernel has %q", i+1, line)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(ours, "\n"))
	}
}

// Where there is a compiler, layout.txt is what it says of this system's headers.
func TestLayoutIsThatOfTheHeaders(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc")
	}
	program := filepath.Join(t.TempDir(), "layout")
	if out, err := exec.Command(gcc, "-o", program, "testdata/layout.c").CombinedOutput(); err != nil {
		t.Skipf("no kernel headers: %s", out)
	}
	got, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/layout.txt")
	if err != nil {
		t.Fatal(err)
	}
	if unsafe.Sizeof(uintptr(0)) == 8 && !bytes.Equal(got, want) {
		t.Errorf("layout.c says now:\n%s", got)
	}
}
