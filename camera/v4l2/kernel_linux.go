package v4l2

import (
	"errors"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is what a device needs of the kernel: the boundary at which tests put a
// made-up one.
type kernel interface {
	// ioctl hands arg, a pointer to the structure that belongs to the request, to
	// the driver. An interrupted call is made again.
	ioctl(request uintptr, arg unsafe.Pointer) error
	mmap(offset int64, length int) ([]byte, error)
	munmap(b []byte) error
	// wait waits until a frame is there, something is wrong, or wake was called.
	wait() error
	// wake ends every wait, from now on.
	wake()
	close() error
}

// file is the kernel's own.
type file struct {
	fd    int
	event int // an eventfd that wake writes to

	mu     sync.Mutex
	closed bool // the numbers may be somebody else's
}

func openFile(path string) (kernel, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return nil, err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFCHR {
		return nil, errNoDevice
	}
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, err
	}
	event, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &file{fd: fd, event: event}, nil
}

// errNoDevice is the error of a path that leads to no device.
var errNoDevice = errors.New("is no camera device")

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func (f *file) ioctl(request uintptr, arg unsafe.Pointer) error {
	_, err := retry(func() (int, error) {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(f.fd), request, uintptr(arg))
		if errno != 0 {
			return 0, errno
		}
		return 0, nil
	})
	return err
}

func (f *file) mmap(offset int64, length int) ([]byte, error) {
	return unix.Mmap(f.fd, offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (f *file) munmap(b []byte) error { return unix.Munmap(b) }

func (f *file) wait() error {
	fds := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLIN}, {Fd: int32(f.event), Events: unix.POLLIN}}
	_, err := retry(func() (int, error) { return unix.Poll(fds, -1) })
	return err
}

func (f *file) wake() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		one := uint64(1)
		_, _ = unix.Write(f.event, (*[8]byte)(unsafe.Pointer(&one))[:]) //nolint:gosec // eight bytes, as the machine has them
	}
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return errors.Join(unix.Close(f.fd), unix.Close(f.event))
}

// links returns the lasting names that lead to path: those by id, then those by
// place.
func links(root, path string) (names []string) {
	for _, dir := range []string{root + "/v4l/by-id", root + "/v4l/by-path"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // no udev
		}
		for _, e := range entries {
			name := dir + "/" + e.Name()
			if sameDevice(name, path) {
				names = append(names, name)
			}
		}
	}
	return names
}

func sameDevice(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
