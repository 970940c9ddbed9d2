// Package postgres runs a real PostgreSQL for tests.
package postgres

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// nobody is the user that the server runs as when the test is root, which it refuses
// to run for.
const nobody = 65534

// Start runs a server until the test ends, in a temporary folder and on a unix socket
// there, and returns the address of an empty database. It skips the test where
// EDGE_TEST_POSTGRES names no program and none is installed: `make test` installs one.
// The server syncs nothing to the disk.
func Start(t testing.TB) (address string) {
	t.Helper()
	bin := programs()
	if bin == "" {
		t.Skip("no PostgreSQL to test with: `make test` installs one and names it in EDGE_TEST_POSTGRES")
	}
	dir, err := os.MkdirTemp("", "edge-postgres-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) }) //nolint:errcheck // a temporary folder
	var as *syscall.SysProcAttr
	if os.Geteuid() == 0 {
		as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if !reachable(bin) {
			if bin, err = copied(filepath.Dir(bin), filepath.Join(dir, "postgres")); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(dir, "data")
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join(bin, name), args...) //nolint:gosec // make chose the program
		cmd.Dir, cmd.SysProcAttr = dir, as
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C", "TZ=UTC"}
		return cmd
	}
	out, err := command("initdb", "--auth=trust", "--username=edge", "--encoding=UTF8", "--no-locale", "--no-sync", "-D", data).CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	var log bytes.Buffer
	server := command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=40", "-c", "shared_buffers=16MB")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = server.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // at once
		<-ended
		if t.Failed() {
			t.Logf("PostgreSQL said:\n%s", &log)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		// The file's last line becomes "ready" when connections are taken.
		if pid, err := os.ReadFile(filepath.Join(data, "postmaster.pid")); err == nil && strings.HasSuffix(strings.TrimSpace(string(pid)), "ready") {
			return "postgres:///postgres?" + url.Values{"host": {dir}, "user": {"edge"}}.Encode()
		}
		select {
		case <-ended:
			t.Fatalf("PostgreSQL does not start:\n%s", &log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("PostgreSQL does not become ready")
		}
	}
}

// programs returns the folder of the server's programs, "" if there is none.
func programs() string {
	places := []string{os.Getenv("EDGE_TEST_POSTGRES")}
	if found, err := exec.LookPath("postgres"); err == nil {
		places = append(places, found)
	}
	installed, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") //nolint:errcheck // the pattern is right
	for _, place := range append(places, installed...) {
		if place == "" {
			continue
		}
		place, err := filepath.EvalSymlinks(place)
		if err != nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(place), "initdb")); err == nil {
			return filepath.Dir(place)
		}
	}
	return ""
}

// reachable reports whether every user may enter the folder.
func reachable(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// copied copies the folder of a whole server and returns that of its programs.
func copied(from, to string) (bin string, err error) {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return "", fmt.Errorf("copy PostgreSQL to where other users reach it: %w", err)
	}
	err = filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o755) //nolint:gosec // our own temporary copy
	})
	return filepath.Join(to, "bin"), err
}
