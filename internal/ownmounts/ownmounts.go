// Package ownmounts lets a test mount file systems that nobody else sees: small
// ones to fill, read-only ones. It needs user namespaces, not root.
package ownmounts

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// variable tells the child the folder to mount on.
const variable = "EDGE_TEST_MOUNT"

// Skipped begins the reason of a test in the child that skips because mounting is
// not allowed: the parent then skips too.
const Skipped = "SKIP: mount:"

// Dir is the folder to mount on in the child that InChild has started, and "" in
// its parent.
func Dir() string { return os.Getenv(variable) }

// InChild runs the calling test again in a child with a mount table of its own,
// where Dir is an empty folder; env is added to the child's environment. The
// test has passed, failed or been skipped as the child was.
func InChild(t *testing.T, env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v") //nolint:gosec,noctx // this very test
	cmd.Env = append(append(os.Environ(), variable+"="+t.TempDir()), env...)
	Isolate(cmd)
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSPC), strings.Contains(string(out), Skipped):
		t.Skip("this system lets nobody mount a file system of their own")
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// Isolate has cmd start with a mount table of its own, as its root.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
}
