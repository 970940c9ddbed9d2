package remote

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile is a store that lists and gives what it likes.
type hostile struct {
	list    tree // as listed: by key
	give    tree // as given; what is missing is given as listed
	fetched tree // what somebody asked for
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/"+testBucket+"/")
	if r.URL.Query().Has("list-type") {
		type content struct {
			Key  string
			Size int
			ETag string
		}
		var answer struct {
			XMLName      xml.Name `xml:"ListBucketResult"`
			EncodingType string
			Contents     []content
		}
		answer.EncodingType = "url"
		for key, body := range h.list {
			answer.Contents = append(answer.Contents, content{url.QueryEscape(key), len(body), `"an-etag"`})
		}
		xml.NewEncoder(w).Encode(answer)
		return
	}
	body, ok := h.give[key]
	if !ok {
		body, ok = h.list[key]
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
		return
	}
	h.fetched[key] = body
	w.Header().Set("ETag", `"an-etag"`)
	w.Header().Set("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
	fmt.Fprint(w, body)
}

func (h *hostile) open(t *testing.T) *Folder {
	t.Helper()
	h.fetched = tree{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return open(t, "s3://"+testBucket, Config{Endpoint: server.URL, Region: "us-east-1", AccessKey: "a", SecretKey: "b"})
}

func TestHostileKeys(t *testing.T) {
	long := strings.Repeat("n", 256)
	for _, keys := range [][]string{
		{"../escaped"}, {"a/../../escaped"}, {".."}, {"."}, {"a/./b"}, {"/etc/passwd"}, {"a//b"}, {"a/"},
		{"a\x00b"}, {"a\nb"}, {"a\x7fb"}, {"a\u0085b"}, {"\xff.jpg"}, {`a\b`}, {long}, {"a/" + long}, {strings.Repeat("n/", 600) + "n"},
		{"a", "a/b"}, {"a/b/c", "a"}, {partial + "0"},
	} {
		h := &hostile{list: tree{"good.jpg": "good"}}
		for _, key := range keys {
			h.list[key] = "bad"
		}
		parent := t.TempDir()
		dir := filepath.Join(parent, "dir")
		_, err := h.open(t).Download(t.Context(), dir, Options{})
		if !errors.Is(err, ErrName) {
			t.Errorf("%.50q: got %v", keys, err)
		}
		if got := readTree(t, parent); len(got) > 0 || len(h.fetched) > 0 {
			t.Errorf("%.50q: something was fetched: %v, %v", keys, got, h.fetched)
		}
	}
}

func TestLyingStore(t *testing.T) {
	for name, give := range map[string]string{"longer": "a photo and more", "shorter": "a ph"} {
		h := &hostile{list: tree{"a.jpg": "a photo"}, give: tree{"a.jpg": give}}
		dir := t.TempDir()
		if _, err := h.open(t).Download(t.Context(), dir, Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := readTree(t, dir); len(got) > 0 {
			t.Errorf("%s: %v is left", name, got)
		}
	}
}

// manifestOf is a manifest that promises other than what the store gives.
func manifestOf(name, digest string, size int) string {
	return fmt.Sprintf(`{"format":1,"files":[{"name":%q,"size":%d,"digest":%q}]}`, name, size, digest)
}

func TestLyingManifest(t *testing.T) {
	const other = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for name, h := range map[string]*hostile{
		"content":  {list: tree{manifestName: manifestOf("a", other, 1), "a": "x"}},
		"missing":  {list: tree{manifestName: manifestOf("a", other, 1)}},
		"name":     {list: tree{manifestName: manifestOf("../a", other, 1), "../a": "x"}},
		"digest":   {list: tree{manifestName: manifestOf("a", "sha256:00", 1), "a": "x"}},
		"size":     {list: tree{manifestName: manifestOf("a", other, -1), "a": "x"}},
		"huge":     {list: tree{manifestName: manifestOf("a", other, 1<<60), "a": "x"}},
		"format":   {list: tree{manifestName: `{"format":2}`}},
		"not JSON": {list: tree{manifestName: "<html>"}},
	} {
		parent := t.TempDir()
		if _, err := h.open(t).Download(t.Context(), filepath.Join(parent, "dir"), Options{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := readTree(t, parent); len(got) > 0 {
			t.Errorf("%s: %v is left", name, got)
		}
	}
}

// TestLinksLeadNowhere has a link in the folder here that leads out of it.
func TestLinksLeadNowhere(t *testing.T) {
	outside, dir := folderOf(t, tree{"precious.jpg": "precious"}), t.TempDir()
	for link, target := range map[string]string{"class": outside, "precious.jpg": filepath.Join(outside, "precious.jpg")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	want := tree{"class/precious.jpg": "replaced", "precious.jpg": "replaced"}
	h := &hostile{list: want}
	if _, err := h.open(t).Download(t.Context(), dir, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := readTree(t, outside); len(got) != 1 || got["precious.jpg"] != "precious" {
		t.Errorf("outside the folder there is now %v", got)
	}
	if got := readTree(t, dir); len(got) != 2 || got["class/precious.jpg"] != "replaced" {
		t.Errorf("the folder holds %v", got)
	}
}
