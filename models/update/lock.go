package update

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// lock is the right to change something. It ends with the process.
type lock struct{ f *os.File }

// lock waits for a lock until ctx ends.
func (d folder) lock(ctx context.Context, name string) (lock, error) {
	if err := d.mkdirs("."); err != nil {
		return lock{}, err
	}
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return lock{}, err
	}
	if err := hold(ctx, f); err != nil {
		f.Close()
		return lock{}, err
	}
	return lock{f}, nil
}

// hold waits for the flock of f until ctx ends.
func hold(ctx context.Context, f *os.File) error {
	// There is no flock that ends with a context; asking again is cheap.
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 200*time.Millisecond) {
		err := tryHold(f)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return hint.Wrap(fmt.Errorf("%s is %w: %w", f.Name(), ErrBusy, context.Cause(ctx)), "wait until the other edge has ended, or stop it")
		}
	}
}

// tryHold takes the flock of f without waiting: EWOULDBLOCK if another holds it.
func tryHold(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// release gives the lock back. A child forked at this very moment may share the
// file for an instant, so closing alone would not do.
func (l lock) release() {
	unix.Flock(int(l.f.Fd()), unix.LOCK_UN) //nolint:errcheck // closing follows
	l.f.Close()
}
