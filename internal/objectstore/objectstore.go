// Package objectstore runs a real S3-compatible server, Versity's gateway, for
// tests.
package objectstore

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// What every server of this package lets in, and where it says it is.
const (
	Key    = "edge-test"
	Secret = "not-a-secret-of-anyone"
	Region = "us-east-1"
)

// Start runs the server on loopback until the test ends, with one empty bucket,
// and returns its address, HOST:PORT. args are further flags of the server. It
// skips the test where EDGE_TEST_S3 names no program: `make test`, `make test-s3`
// and `make test-deploy` install it.
func Start(t *testing.T, bucket string, args ...string) (address string) {
	t.Helper()
	program := os.Getenv("EDGE_TEST_S3")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no S3 server to test with: `make test`, `make test-s3` and `make test-deploy` install one and name it in EDGE_TEST_S3")
	}
	var network net.ListenConfig
	listener, err := network.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	listener.Close()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, bucket), 0o755); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	args = append([]string{"--port", address, "--access", Key, "--secret", Secret, "--quiet"}, args...)
	args = append(args, "posix", "--sidecar", t.TempDir(), data)
	server := exec.CommandContext(context.WithoutCancel(t.Context()), program, args...) //nolint:gosec // make chose the program
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("the object store said:\n%s", &log)
		}
	})
	var dialer net.Dialer
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := dialer.DialContext(t.Context(), "tcp", address); err == nil {
			c.Close()
			return address
		}
		if time.Now().After(deadline) {
			t.Fatal("the object store does not listen")
		}
	}
}
