package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// taskLock is the right to change one task. It ends with the process.
type taskLock struct{ f *os.File }

// lockTask waits for the task's lock until ctx ends, and then says who holds it.
func (s *Store) lockTask(ctx context.Context, task string) (*taskLock, error) {
	if err := s.mkdirs(s.taskDir(task)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(s.taskDir(task), "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := await(ctx, f); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("task %q is %w by %s: %w", task, ErrLocked, holder(f), context.Cause(ctx))
			err = hint.Wrap(err, "wait until it has ended, or stop it, and run the command again")
		}
		f.Close()
		return nil, err
	}
	// For the message above, in another process; only the flock itself counts.
	f.Truncate(0)                                                     //nolint:errcheck // see above
	fmt.Fprintf(f, "%d %s\n", os.Getpid(), filepath.Base(os.Args[0])) //nolint:errcheck // see above
	return &taskLock{f}, nil
}

// await takes the exclusive lock of f as soon as nobody has it. If ctx ends
// first the error is EWOULDBLOCK.
func await(ctx context.Context, f *os.File) error {
	// There is no flock that ends with a context; asking again is cheap.
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		err := flock(f)
		if err == nil || !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// release gives the lock back. A child forked at this very moment may share the
// file for an instant, so closing alone would not do.
func (l *taskLock) release() {
	unix.Flock(int(l.f.Fd()), unix.LOCK_UN) //nolint:errcheck // closing follows
	l.f.Close()
}

// holder names the process that wrote itself into a lock file.
func holder(f *os.File) string {
	buf := make([]byte, 128)
	n, _ := f.ReadAt(buf, 0)
	pid, program, _ := strings.Cut(strings.TrimSpace(string(buf[:n])), " ")
	if _, err := strconv.Atoi(pid); err != nil {
		return "another process"
	}
	return fmt.Sprintf("process %s (%s)", pid, program)
}

// flock takes the exclusive lock of f without waiting.
func flock(f *os.File) error { return flockAs(f, unix.LOCK_EX|unix.LOCK_NB) }

func flockAs(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err != unix.EINTR {
			if err != nil {
				return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
			}
			return nil
		}
	}
}
