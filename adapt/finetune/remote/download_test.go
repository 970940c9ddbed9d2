package remote

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/objectstore"
	"github.com/edge-adapt/edge/internal/ownmounts"
)

func TestDownloadFollowsTheBucket(t *testing.T) {
	g := startGateway(t)
	want := photos(40)
	for _, odd := range []string{"ä ö.jpg", "a+b.jpg", "100%.jpg", "what?#1.jpg", "a&b=c;d.jpg", "~tilde'quote\".jpg", ".hidden"} {
		want["odd names/"+odd] = odd
	}
	want["empty.txt"] = ""
	for name, content := range want {
		g.put(t, "samples/"+name, content)
	}
	g.put(t, "samples-of-others/x.jpg", "not asked for")
	dir := filepath.Join(t.TempDir(), "new", "folder")
	f := open(t, "s3://"+testBucket+"/samples/", g.config)

	var last, total int64
	s, err := f.Download(t.Context(), dir, Options{Progress: func(d, t int64) { last, total = d, t }})
	if err != nil {
		t.Fatal(err)
	}
	if got := readTree(t, dir); !maps.Equal(got, want) {
		t.Errorf("got %d files %v, want %d", len(got), got, len(want))
	}
	if s.Files != len(want) || s.Moved != len(want) || last != s.Bytes || total != s.Bytes || s.Bytes == 0 {
		t.Errorf("%+v of %d files, progress ended at %d of %d", s, len(want), last, total)
	}

	if _, s := download(t, f, dir); s.Moved != 0 || s.Removed != 0 {
		t.Errorf("nothing changed, yet %+v", s)
	}

	// Without the times, the digests say the same.
	for name := range want {
		if err := os.Chtimes(filepath.Join(dir, name), time.Unix(1, 0), time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, s := download(t, f, dir); s.Moved != 0 {
		t.Errorf("only times differ, yet %+v", s)
	}

	// One of the same size, one new, one gone, one that is now a folder.
	want["class_0/000.jpg"] = strings.ToUpper(want["class_0/000.jpg"])
	want["class_2/new.jpg"] = "new"
	delete(want, "class_1/001.jpg")
	delete(want, "empty.txt")
	want["empty.txt/inside.jpg"] = "inside"
	for _, key := range []string{"class_1/001.jpg", "empty.txt"} {
		if err := g.client.RemoveObject(t.Context(), testBucket, "samples/"+key, minio.RemoveObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"class_0/000.jpg", "class_2/new.jpg", "empty.txt/inside.jpg"} {
		g.put(t, "samples/"+name, want[name])
	}
	got, s := download(t, f, dir)
	if !maps.Equal(got, want) || s.Moved != 3 || s.Removed != 2 {
		t.Errorf("after changes: %+v, right: %v", s, maps.Equal(got, want))
	}
}

// TestDownloadOfParts has an object whose ETag is no MD5 of it.
func TestDownloadOfParts(t *testing.T) {
	g := startGateway(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
	_, err := g.client.PutObject(t.Context(), testBucket, "big.bin", bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{PartSize: 5 << 20})
	if err != nil {
		t.Fatal(err)
	}
	info, err := g.client.StatObject(t.Context(), testBucket, "big.bin", minio.StatObjectOptions{})
	if err != nil || !strings.Contains(info.ETag, "-") {
		t.Fatalf("ETag %q, %v: the test proves nothing", info.ETag, err)
	}
	f, dir := open(t, "s3://"+testBucket, g.config), t.TempDir()
	if got, _ := download(t, f, dir); got["big.bin"] != string(content) {
		t.Error("not what was put")
	}
	if _, s := download(t, f, dir); s.Moved != 0 {
		t.Errorf("nothing changed, yet %+v", s)
	}
}

func TestDownloadOfNothing(t *testing.T) {
	g := startGateway(t)
	g.put(t, "folder/", "") // as consoles mark folders
	got, s := download(t, open(t, "s3://"+testBucket+"/folder", g.config), t.TempDir())
	if len(got) != 0 || s != (Summary{}) {
		t.Errorf("%v, %+v", got, s)
	}
}

func TestErrorsNameTheNextStep(t *testing.T) {
	g := startGateway(t)
	g.put(t, "x.jpg", "x")
	with := func(change func(*Config)) Config {
		c := g.config
		change(&c)
		return c
	}
	for name, test := range map[string]struct {
		url    string
		config Config
		hint   string
	}{
		"no such bucket": {"s3://no-such-bucket/x", g.config, "create the bucket no-such-bucket"},
		"unknown key":    {"s3://" + testBucket, with(func(c *Config) { c.AccessKey = "nobody" }), "AWS_ACCESS_KEY_ID"},
		"wrong secret":   {"s3://" + testBucket, with(func(c *Config) { c.SecretKey = "wrong" }), "AWS_SECRET_ACCESS_KEY"},
		"nobody listens": {"s3://" + testBucket, with(func(c *Config) { c.Endpoint = "http://127.0.0.1:1" }), "AWS_ENDPOINT_URL"},
		"not with TLS":   {"s3://" + testBucket, with(func(c *Config) { c.Endpoint = "https://" + g.address }), "AWS_ENDPOINT_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			f, dir := open(t, test.url, test.config), t.TempDir()
			_, err := f.Download(t.Context(), dir, Options{})
			if err == nil || !strings.Contains(hint.Of(err), test.hint) || !strings.Contains(err.Error(), test.url) {
				t.Errorf("Download: %v (hint: %s)", err, hint.Of(err))
			}
			writeTree(t, dir, tree{"x": "y"})
			_, err = f.Upload(t.Context(), dir, Options{})
			if err == nil || !strings.Contains(hint.Of(err), test.hint) {
				t.Errorf("Upload: %v (hint: %s)", err, hint.Of(err))
			}
			for _, secret := range []string{objectstore.Secret, "wrong"} {
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("%v tells the secret", err)
				}
			}
		})
	}
}

func TestCutConnections(t *testing.T) {
	g := startGateway(t)
	want := tree{"small.jpg": "small", "large.bin": strings.Repeat("large ", 1<<18)}
	for name, content := range want {
		g.put(t, name, content)
	}
	t.Run("twice", func(t *testing.T) {
		proxy := startProxy(t, g, 100_000, 2)
		if got, _ := download(t, open(t, "s3://"+testBucket, proxy.config), t.TempDir()); !maps.Equal(got, want) {
			t.Error("not what was put")
		}
		if n := proxy.cuts.Load(); n != 2 {
			t.Errorf("%d connections were cut", n)
		}
	})
	t.Run("always", func(t *testing.T) {
		dir := t.TempDir()
		proxy := startProxy(t, g, 100_000, 1<<30)
		_, err := open(t, "s3://"+testBucket, proxy.config).Download(t.Context(), dir, Options{})
		if err == nil || !strings.Contains(err.Error(), "large.bin") {
			t.Fatalf("got %v", err)
		}
		if got := readTree(t, dir); got["large.bin"] != "" || len(got) > 1 {
			t.Errorf("half of a file is left: %d names", len(got))
		}
		// The next one, over a connection that holds, fetches the rest.
		writeTree(t, dir, tree{partial + "7": "left by a kill"})
		before := readTree(t, dir)
		got, s := download(t, open(t, "s3://"+testBucket, g.config), dir)
		if !maps.Equal(got, want) || s.Moved != len(want)-len(before)+1 {
			t.Errorf("%+v after %d files", s, len(before)-1)
		}
	})
}

func TestCancel(t *testing.T) {
	g := startGateway(t)
	for name, content := range photos(60) {
		g.put(t, name, content)
	}
	ctx, cancel := contextCancelledAt(t, 20)
	_, err := open(t, "s3://"+testBucket, g.config).Download(ctx, t.TempDir(), Options{Progress: func(done, _ int64) { cancel(done) }})
	if !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v", err)
	}
}

// TestFullDisk fills a real file system, by bytes and by names. It runs in a
// child with a mount table of its own.
func TestFullDisk(t *testing.T) {
	dir := ownmounts.Dir()
	if dir == "" {
		g := startGateway(t)
		for name, content := range photos(60) {
			g.put(t, name, content)
		}
		ownmounts.InChild(t, "EDGE_TEST_ENDPOINT="+g.config.Endpoint)
		return
	}
	c := Config{Endpoint: os.Getenv("EDGE_TEST_ENDPOINT"), Region: objectstore.Region, AccessKey: objectstore.Key, SecretKey: objectstore.Secret}
	f := open(t, "s3://"+testBucket, c)
	for _, limit := range []string{"size=40k", "size=4m,nr_inodes=20"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, limit); err != nil {
			t.Skip(ownmounts.Skipped, err)
		}
		_, err := f.Download(t.Context(), dir, Options{})
		if !errors.Is(err, unix.ENOSPC) || !strings.Contains(hint.Of(err), "free some space") {
			t.Fatalf("%s: got %v (hint: %s)", limit, err, hint.Of(err))
		}
		for name := range readTree(t, dir) {
			if strings.HasPrefix(name, partial) {
				t.Errorf("%s: %s is left", limit, name)
			}
		}
		// With more room it goes on.
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=8m,nr_inodes=1000"); err != nil {
			t.Fatal(err)
		}
		if got, _ := download(t, f, dir); !maps.Equal(got, photos(60)) {
			t.Fatalf("%s: with more room: %d files", limit, len(got))
		}
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
}
