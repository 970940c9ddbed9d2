package sink

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

// JSONLinesOptions says where the lines go, and how much of them is kept.
type JSONLinesOptions struct {
	// Path is the file. It must be given; its folder is made when it is missing.
	Path string
	// MaxSize is how large the file may become, in bytes, before it is renamed to
	// Path.1 and a new one begun. Zero: without bound.
	MaxSize int64
	// Keep is how many older files stay: Path.1, the youngest, to Path.<Keep>.
	// Zero: none.
	Keep int
	// MaxAge is when older files go even so, by when they were last written.
	// Zero: never.
	MaxAge time.Duration
}

// JSONLines appends every event to a file, one JSON object a line, and rotates
// it.
//
// The file is only ever made of whole lines: a line that does not fit on the disk
// is taken back, and what a crash left of one is removed at the next start. A file
// that another program renamed or removed (logrotate) is begun anew. Lines reach the
// disk when the kernel writes them, within half a minute or so: after a power cut the
// last may be missing.
//
// It is used by one goroutine at a time.
type JSONLines struct {
	o    JSONLinesOptions
	now  func() time.Time
	file *os.File // nil: not open
	info os.FileInfo
	size int64
}

// NewJSONLines checks o. The file is opened with the first event.
func NewJSONLines(o JSONLinesOptions) (*JSONLines, error) {
	if o.Path == "" || o.MaxSize < 0 || o.Keep < 0 || o.MaxAge < 0 {
		return nil, errors.New("JSON lines: want a path, and no number below zero")
	}
	return &JSONLines{o: o, now: time.Now}, nil
}

// Deliver implements runtime.Sink.
func (j *JSONLines) Deliver(_ context.Context, e runtime.Event) error {
	data, err := line(e)
	if err != nil {
		return err
	}
	if err := j.write(append(data, '\n')); err != nil {
		return hint.Wrap(fmt.Errorf("JSON lines: %w", err), "make room or permission for "+j.o.Path+"; edge tries again with the next event")
	}
	return nil
}

func (j *JSONLines) write(data []byte) error {
	if err := j.open(); err != nil {
		return err
	}
	if j.o.MaxSize > 0 && j.size > 0 && j.size+int64(len(data)) > j.o.MaxSize {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	n, err := j.file.Write(data)
	if err == nil {
		j.size += int64(n)
		return nil
	}
	// Half a line would spoil the next one too.
	if cut := j.file.Truncate(j.size); cut != nil {
		err = errors.Join(err, cut)
	}
	j.shut() // the next event looks at the file afresh
	return err
}

// open opens the file, or opens it again if the path means another one now.
func (j *JSONLines) open() error {
	if j.file != nil {
		if there, err := os.Stat(j.o.Path); err == nil && os.SameFile(there, j.info) && there.Size() == j.size {
			return nil
		}
		j.shut() // renamed, removed, or written to by somebody else
	}
	if err := os.MkdirAll(filepath.Dir(j.o.Path), 0o700); err != nil {
		return err
	}
	// Not a file that a link leads to a device or a pipe: those would wait.
	if info, err := os.Stat(j.o.Path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", j.o.Path)
	}
	f, err := os.OpenFile(j.o.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	size, err := mend(f)
	if err == nil {
		j.info, err = f.Stat()
	}
	if err != nil {
		f.Close()
		return err
	}
	j.file, j.size = f, size
	return nil
}

func (j *JSONLines) shut() {
	if j.file != nil {
		j.file.Close() //nolint:errcheck // what it had to say, Write has said
		j.file = nil
	}
}

// longestLine is more than an event takes.
const longestLine = 1 << 20

// mend makes f end with a whole line: the rest of a line that a crash cut short is
// removed, and a line that only lacks its end gets it. It returns the size.
func mend(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	from := max(0, size-longestLine)
	tail := make([]byte, size-from)
	if _, err := f.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	last := tail[bytes.LastIndexByte(tail, '\n')+1:]
	switch {
	case len(last) == 0:
		return size, nil
	case json.Valid(last), len(last) == longestLine: // the latter is none of ours: leave it whole
		n, err := f.Write([]byte{'\n'})
		return size + int64(n), err
	default:
		size -= int64(len(last))
		return size, f.Truncate(size)
	}
}

// rotate renames the file to Path.1, what is there to Path.2 and so on, and
// begins a new one.
func (j *JSONLines) rotate() error {
	if err := j.file.Sync(); err != nil {
		return err
	}
	j.shut()
	for n := j.o.Keep; n >= 1; n-- {
		older := j.old(n)
		info, err := os.Stat(older)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if n == j.o.Keep || j.o.MaxAge > 0 && j.now().Sub(info.ModTime()) > j.o.MaxAge {
			err = os.Remove(older)
		} else {
			err = os.Rename(older, j.old(n+1))
		}
		if err != nil {
			return err
		}
	}
	var err error
	if j.o.Keep > 0 {
		err = os.Rename(j.o.Path, j.old(1))
	} else {
		err = os.Remove(j.o.Path)
	}
	if err != nil {
		return err
	}
	return j.open()
}

func (j *JSONLines) old(n int) string { return j.o.Path + "." + strconv.Itoa(n) }

// Close implements runtime.Sink.
func (j *JSONLines) Close() error {
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	if err != nil {
		return fmt.Errorf("JSON lines: %w", err)
	}
	return nil
}
