//go:build tensorflow

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// objectStore runs a real S3-compatible server on loopback, with an empty bucket
// "fleet", and points the environment at it.
func objectStore(t *testing.T) {
	t.Helper()
	program := os.Getenv("EDGE_TEST_S3")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no S3 server to test with: `make test` installs one and names it in EDGE_TEST_S3")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "fleet"), 0o755); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "--port", address, "--access", "edge-test", "--secret", "not-a-secret-of-anyone", "--quiet",
		"posix", "--sidecar", t.TempDir(), data)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the object store does not listen")
		}
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "edge-test", "AWS_SECRET_ACCESS_KEY": "not-a-secret-of-anyone",
	} {
		t.Setenv(name, value)
	}
}

// mirrorOf opens a folder of the test's object store, whose copy here is gone
// when the test ends.
func mirrorOf(t *testing.T, url string) place {
	t.Helper()
	p, err := placeOf(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
	return p
}

// Images come from an object store and everything goes back into it, so that a
// run finds its checkpoints on a machine that has seen neither.
func TestFinetuneRemote(t *testing.T) {
	objectStore(t)
	photos, tuned := mirrorOf(t, "s3://fleet/photos"), mirrorOf(t, "s3://fleet/tuned")
	filled := t.TempDir()
	for _, class := range []string{"lamp_red", "valve_open"} {
		if err := os.CopyFS(filepath.Join(filled, class), os.DirFS(filepath.Join("..", "..", "samples", class))); err != nil {
			t.Fatal(err)
		}
	}
	if err := photos.mirror.send(t.Context(), filled); err != nil {
		t.Fatal(err)
	}
	args := []string{"--dir", photos.name, "--out", tuned.name, "--epochs", "1,1"}
	first := finetuneOnce(t, t.TempDir(), args...)

	away := filepath.Join(t.TempDir(), "away")
	if _, err := tuned.mirror.fetch(t.Context(), away, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{tunedName, resultName, filepath.Join(checkpointsName, "epoch-0001", "state.json")} {
		if info, err := os.Stat(filepath.Join(away, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s did not arrive: %v", name, err)
		}
	}
	for _, p := range []place{photos, tuned} { // as on another machine
		if err := os.RemoveAll(p.dir); err != nil {
			t.Fatal(err)
		}
	}
	again := finetuneOnce(t, t.TempDir(), append(args, "--resume")...)
	if again.Files.Base != first.Files.Base || again.After.Val.Loss != first.After.Val.Loss {
		t.Errorf("went on to another result: %v, %v", again.After.Val, first.After.Val)
	}
}
