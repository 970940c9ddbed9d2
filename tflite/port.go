package tflite

import (
	"fmt"
	"unsafe"

	"github.com/edge-adapt/edge/internal/float16"
	"github.com/edge-adapt/edge/tflite/internal/capi"
)

// port converts between float32 and the memory of one input or output.
//
// Quantising follows what the library's own QUANTIZE operator computes under
// XNNPACK, bit for bit: the number times the float32 reciprocal of the scale,
// rounded to nearest with ties to even, plus the zero point, held within the
// type's range. (Without XNNPACK some builds divide and round ties away from
// zero: at a tie, one step apart.) A NaN becomes the zero point. Eight-bit
// tensors without a scale hold the numbers themselves.
type port struct {
	kind  TensorType
	dims  []int32 // shape at opening; dims[0] is the batch
	per   int     // elements an item of the batch
	scale float32
	zero  int32
	table [256]float32 // of an eight-bit type: the number each stored byte stands for
}

// newPort prepares the conversion of t, batch items of which make its shape.
func newPort(t Tensor, batch int) (*port, error) {
	size := t.Type.size()
	if size == 0 {
		return nil, fmt.Errorf("tensor %q holds %v: only float32, float16, int8 and uint8 can be run", t.Name, t.Type)
	}
	n := elements(t.Shape)
	if n == 0 || n%batch != 0 || n > (1<<31-1)/size {
		return nil, fmt.Errorf("tensor %q has shape %v, which holds no %d equal items", t.Name, t.Shape, batch)
	}
	p := &port{kind: t.Type, per: n / batch, scale: 1}
	for _, d := range t.Shape {
		p.dims = append(p.dims, int32(d))
	}
	if q := t.Quantisation; q != nil {
		if !(q.Scale > 0 && q.Scale <= 1e30) {
			return nil, fmt.Errorf("tensor %q has the quantisation scale %g", t.Name, q.Scale)
		}
		p.scale, p.zero = q.Scale, int32(q.ZeroPoint)
	}
	low, high := p.limits()
	if p.zero < low || p.zero > high {
		return nil, fmt.Errorf("tensor %q has the zero point %d, outside %v", t.Name, p.zero, t.Type)
	}
	for i := range p.table {
		stored := int32(i)
		if p.kind == Int8 {
			stored = int32(int8(i))
		}
		p.table[i] = float32(stored-p.zero) * p.scale
	}
	return p, nil
}

// limits returns the range of the stored integers; zero for float types.
func (p *port) limits() (low, high int32) {
	switch p.kind {
	case Int8:
		return -128, 127
	case UInt8:
		return 0, 255
	}
	return 0, 0
}

// bytes returns the memory that n items take.
func (p *port) bytes(n int) int { return n * p.per * p.kind.size() }

// middle returns a number well inside the input's range, away from zero.
func (p *port) middle() float32 {
	if _, high := p.limits(); high > 0 {
		return float32(high-p.zero+1) / 2 * p.scale
	}
	return 0.5
}

// write fills memory with the first elements of src.
func (p *port) write(memory []byte, src []float32) {
	switch p.kind {
	case Float32:
		copy(view[float32](memory), src)
	case Float16:
		for i, h := 0, view[uint16](memory); i < len(h); i++ {
			h[i] = float16.Bits(src[i])
		}
	case Int8, UInt8:
		p.quantise(memory, src)
	}
}

// read is the inverse of write: it fills the beginning of dst.
func (p *port) read(dst []float32, memory []byte) {
	switch p.kind {
	case Float32:
		copy(dst, view[float32](memory))
	case Float16:
		for i, h := range view[uint16](memory) {
			dst[i] = float16.FromBits(h)
		}
	case Int8, UInt8:
		for i, b := range memory {
			dst[i] = p.table[b]
		}
	}
}

func (p *port) quantise(memory []byte, src []float32) {
	low, high := p.limits()
	capi.Quantise(memory, src, 1/p.scale, float32(low-p.zero), float32(high-p.zero), p.zero)
}

// view returns the memory of a tensor as elements. The library aligns tensors
// to 16 bytes at least.
func view[T float32 | uint16](memory []byte) []T {
	var one T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(memory))), len(memory)/int(unsafe.Sizeof(one))) //nolint:gosec // aligned
}
