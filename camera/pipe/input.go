package pipe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// Input is a file that is there once and stays, as standard input: it is read by
// one source after the other, each of which can be closed while it waits. The file
// itself is never closed.
type Input struct {
	file *os.File

	mu   sync.Mutex
	used bool
	owed int // what is left of a frame that a source broke off inside
}

// NewInput returns an Input that reads file.
func NewInput(file *os.File) *Input { return &Input{file: file} }

// Open returns the input for one source. It fails while another source has it.
func (in *Input) Open() (*Session, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.used {
		err := fmt.Errorf("standard input is read by another source: %w", camera.ErrUnsupported)
		return nil, hint.Wrap(err, "give one source alone pipe:, and the same one to tasks that share it")
	}
	conn, err := in.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	// Closing is told by a pipe that is waited for together with the file, so that
	// nothing has to be changed about a file that others may have open too.
	wake, waker, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	in.used = true
	s := &Session{in: in, conn: conn, wake: wake, waker: waker}
	s.fds[0].Events, s.fds[1].Events = unix.POLLIN, unix.POLLIN
	s.fds[1].Fd = int32(wake.Fd())
	s.step = s.await
	return s, nil
}

// Session is an Input that a source has for itself. Read is for one goroutine,
// Close for any.
type Session struct {
	in      *Input
	conn    syscall.RawConn
	wake    *os.File
	waker   *os.File
	closing sync.Once

	mu     sync.Mutex // held while the descriptors are in use
	closed bool
	// What one read needs stands here, so that nothing is allocated for it.
	fds  [2]unix.PollFd // the file, wake
	step func(fd uintptr)
	p    []byte
	n    int
	err  error
}

// owe notes how many bytes are missing of the frame that was being read, so that
// the next session can begin with a whole one.
func (s *Session) owe(n int) {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.owed = n
}

// settle drops as much of buf as is still owed and returns what is left of it.
func (s *Session) settle(buf []byte) []byte {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	n := min(s.in.owed, len(buf))
	s.in.owed -= n
	return buf[n:]
}

// Read implements io.Reader.
func (s *Session) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if s.closed {
			return 0, os.ErrClosed
		}
		n, err := s.read(p)
		if err != nil || len(p) == 0 {
			return 0, err
		}
		if left := s.settle(p[:n]); len(left) > 0 {
			return copy(p, left), nil
		}
	}
}

// read waits for the file or for Close, and reads the file.
func (s *Session) read(p []byte) (int, error) {
	s.p = p
	err := s.conn.Control(s.step)
	s.p = nil
	switch {
	case err != nil:
		return 0, err
	case s.err != nil:
		return 0, s.err
	case s.n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return s.n, nil
}

// await does so with the file's descriptor.
func (s *Session) await(fd uintptr) {
	s.fds[0].Fd = int32(fd)
	for {
		s.n = 0
		if _, s.err = unix.Poll(s.fds[:], -1); s.err == nil {
			if s.fds[1].Revents != 0 {
				s.err = os.ErrClosed
				return
			}
			s.n, s.err = unix.Read(int(fd), s.p)
		}
		if !errors.Is(s.err, unix.EINTR) && !errors.Is(s.err, unix.EAGAIN) {
			return
		}
	}
}

// Close ends a Read that waits, and leaves the file to the next session.
func (s *Session) Close() (err error) {
	s.closing.Do(func() {
		err = s.waker.Close()
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		_ = s.wake.Close()
		s.in.mu.Lock()
		s.in.used = false
		s.in.mu.Unlock()
	})
	return err
}
