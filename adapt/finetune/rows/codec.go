package rows

import (
	"encoding/binary"
	"io"
	"math"
	"sync"
)

// chunk is how many bytes of floats are converted at a time: few enough to
// stay near the processor, many enough for few calls of the system.
const chunk = 256 << 10

// chunks are the buffers through which floats go to and from the file, in the
// processor's own byte order, as no other process ever reads them.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// width returns the bytes of a value.
func width[T Value]() int64 {
	var v T
	return int64(binary.Size(v))
}

// writeAt writes row at the offset.
func writeAt[T Value](file io.WriterAt, row []T, offset int64) error {
	switch row := any(row).(type) {
	case []uint8:
		_, err := file.WriteAt(row, offset)
		return err
	case []float32:
		return writeFloats(file, row, offset)
	}
	panic("rows: unreachable") // Value has no other types
}

// readAt fills row from the offset. It returns io.EOF if the file ends before.
func readAt[T Value](file io.ReaderAt, row []T, offset int64) error {
	switch row := any(row).(type) {
	case []uint8:
		return readFull(file, row, offset)
	case []float32:
		return readFloats(file, row, offset)
	}
	panic("rows: unreachable") // Value has no other types
}

func writeFloats(file io.WriterAt, row []float32, offset int64) error {
	buffer := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	for len(row) > 0 {
		n := min(len(row), chunk/4)
		bytes := buffer[:n*4]
		for i, v := range row[:n] {
			binary.NativeEndian.PutUint32(bytes[i*4:], math.Float32bits(v))
		}
		if _, err := file.WriteAt(bytes, offset); err != nil {
			return err
		}
		row, offset = row[n:], offset+int64(n*4)
	}
	return nil
}

func readFloats(file io.ReaderAt, row []float32, offset int64) error {
	buffer := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buffer)
	for len(row) > 0 {
		n := min(len(row), chunk/4)
		bytes := buffer[:n*4]
		if err := readFull(file, bytes, offset); err != nil {
			return err
		}
		for i := range row[:n] {
			row[i] = math.Float32frombits(binary.NativeEndian.Uint32(bytes[i*4:]))
		}
		row, offset = row[n:], offset+int64(n*4)
	}
	return nil
}

// readFull fills dst. An io.ReaderAt may say io.EOF along with the last bytes
// of the file, which is none of our concern.
func readFull(file io.ReaderAt, dst []byte, offset int64) error {
	n, err := file.ReadAt(dst, offset)
	if n == len(dst) {
		return nil
	}
	return err
}
