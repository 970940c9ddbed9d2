package tensorboard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Writer appends events to one event file.
//
// Each event reaches the file in a single write before the method returns, so
// that TensorBoard can follow a run and a killed process leaves only whole
// events. A Writer may be used concurrently.
type Writer struct {
	now  func() time.Time
	name string

	mu   sync.Mutex
	file *os.File // nil once closed
}

// Create makes dir, if need be, and a new event file in it.
// Its name has the form events.out.tfevents.<unix time>.<host>.<process id>.
//
// A file that is already there is kept. TensorBoard reads all files of a folder
// as one run; the new file tells it to drop what the older ones hold.
func Create(dir string) (*Writer, error) { return CreateAt(dir, time.Now) }

// CreateAt is Create with a clock of the caller's: now gives the time of every
// event, and of the name.
func CreateAt(dir string, now func() time.Time) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // The umask decides: TensorBoard may run as someone else.
		return nil, fmt.Errorf("make event folder: %w", err)
	}
	file, err := createFile(dir, fileName(now()))
	if err != nil {
		return nil, fmt.Errorf("create event file: %w", err)
	}
	w := &Writer{now: now, name: file.Name(), file: file}
	if err := errors.Join(w.event(0, versionField()), w.event(0, startField())); err != nil {
		_ = file.Close()
		_ = os.Remove(file.Name())
		return nil, err
	}
	return w, nil
}

// createFile never opens a file that exists: a second writer of the same
// process and second gets a name of its own, which sorts behind the first.
func createFile(dir, name string) (*os.File, error) {
	for n := 0; ; n++ {
		path := filepath.Join(dir, name)
		if n > 0 {
			path = fmt.Sprintf("%s.%d", path, n)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // as the folder
		if !errors.Is(err, os.ErrExist) {
			return file, err
		}
	}
}

func fileName(t time.Time) string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	host = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		}
		return '_'
	}, host)
	return fmt.Sprintf("events.out.tfevents.%010d.%s.%d", t.Unix(), host, os.Getpid())
}

// Name returns the path of the event file.
func (w *Writer) Name() string { return w.name }

// Scalar writes one point of the curve called tag.
// Step counts from 0, as Keras counts epochs. NaN and infinities are allowed.
func (w *Writer) Scalar(tag string, step int64, value float32) error {
	return w.event(step, scalarField(tag, value))
}

// Text writes a Markdown text.
func (w *Writer) Text(tag string, step int64, markdown string) error {
	return w.event(step, textField(tag, markdown))
}

// Image writes a picture of width by height pixels; encoded is a whole PNG or JPEG file.
func (w *Writer) Image(tag string, step int64, width, height int, encoded []byte) error {
	return w.event(step, imageField(tag, width, height, encoded))
}

// event frames one event, whose content is an encoded field, and appends it.
func (w *Writer) event(step int64, content []byte) error {
	wall := float64(w.now().UnixNano()) / 1e9
	record := appendRecord(nil, eventMessage(wall, step, content))

	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return fmt.Errorf("write event: %w", os.ErrClosed)
	}
	if _, err := w.file.Write(record); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}

// Close closes the file. Closing again does nothing.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	if err != nil {
		return fmt.Errorf("close event file: %w", err)
	}
	return nil
}
