package remote

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	testKey    = "edge-test"
	testSecret = "not-a-secret-of-anyone"
	testBucket = "photos"
)

// gateway is a real S3-compatible server, Versity's gateway, over a folder.
type gateway struct {
	address string // HOST:PORT
	config  Config
	client  *minio.Client // another tool that fills the bucket
}

// startGateway runs the server on loopback until the test ends, with one empty
// bucket. It skips the test where the program is not installed.
func startGateway(t *testing.T, args ...string) *gateway {
	t.Helper()
	program := os.Getenv("EDGE_TEST_S3")
	if _, err := os.Stat(program); err != nil {
		t.Skip("no S3 server to test with: `make test` and `make test-s3` install one and name it in EDGE_TEST_S3")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	data, meta := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(data, testBucket), 0o755); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	args = append([]string{"--port", address, "--access", testKey, "--secret", testSecret, "--quiet"}, args...)
	cmd := exec.Command(program, append(args, "posix", "--sidecar", meta, data)...)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("the server said:\n%s", &log)
		}
	})
	for wait := time.Duration(0); ; wait += 20 * time.Millisecond {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			break
		}
		if wait > 20*time.Second {
			t.Fatal("the server does not listen")
		}
		time.Sleep(20 * time.Millisecond)
	}
	g := &gateway{address: address, config: Config{
		Endpoint: "http://" + address, Region: "us-east-1", AccessKey: testKey, SecretKey: testSecret,
	}}
	g.client = open(t, "s3://"+testBucket, g.config).client.Client
	return g
}

func open(t *testing.T, url string, c Config) *Folder {
	t.Helper()
	u, err := Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(u, c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// put fills the bucket as another tool would.
func (g *gateway) put(t *testing.T, key, content string) {
	t.Helper()
	_, err := g.client.PutObject(t.Context(), testBucket, key, strings.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

// tree is the content of a folder: by name, with slashes.
type tree map[string]string

func readTree(t *testing.T, dir string) tree {
	t.Helper()
	got := tree{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		got[filepath.ToSlash(name)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func writeTree(t *testing.T, dir string, files tree) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// download is Download into dir that has to work; it returns what is there.
func download(t *testing.T, f *Folder, dir string) (tree, Summary) {
	t.Helper()
	s, err := f.Download(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return readTree(t, dir), s
}

func upload(t *testing.T, f *Folder, dir string) Summary {
	t.Helper()
	s, err := f.Upload(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keys lists everything in the bucket.
func (g *gateway) keys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for o := range g.client.ListObjects(context.Background(), testBucket, minio.ListObjectsOptions{Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// photos is a folder of n made-up photos in two classes.
func photos(n int) tree {
	files := tree{}
	for i := range n {
		files[fmt.Sprintf("class_%d/%03d.jpg", i%2, i)] = strings.Repeat(fmt.Sprintf("photo %d ", i), 100+i)
	}
	return files
}
