package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// errKept is that another daemon keeps the store.
var errKept = errors.New("another edge run keeps this store")

// keepStore makes this process the store's keeper: the one daemon that adapts by
// itself. Others may serve from the store beside it. The lock ends with the
// process.
//
// errKept says who has it. Where no lock can be had, on a disk that is read-only,
// the error says so; nothing could adapt there.
func keepStore(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "daemon.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		buf := make([]byte, 32)
		n, _ := f.ReadAt(buf, 0) //nolint:errcheck // for the message alone
		f.Close()                //nolint:errcheck // nothing was written
		return nil, fmt.Errorf("%w: process %s", errKept, strings.TrimSpace(string(buf[:n])))
	case err != nil:
		return nil, errors.Join(err, f.Close())
	}
	f.Truncate(0)                       //nolint:errcheck // for the message above
	fmt.Fprintf(f, "%d\n", os.Getpid()) //nolint:errcheck // for the message above
	return func() { f.Close() }, nil    //nolint:errcheck // the lock ends either way
}
