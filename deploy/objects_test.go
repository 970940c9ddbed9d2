package deploy_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	testKey    = "edge-test"
	testSecret = "not-a-secret-of-anyone"
	testBucket = "fleet" // the manifests'
)

// startStore runs a real S3-compatible server on loopback until the test ends,
// with the manifests' bucket, and returns a client of it and its address.
func startStore(t *testing.T) (client *minio.Client, url string) {
	t.Helper()
	program := os.Getenv("EDGE_TEST_S3")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no S3 server to test with: `make test-deploy` installs one and names it in EDGE_TEST_S3")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	data := t.TempDir()
	if err := os.Mkdir(filepath.Join(data, testBucket), 0o755); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "--port", address, "--access", testKey, "--secret", testSecret, "--quiet", "posix", "--sidecar", t.TempDir(), data)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the object store does not listen")
		}
	}
	client, err = minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(testKey, testSecret, ""), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return client, "http://" + address
}

// environment is what the manifest gives the container, with the test's object
// store in place of the manifest's.
func environment(t *testing.T, file, url string) []string {
	t.Helper()
	c, _ := readJob(t, file)
	var env []string
	for _, v := range c.Env {
		value, ref := v.Value, v.ValueFrom.SecretKeyRef
		switch {
		case v.Name == "AWS_ENDPOINT_URL" && strings.HasPrefix(value, "https://"):
			value = url
		case v.Name == "AWS_ACCESS_KEY_ID" && value == "" && ref.Name == "edge-object-store" && ref.Key == "access-key-id":
			value = testKey
		case v.Name == "AWS_SECRET_ACCESS_KEY" && value == "" && ref.Name == "edge-object-store" && ref.Key == "secret-access-key":
			value = testSecret
		case v.Name == "AWS_REGION":
		default:
			t.Errorf("%s gives %+v", file, v)
		}
		env = append(env, v.Name+"="+value)
	}
	if len(env) != 4 {
		t.Fatalf("%s gives %v", file, env)
	}
	return env
}

// TestEntryPointsWithObjectStore does what TestEntryPoints does, each pod on a
// machine of its own, and then compares the runs of a smaller sweep.
func TestEntryPointsWithObjectStore(t *testing.T) {
	newTrainer(t) // or skip before a server is started
	client, url := startStore(t)
	for _, class := range classes {
		paths, err := filepath.Glob(filepath.Join("..", "samples", class, "*.jpg"))
		if err != nil || len(paths) == 0 {
			t.Fatal(paths, err)
		}
		for _, path := range paths {
			key := "samples/" + class + "/" + filepath.Base(path)
			if _, err := client.FPutObject(t.Context(), testBucket, key, path, minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := func(file string, words ...string) (string, error) {
		return newTrainer(t).start(t, file, environment(t, file, url), words...)
	}
	there := func(key string) {
		t.Helper()
		if info, err := client.StatObject(context.Background(), testBucket, key, minio.StatObjectOptions{}); err != nil || info.Size == 0 {
			t.Errorf("%s: %v", key, err)
		}
	}
	for range 2 {
		if out, err := start("job-s3.yaml"); err != nil {
			t.Fatalf("job-s3.yaml: %v\n%s", err, out)
		}
		there("tuned/base.tflite")
	}
	small := []string{"0,0.1,0.2,0.5", "0,0.1", "1,2,3", "3"} // two runs instead of twelve
	for n, folder := range map[string]string{"0": "unfreeze-0/seed-3", "1": "unfreeze-0.1/seed-3"} {
		if out, err := start("sweep-s3.yaml", append(small, index, n)...); err != nil {
			t.Fatalf("sweep-s3.yaml, index %s: %v\n%s", n, err, out)
		}
		there("sweep/" + folder + "/base.tflite")
		there("sweep/" + folder + "/default/bundle.tar")
	}
	if out, err := start("sweep-s3.yaml", append(small, index, "-1")...); err != nil { // all: nothing is left to do
		t.Fatalf("the comparison: %v\n%s", err, out)
	}
	there("sweep/report.html")
	there("sweep/sweep.json")
	out, err := start("sweep-s3.yaml", index, "12")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, "there are 12 runs") {
		t.Errorf("index 12: %v\n%s", err, out)
	}
}
