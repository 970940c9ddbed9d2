package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/edge-adapt/edge/internal/objectstore"
)

const testBucket = "photos"

// gateway is a real S3-compatible server, Versity's gateway, over a folder.
type gateway struct {
	address string // HOST:PORT
	config  Config
	client  *minio.Client // another tool that fills the bucket
}

// startGateway runs the server with one empty bucket.
func startGateway(t *testing.T, args ...string) *gateway {
	t.Helper()
	address := objectstore.Start(t, testBucket, args...)
	g := &gateway{address: address, config: Config{
		Endpoint: "http://" + address, Region: objectstore.Region, AccessKey: objectstore.Key, SecretKey: objectstore.Secret,
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
