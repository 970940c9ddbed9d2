package delta

import (
	"bytes"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/edge-adapt/edge/internal/digest"
)

// maxAny is how large parent and child may be together for a delta of two files
// of any structure: its reader needs as much memory to look back.
const maxAny = 64 << 20

// dictionaryID names the parent in a frame; any number but 0 does.
const dictionaryID = 1

// diffAny returns a delta of format 2, for files that differ in more than
// constants.
func diffAny(parent, child []byte) ([]byte, error) {
	if len(parent) == 0 || len(child) == 0 || len(parent)+len(child) > maxAny {
		return nil, fmt.Errorf("%w, and have %d bytes together: at most %d", ErrStructure, len(parent)+len(child), maxAny)
	}
	info := Info{
		Format: 2, Parent: digest.Of(parent), ParentBytes: int64(len(parent)), Child: digest.Of(child), ChildBytes: int64(len(child)),
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(lookBack(info)), zstd.WithEncoderDictRaw(dictionaryID, parent))
	if err != nil {
		return nil, err
	}
	return encoder.EncodeAll(child, info.encode()), encoder.Close()
}

// applyAny is Apply of format 2, for the right parent.
func applyAny(parent []byte, info Info, frames []byte) ([]byte, error) {
	d, err := zstd.NewReader(bytes.NewReader(frames), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(uint64(lookBack(info))), zstd.WithDecoderDictRaw(dictionaryID, parent)) //nolint:gosec // above zero
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer d.Close()
	return exactly(d, int(info.ChildBytes))
}

// lookBack is a frame's window: a power of two that reaches over the parent.
func lookBack(i Info) int {
	w := 1 << 20
	for int64(w) < i.ParentBytes+i.ChildBytes {
		w *= 2
	}
	return w
}
