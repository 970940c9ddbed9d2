// Package rows keeps many vectors of one length on disk, so that what belongs
// to tens of thousands of pictures takes bounded memory: the pictures
// themselves, or what the frozen part of a base made of them.
//
// The rows lie in one temporary file without a name, whose space is free again
// when it is closed and when the process ends, however that ends. The file is
// read and written, never mapped, so that a full or failing disk is an error
// and no signal. Rows that the system has memory to spare for are read from
// there, by its own cache of the disk.
package rows

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sync"
)

// Value is what rows are made of.
type Value interface{ float32 | uint8 }

// Rows are vectors of one length, numbered from 0.
//
// All methods may be called concurrently, but for Close, which must come last,
// and for one row that is written and read, or written twice, at once.
type Rows[T Value] struct {
	dir    string // where the file is, for errors
	file   *os.File
	length int   // values a row
	size   int64 // bytes a row

	mu       sync.RWMutex
	written  []bool // the rows that hold what was written to them
	reserved int    // rows that the disk has promised room for
}

// New returns an empty set of rows of length values each, at least 1, whose
// file is made in the existing folder dir; "" stands for os.TempDir. Mind that
// many systems keep their temporary files in memory.
func New[T Value](dir string, length int) (*Rows[T], error) {
	if dir == "" {
		dir = os.TempDir()
	}
	r := &Rows[T]{dir: dir, length: length, size: int64(length) * width[T]()}
	if length < 1 || length > math.MaxInt32 {
		return nil, fmt.Errorf("rows of %d values: want 1 to %d", length, math.MaxInt32)
	}
	var err error
	if r.file, err = nameless(dir); err != nil {
		return nil, r.explain(fmt.Errorf("rows: %w", err), 0)
	}
	return r, nil
}

// nameless returns a new file that no folder lists any more.
func nameless(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "rows-*.tmp")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// Len returns the number of rows: one more than the highest that was written.
func (r *Rows[T]) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.written)
}

// Length returns the number of values of a row.
func (r *Rows[T]) Length() int { return r.length }

// Bytes returns how much of the disk the rows take, or have reserved.
func (r *Rows[T]) Bytes() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return int64(max(len(r.written), r.reserved)) * r.size
}

// Append writes row, of the rows' length, behind the last one and returns its
// number. It keeps no reference. A row that could not be written keeps its
// number and cannot be read.
func (r *Rows[T]) Append(row []T) (int, error) {
	r.mu.Lock()
	i := len(r.written)
	r.written = append(r.written, false)
	r.mu.Unlock()
	return i, r.Set(i, row)
}

// Set writes row, of the rows' length, as number i. Rows may be written in any
// order, and again. Set keeps no reference.
//
// A full disk is an error whose hint names the folder. Everything written
// before stays readable.
func (r *Rows[T]) Set(i int, row []T) error {
	if i < 0 || len(row) != r.length {
		return fmt.Errorf("rows: %d values for row %d of %d values each", len(row), i, r.length)
	}
	r.mark(i, false)
	if err := writeAt(r.file, row, int64(i)*r.size); err != nil {
		return r.explain(fmt.Errorf("rows: write row %d: %w", i, err), int64(i+1)*r.size)
	}
	r.mark(i, true)
	return nil
}

// mark notes whether row i can be read.
func (r *Rows[T]) mark(i int, written bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if missing := i + 1 - len(r.written); missing > 0 {
		r.written = append(r.written, make([]bool, missing)...)
	}
	r.written[i] = written
}

// Read fills dst, of the rows' length, with row i. A row that was never
// written is an error.
func (r *Rows[T]) Read(i int, dst []T) error {
	if len(dst) != r.length {
		return fmt.Errorf("rows: room for %d values, a row has %d", len(dst), r.length)
	}
	r.mu.RLock()
	there := i >= 0 && i < len(r.written) && r.written[i]
	r.mu.RUnlock()
	if !there {
		return fmt.Errorf("rows: row %d was never written", i)
	}
	if err := readAt(r.file, dst, int64(i)*r.size); err != nil {
		if errors.Is(err, io.EOF) { // the file was cut behind our back
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("rows: read row %d: %w", i, err)
	}
	return nil
}

// Gather fills dst, [len(indices), length], with the rows of these numbers, in
// their order.
func (r *Rows[T]) Gather(indices []int, dst []T) error {
	if len(dst) != len(indices)*r.length {
		return fmt.Errorf("rows: room for %d values, %d rows have %d", len(dst), len(indices), len(indices)*r.length)
	}
	for k, i := range indices {
		if err := r.Read(i, dst[k*r.length:][:r.length]); err != nil {
			return err
		}
	}
	return nil
}

// Close gives the disk's space back. The rows cannot be used after it.
func (r *Rows[T]) Close() error { return r.file.Close() }
