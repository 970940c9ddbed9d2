package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// shortDir is a folder whose name fits into the address of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "edge")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	listeners, err := listen(t.Context(), []string{"unix:" + path, "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is open to others: %v, %v", info.Mode(), err)
	}
	if got := listeners[0].Addr(); got.Network() != "unix" || got.String() != path {
		t.Errorf("its address is %v", got)
	}
	if !answers(t.Context(), path) {
		t.Error("nobody answers")
	}
	// Another daemon does not take it away, and opens nothing else either.
	others, err := listen(t.Context(), []string{"127.0.0.1:0", "unix:" + path})
	if !errors.Is(err, unix.EADDRINUSE) || hint.Of(err) == "" || others != nil {
		t.Errorf("a second daemon gets %v, %v", others, err)
	}
	closeAll(listeners)
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "s")); len(left) > 0 {
		t.Error("the socket stays behind")
	}
}

// A socket that a killed process left is replaced; whatever else is there is not.
func TestListenStale(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	// Its successor took the name: closing the first must not remove it.
	os.Remove(path)
	next, err := listenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if !answers(t.Context(), path) {
		t.Error("closing one listener removed the socket of another")
	}
	next.Close()

	os.WriteFile(path, []byte("precious"), 0o600)
	if _, err := listenUnix(t.Context(), path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file in the way gives %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "precious" {
		t.Error("the file in the way is gone")
	}
}

func TestUsualSocket(t *testing.T) {
	t.Setenv("RUNTIME_DIRECTORY", "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/1")
	if got, err := usualSocket(); err != nil || got != "/run/user/1/edge.sock" {
		t.Errorf("in a session: %q, %v", got, err)
	}
	t.Setenv("RUNTIME_DIRECTORY", "/run/edge")
	if got, err := usualSocket(); err != nil || got != "/run/edge/edge.sock" {
		t.Errorf("as a service: %q, %v", got, err)
	}
}

func TestKeepStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	release, err := keepStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keepStore(dir); !errors.Is(err, errKept) || !strings.Contains(err.Error(), "process ") {
		t.Errorf("a second keeper gets %v", err)
	}
	release()
	release, err = keepStore(dir)
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	release()
	os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	if _, err := keepStore(filepath.Join(dir, "file")); err == nil || errors.Is(err, errKept) {
		t.Errorf("no folder gives %v", err)
	}
}
