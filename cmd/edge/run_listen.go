package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/config"
)

// listen opens every address, or none.
func listen(ctx context.Context, addresses []string) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				l.Close() //nolint:errcheck // nobody was served yet
			}
			listeners = nil
		}
	}()
	for _, text := range addresses {
		a, err := config.ParseAddress(text)
		if err != nil {
			return listeners, err
		}
		var l net.Listener
		if a.Network == "unix" {
			l, err = listenUnix(ctx, a.Address)
		} else {
			l, err = new(net.ListenConfig).Listen(ctx, "tcp", a.Address)
		}
		if err != nil {
			if errors.Is(err, unix.EADDRINUSE) {
				err = hint.Wrap(err, "edge status says whether another edge runs; otherwise choose another address with --listen")
			}
			return listeners, fmt.Errorf("listen on %s: %w", text, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// listenUnix makes a socket that its user alone may open. One that a killed
// process left behind is replaced, one that answers is not.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if path == "" {
		var err error
		if path, err = usualSocket(); err != nil {
			return nil, err
		}
	}
	// Somebody may be between the question whether the old socket answers and its
	// removal: the lock makes the two one step.
	unlock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("%s is there and no socket", path)
		}
		if answers(ctx, path) {
			return nil, &os.PathError{Op: "listen", Path: path, Err: unix.EADDRINUSE}
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	// The socket is made under another name and with its mode: nobody else can
	// connect before.
	made := path + ".new"
	if err := os.Remove(made); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", made)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // it would remove the other name
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &unixListener{l, path, info}, nil
}

// unixListener removes its socket when it is closed, unless another one has
// taken its place.
type unixListener struct {
	net.Listener
	path string
	made os.FileInfo
}

func (l *unixListener) Close() error {
	err := l.Listener.Close()
	if there, e := os.Lstat(l.path); e == nil && os.SameFile(there, l.made) {
		err = errors.Join(err, os.Remove(l.path))
	}
	return err
}

// Addr is where clients connect, and not the name the socket was made under.
func (l *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// answers reports whether somebody listens on the socket.
func answers(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	c.Close() //nolint:errcheck // it answered
	return true
}

// lockFile waits for the lock of a file, which stays.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { f.Close() }, nil //nolint:errcheck // the lock ends either way
}

// usualSocket is where the daemon's socket is when nobody says otherwise: the
// folder that systemd gives the service or the session, else one of the user's
// own.
func usualSocket() (string, error) {
	const name = "edge.sock"
	for _, variable := range []string{"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"} {
		if dir := os.Getenv(variable); filepath.IsAbs(dir) {
			return filepath.Join(dir, name), nil
		}
	}
	if os.Geteuid() == 0 {
		return filepath.Join("/run", name), nil
	}
	dir := filepath.Join(os.TempDir(), "edge-"+strconv.Itoa(os.Geteuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	// The folder of all users may hold a trap of that name.
	var s unix.Stat_t
	if err := unix.Lstat(dir, &s); err != nil {
		return "", &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	if s.Mode&unix.S_IFMT != unix.S_IFDIR || int(s.Uid) != os.Geteuid() || s.Mode&0o077 != 0 {
		return "", hint.Wrap(fmt.Errorf("%s belongs to somebody else, or is open to others", dir), "set XDG_RUNTIME_DIR, or listen on unix:/path/of/your/own")
	}
	return filepath.Join(dir, name), nil
}

// usualSockets are the places where `edge status` looks for a daemon: the user's
// own, then those of a service.
func usualSockets() []string {
	var places []string
	if own, err := usualSocket(); err == nil {
		places = append(places, own)
	}
	return append(places, "/run/edge/edge.sock", "/run/edge.sock")
}
