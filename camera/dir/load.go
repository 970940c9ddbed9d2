package dir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
)

// load fills f with the picture of a file, or sees to it that the file is looked at
// again, forgotten or told of, and reports false.
func (s *source) load(f *camera.Frame, file *file) bool {
	now := time.Now()
	err := s.read(file, now)
	captured := time.Now()
	if err == nil {
		err = pixel.DecodeInto(&f.Image, s.data, s.Limits)
	}
	var notYet *notYet
	switch {
	case err == nil:
	case errors.As(err, &notYet):
		s.queue.put(file, now.Add(notYet.wait))
		return false
	case errors.Is(err, fs.ErrNotExist):
		s.forget(file.name)
		return false
	default:
		if left := file.since.Add(s.Patience).Sub(now); left > 0 && !file.old {
			s.queue.put(file, now.Add(left))
			return false
		}
		s.reject(file, pathless(err))
		return false
	}
	file.done = true
	s.number++
	f.Number, f.Captured, f.Name = s.number, captured, filepath.ToSlash(file.name)
	return true
}

// notYet says that a file is to be looked at again.
type notYet struct{ wait time.Duration }

func (*notYet) Error() string { return "not yet whole" }

// read reads a file into s.data, if it is whole.
func (s *source) read(file *file, now time.Time) error {
	// Not blocking, should a pipe have taken the file's place.
	in, err := os.OpenFile(filepath.Join(s.root, file.name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fs.ErrNotExist // what was there has gone
	}
	if stampOf(info) != file.stamp {
		file.stamp, file.since, file.old = stampOf(info), now, false
		return &notYet{rest}
	}
	if wait := s.unsettled(in, file, now); wait > 0 {
		return &notYet{wait}
	}
	most := s.Limits.OrDefault().Bytes
	if info.Size() > most {
		return fmt.Errorf("%w: %d bytes, at most %d are read", pixel.ErrTooLarge, info.Size(), most)
	}
	if n := int(info.Size()); cap(s.data) < n {
		s.data = make([]byte, n)
	} else {
		s.data = s.data[:n]
	}
	if _, err := io.ReadFull(in, s.data); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return &notYet{rest} // it has become shorter
		}
		return err
	}
	if info, err = in.Stat(); err != nil {
		return err
	}
	if stampOf(info) != file.stamp {
		return &notYet{rest}
	}
	return nil
}

// unsettled returns for how long a file is still to be left alone, 0 if it is
// whole as far as anybody can tell.
func (s *source) unsettled(in *os.File, file *file, now time.Time) time.Duration {
	quiet := now.Sub(file.since)
	if s.local {
		switch writers(in) {
		case nobody:
			return 0
		case somebody:
			// They may also just keep it open.
			if quiet < s.Patience && !file.old {
				return min(max(quiet/4, rest), time.Second)
			}
			return 0
		}
	}
	if file.old {
		return 0
	}
	return max(0, s.Settle-quiet)
}

// writing is whether a file is open for writing.
type writing int

const (
	unknown writing = iota
	nobody
	somebody
)

// reject gives up on a file, tells of it, and moves it out of the way if files are
// moved.
func (s *source) reject(file *file, reason error) {
	file.done = true
	if s.after.what == moveAway {
		switch err := s.after.move(s.root, file, rejected); {
		case err == nil:
			s.forget(file.name)
		case !errors.Is(err, errChanged):
			reason = fmt.Errorf("%w; and it stays where it is: %w", reason, err)
		}
	}
	s.trouble = append(s.trouble, &camera.Skipped{Name: filepath.ToSlash(file.name), Err: reason})
}

// finish does with the last frame's file what was asked for.
func (s *source) finish() {
	file := s.held
	s.held = nil
	if file == nil {
		return
	}
	var err error
	switch s.after.what {
	case moveAway:
		err = s.after.move(s.root, file, "")
	case remove:
		err = s.after.remove(s.root, file)
	default:
		return
	}
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		s.forget(file.name)
		return
	case errors.Is(err, errChanged): // and is a picture of its own
		return
	}
	err = fmt.Errorf("its picture was used, but it stays where it is: %w", err)
	s.trouble = append(s.trouble, &camera.Skipped{Name: filepath.ToSlash(file.name), Err: err})
}
