package delta

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite/file"
)

// Limits are what Apply accepts.
type Limits struct {
	Bytes int64 // of the child, and so of the parent; zero: 1 GiB
}

// Apply returns the child that a delta makes of parent. It is the child to the
// byte: its digest was compared with the one that the delta names. Whether that
// is the child one wants, the delta cannot say: ask Inspect, and the signature
// or the channel that named a digest.
//
// The delta may come from anywhere: Apply does not panic, and takes memory of
// three times the parent, a small multiple of the delta and 32 MiB at most; in format 2 of the child, and
// twice that of both together. Errors: ErrNotDelta, ErrParent (parent is
// not the file that the delta was made for), ErrTooLarge, ErrDamaged.
func Apply(parent, delta []byte, l Limits) ([]byte, error) {
	child, err := apply(parent, delta, l)
	if err != nil {
		return nil, fmt.Errorf("apply the delta: %w", err)
	}
	return child, nil
}

func apply(parent, delta []byte, l Limits) ([]byte, error) {
	if l.Bytes == 0 {
		l.Bytes = 1 << 30
	}
	info, frames, err := parse(delta)
	if err != nil {
		return nil, err
	}
	if info.ChildBytes > l.Bytes {
		return nil, fmt.Errorf("the child of %d bytes is %w: at most %d", info.ChildBytes, ErrTooLarge, l.Bytes)
	}
	if got := digest.Of(parent); got != info.Parent || int64(len(parent)) != info.ParentBytes {
		return nil, fmt.Errorf("%w: %s, not %s", ErrParent, info.Parent.Short(), got.Short())
	}
	child, err := rebuild(parent, info, frames)
	if err != nil {
		return nil, err
	}
	if got := digest.Of(child); got != info.Child {
		return nil, fmt.Errorf("%w: it gives a file of digest %s, want %s", ErrDamaged, got.Short(), info.Child.Short())
	}
	return child, nil
}

// rebuild makes the child, unchecked, of the right parent.
func rebuild(parent []byte, info Info, frames []byte) ([]byte, error) {
	if info.Format == 2 {
		return applyAny(parent, info, frames)
	}
	child := bytes.Clone(parent)
	tensors, total, err := constants(child, info.Constants)
	if err != nil {
		return nil, err
	}
	packed, err := decompress(frames, total)
	if err != nil {
		return nil, err
	}
	rows, memory := make([]row, len(tensors)), make([]byte, total)
	for i, t := range tensors {
		n := len(t.Data)
		rows[i], memory = row{memory[:n:n], wordSize(t)}, memory[n:]
	}
	together(rows, packed)
	for i, t := range tensors {
		undo(t.Data, rows[i].data, rows[i].size)
	}
	return child, nil
}

// constants returns the tensors that a delta changes, whose data alias model,
// and how many bytes they have together: no more than the model.
func constants(model []byte, places []Constant) (tensors []*file.Tensor, total int, err error) {
	m, err := file.Parse(model)
	if err != nil {
		return nil, 0, fmt.Errorf("the parent: %w", err)
	}
	for _, c := range places {
		if c.Subgraph >= len(m.Subgraphs) || c.Tensor >= len(m.Subgraphs[c.Subgraph].Tensors) {
			return nil, 0, fmt.Errorf("%w: the parent has no tensor %d in subgraph %d", ErrDamaged, c.Tensor, c.Subgraph)
		}
		t := &m.Subgraphs[c.Subgraph].Tensors[c.Tensor]
		tensors, total = append(tensors, t), total+len(t.Data)
		if !t.Constant() || total > len(model) { // constants may share their bytes, differences do not
			return nil, 0, fmt.Errorf("%w: tensor %d in subgraph %d cannot differ", ErrDamaged, c.Tensor, c.Subgraph)
		}
	}
	return tensors, total, nil
}

// decompress returns what the frames hold, which must be n bytes.
func decompress(frames []byte, n int) ([]byte, error) {
	d, err := zstd.NewReader(bytes.NewReader(frames), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer d.Close()
	return exactly(d, n)
}

// exactly reads n bytes, behind which nothing may follow.
func exactly(d io.Reader, n int) ([]byte, error) {
	out := make([]byte, n)
	if _, err := io.ReadFull(d, out); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch _, err := io.ReadFull(d, make([]byte, 1)); {
	case err == nil:
		return nil, fmt.Errorf("%w: more than the %d bytes that belong in it", ErrDamaged, n)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return out, nil
}
