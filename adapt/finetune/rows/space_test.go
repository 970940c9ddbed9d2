package rows

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// kib is a row of 1 KiB.
const kib = 256

// TestReserve finds no difference but the space taken.
func TestReserve(t *testing.T) {
	r := open[float32](t, kib)
	if err := r.Reserve(100); err != nil {
		t.Fatal(err)
	}
	if want := int64(r.reserved) << 10; r.Len() != 0 || r.Bytes() != want {
		t.Errorf("%d rows, %d bytes with %d reserved", r.Len(), r.Bytes(), want)
	}
	if r.Read(0, make([]float32, kib)) == nil {
		t.Error("a row that is only reserved was read")
	}
	fillUp(t, r, 150)
}

// fillUp appends up to n rows, reads back each that was taken, and returns the
// first error.
func fillUp(t *testing.T, r *Rows[float32], n int) (failed error) {
	t.Helper()
	row, got := make([]float32, kib), make([]float32, kib)
	for i := range n {
		fill(row, i)
		if _, failed = r.Append(row); failed != nil {
			n = i
			break
		}
	}
	for i := range n {
		fill(row, i)
		if err := r.Read(i, got); err != nil || differ(row, got) >= 0 {
			t.Fatalf("row %d of %d: %v", i, n, err)
		}
	}
	if failed != nil {
		if err := r.Read(n, got); err == nil {
			t.Errorf("row %d, which did not fit, was read", n)
		}
	}
	return failed
}

// TestFullDisk fills a file system of 64 KiB. It runs in a child with a mount
// table of its own.
func TestFullDisk(t *testing.T) {
	dir := os.Getenv("EDGE_TEST_MOUNT")
	if dir == "" {
		cmd := child("TestFullDisk", "EDGE_TEST_MOUNT="+t.TempDir())
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		run(t, cmd)
		return
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("SKIP: mount:", err)
	}
	r := reopen(t, dir)
	checkFull(t, r.Reserve(100), unix.ENOSPC, dir, "at least 100.0 KiB")
	if err := r.Reserve(10); err != nil {
		t.Errorf("room for 10 KiB of 64: %v", err)
	}
	r.Close()

	r = reopen(t, dir)
	checkFull(t, fillUp(t, r, 100), unix.ENOSPC, dir, "at least 65.0 KiB", "has 64.0 KiB", "0.0 KiB more are free")
	r.Close()
	if err := reopen(t, dir).Reserve(60); err != nil {
		t.Errorf("Close did not give the space back: %v", err)
	}
}

// TestFileLimit writes more than a file may have, in a child with that limit.
func TestFileLimit(t *testing.T) {
	dir := os.Getenv("EDGE_TEST_FILE_LIMIT")
	if dir == "" {
		run(t, child("TestFileLimit", "EDGE_TEST_FILE_LIMIT="+t.TempDir()))
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 64 << 10, Max: 64 << 10}); err != nil {
		t.Skip("SKIP: limit the size of files:", err)
	}
	checkFull(t, reopen(t, dir).Reserve(100), unix.EFBIG, dir, "at least 100.0 KiB", "ulimit -f")
	checkFull(t, fillUp(t, reopen(t, dir), 100), unix.EFBIG, dir, "at least 65.0 KiB", "ulimit -f")
}

func reopen(t *testing.T, dir string) *Rows[float32] {
	t.Helper()
	r, err := New[float32](dir, kib)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// child is this test binary, running one test with one more variable.
func child(test, variable string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable)
	return cmd
}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSPC), strings.Contains(string(out), "SKIP"):
		t.Skip("this system does not let the test set up its own disk")
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func checkFull(t *testing.T, err, cause error, parts ...string) {
	t.Helper()
	if !errors.Is(err, cause) {
		t.Fatalf("%v, want %v", err, cause)
	}
	for _, part := range parts {
		if !strings.Contains(hint.Of(err), part) {
			t.Errorf("hint %q lacks %q", hint.Of(err), part)
		}
	}
	t.Logf("%v\nhint: %s", err, hint.Of(err))
}
