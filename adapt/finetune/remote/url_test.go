package remote

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]URL{
		"s3://photos":              {"photos", ""},
		"s3://photos/":             {"photos", ""},
		"s3://photos/runs/a":       {"photos", "runs/a"},
		"s3://photos/runs/a/":      {"photos", "runs/a"},
		"s3://my.photos/ä b+%?#&=": {"my.photos", "ä b+%?#&="},
	} {
		got, err := Parse(s)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%s is written as %s", s, got)
		}
	}
	for _, s := range []string{
		"", "photos", "/photos", "s3:/photos", "https://photos/a", "s3://", "s3:///a", "s3://Ph/a", "s3://a",
		"s3://photos/../x", "s3://photos/a/../../x", "s3://photos//a", "s3://photos/a\x00b", "s3://key:secret@photos/a",
	} {
		if got, err := Parse(s); err == nil || hint.Of(err) == "" {
			t.Errorf("%q is taken for %+v (%v)", s, got, err)
		}
	}
	if u := (URL{"photos", ""}).Join("a").Join("b"); u.String() != "s3://photos/a/b" {
		t.Error(u)
	}
}

func TestEndpoints(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"":                           true,
		"https://store.example":      true,
		"https://store.example:9000": true,
		"https://store.example/":     true,
		"http://localhost:9000":      true,
		"http://127.0.0.1":           true,
		"http://127.1.2.3:9000":      true,
		"http://[::1]:9000":          true,
		"http://store.example":       false,
		"http://10.0.0.1:9000":       false,
		"http://localhost.example":   false,
		"http://127.0.0.1.example":   false,
		"store.example:9000":         false,
		"ftp://store.example":        false,
		"https://":                   false,
		"https://a:b@store.example":  false,
		"https://store.example/path": false,
		"https://store.example?x=y":  false,
	} {
		c := Config{Endpoint: endpoint, AccessKey: "a", SecretKey: "b"}
		_, err := Open(URL{"photos", ""}, c)
		if (err == nil) != want || err != nil && hint.Of(err) == "" {
			t.Errorf("%q: %v (hint: %s)", endpoint, err, hint.Of(err))
		}
	}
	c := Config{Endpoint: "http://store.example", AccessKey: "a", SecretKey: "b", PlainHTTP: true}
	if _, err := Open(URL{"photos", ""}, c); err != nil {
		t.Errorf("plain HTTP was asked for: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	for _, name := range []string{
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "EDGE_S3_PLAIN_HTTP",
	} {
		t.Setenv(name, "")
	}
	_, err := Open(URL{"photos", ""}, Environment())
	if err == nil || !strings.Contains(hint.Of(err), "AWS_ACCESS_KEY_ID") {
		t.Errorf("no credentials: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	t.Setenv("AWS_DEFAULT_REGION", "default")
	t.Setenv("AWS_ENDPOINT_URL", "https://all.example")
	want := Config{"https://all.example", "default", "key", "secret", "token", false}
	if got := Environment(); got != want {
		t.Errorf("got %+v", got)
	}
	t.Setenv("AWS_REGION", "special")
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://s3.example")
	t.Setenv("EDGE_S3_PLAIN_HTTP", "1")
	want = Config{"http://s3.example", "special", "key", "secret", "token", true}
	if got := Environment(); got != want {
		t.Errorf("got %+v", got)
	}
}

// FuzzName: a name that is accepted leads, resolved as the system does it, to
// one file below the folder.
func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "a/b.jpg", "../a", "/a", "a/..", "a//b", "a/./b", ".a", "...", "a\x00", `..\a`, "ä"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkName(name) != nil {
			return
		}
		path := filepath.FromSlash(name)
		if !filepath.IsLocal(path) || filepath.Clean(path) != path || path == "." || strings.ContainsRune(path, 0) {
			t.Errorf("%q is accepted", name)
		}
	})
}

// FuzzManifest: a manifest that is accepted can be laid out in a folder, and is
// written as it was read.
func FuzzManifest(f *testing.F) {
	const digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	f.Add([]byte(`{"format":1}`))
	f.Add([]byte(manifestOf("a/b", digest, 3)))
	f.Add([]byte(manifestOf("../b", digest, 3)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseManifest(data)
		if err != nil || len(m.Files) > 100 {
			return
		}
		dir := t.TempDir()
		for _, e := range m.Files {
			path := filepath.Join(dir, e.Name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			out.Close()
		}
		written, err := m.bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseManifest(written)
		if err != nil || len(again.Files) != len(m.Files) {
			t.Fatalf("%s is read back with %v", written, err)
		}
	})
}
