// Package delta says how a fine-tuned base differs from its parent, in fewer
// bytes than the base itself: a device that has the parent fetches the delta and
// rebuilds the base.
//
// Between two .tflite files that differ in the values of constants alone, which is
// what file.Patch makes of a parent, and fine-tuning with it, a delta holds the
// constants that differ and nothing else: format 1. Between any other two models,
// such as quantised ones, whose scales differ too, it holds the child as what it
// has of the parent: format 2.
//
// # Format
//
// Numbers are little-endian.
//
//	 0  8 bytes    "EDGEDLT" and the number of the format, 1 or 2
//	 8  uint64     bytes of the parent
//	16  32 bytes   SHA-256 of the parent
//	48  uint64     bytes of the child: as many, in format 1
//	56  32 bytes   SHA-256 of the child
//	88  uint32     n, the number of constants that differ; 0 in format 2
//	92  n times    uint32 subgraph, uint32 tensor; rising, none twice
//	    the rest   one or more zstd frames, which hold the differences
//
// In format 2 the frames hold the child, with the parent as a raw dictionary of
// zstd, and their window is the smallest power of two from 1 MiB on that reaches
// over both files. The rest of this is about format 1.
//
// A constant is a row of words, each the size of an element where that is two or
// four bytes, else one byte. The difference of a word is the child's less the
// parent's, both taken as unsigned integers, wrapped around, with its sign moved
// to the lowest bit (2d, or -2d-1 below zero), so that small differences are
// small numbers. Where two tensors share their bytes, the first has the
// difference. Of all differences, in the order of the constants, come first the
// lowest bytes, then the second, the third and the fourth.
//
// Float weights that were fine-tuned have differences whose upper bytes are
// nearly all alike, while the lower ones are noise: put apart, zstd finds the
// former and leaves the latter. Of the codings that were measured (the child's
// bytes as they are, the bits by which it differs, the difference; each with and
// without the bytes put apart), this one was the smallest on every base:
// docs/finetune-output.md has the figures.
package delta

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite/file"
)

// Reasons that errors.Is finds in what Diff, Inspect and Apply return.
var (
	ErrStructure = errors.New("the models differ in more than the values of constants") // Diff, of large ones: send the child whole
	ErrNotDelta  = errors.New("not a delta that this program reads")
	ErrParent    = errors.New("made for another parent")
	ErrDamaged   = errors.New("damaged delta")
	ErrTooLarge  = errors.New("larger than allowed")
)

// Info is what a delta says of itself. Nothing of it is true before Apply has
// found it so.
type Info struct {
	Format      int           `json:"format"` // 1 or 2
	Parent      digest.Digest `json:"parent"`
	ParentBytes int64         `json:"parent_bytes"`
	Child       digest.Digest `json:"child"`
	ChildBytes  int64         `json:"child_bytes"`
	Constants   []Constant    `json:"constants"` // those that differ, in rising order; none in format 2
}

// Constant is a constant of a model, by its place.
type Constant struct {
	Subgraph int `json:"subgraph"`
	Tensor   int `json:"tensor"`
}

// less is the order of a delta's constants.
func (c Constant) less(d Constant) bool {
	return c.Subgraph < d.Subgraph || c.Subgraph == d.Subgraph && c.Tensor < d.Tensor
}

const (
	magic     = "EDGEDLT" // and the format
	fixedSize = 92        // of the header without the constants
	placeSize = 8         // of a constant in the header
)

// encode returns the bytes before the frames.
func (i Info) encode() []byte {
	le := binary.LittleEndian
	out := append(make([]byte, 0, fixedSize+placeSize*len(i.Constants)), magic...)
	out = append(out, byte(i.Format))
	for _, side := range []struct {
		bytes  int64
		digest digest.Digest
	}{{i.ParentBytes, i.Parent}, {i.ChildBytes, i.Child}} {
		out = le.AppendUint64(out, uint64(side.bytes))
		sum, err := hex.DecodeString(side.digest.Hex())
		if err != nil {
			panic(err) // digest.Of made it
		}
		out = append(out, sum...)
	}
	out = le.AppendUint32(out, uint32(len(i.Constants)))
	for _, c := range i.Constants {
		out = le.AppendUint32(out, uint32(c.Subgraph))
		out = le.AppendUint32(out, uint32(c.Tensor))
	}
	return out
}

// Inspect reads what a delta is for without applying it. data may come from
// anywhere; memory stays within a small multiple of it. The error is ErrNotDelta
// or ErrDamaged.
func Inspect(data []byte) (Info, error) {
	i, _, err := parse(data)
	return i, err
}

// parse returns the header and the frames behind it.
func parse(data []byte) (Info, []byte, error) {
	if len(data) < fixedSize || string(data[:len(magic)]) != magic || data[len(magic)] < 1 || data[len(magic)] > 2 {
		return Info{}, nil, ErrNotDelta
	}
	format := int(data[len(magic)])
	le := binary.LittleEndian
	parentBytes, childBytes, n := le.Uint64(data[8:]), le.Uint64(data[48:]), le.Uint32(data[88:])
	frames := data[fixedSize:]
	switch {
	case parentBytes > maxFile || childBytes > maxFile, format == 1 && parentBytes != childBytes, format == 2 && parentBytes+childBytes > maxAny:
		return Info{}, nil, fmt.Errorf("%w: a parent of %d bytes with a child of %d", ErrDamaged, parentBytes, childBytes)
	case format == 2 && n > 0:
		return Info{}, nil, fmt.Errorf("%w: %d constants in a delta of any structure", ErrDamaged, n)
	case uint64(n)*placeSize > uint64(len(frames)):
		return Info{}, nil, fmt.Errorf("%w: it ends within the list of its %d constants", ErrDamaged, n)
	}
	i := Info{
		Format: format, ParentBytes: int64(parentBytes), Parent: named(data[16:48]),
		ChildBytes: int64(childBytes), Child: named(data[56:88]),
		Constants: make([]Constant, n),
	}
	for k := range i.Constants {
		i.Constants[k] = Constant{int(le.Uint32(frames)), int(le.Uint32(frames[4:]))}
		frames = frames[placeSize:]
		if k > 0 && !i.Constants[k-1].less(i.Constants[k]) {
			return Info{}, nil, fmt.Errorf("%w: its constants are not in order", ErrDamaged)
		}
	}
	return i, frames, nil
}

// named is the digest of these 32 bytes.
func named(sum []byte) digest.Digest { return digest.Digest("sha256:" + hex.EncodeToString(sum)) }

// maxFile is the largest file: offsets in a flatbuffer have 31 bits.
const maxFile = 1<<31 - 1

// wordSize is how many bytes of a constant are taken together.
func wordSize(t *file.Tensor) int {
	if size := t.Type.Bits() / 8; (size == 2 || size == 4) && len(t.Data)%size == 0 {
		return size
	}
	return 1
}
