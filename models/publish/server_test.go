package publish_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/edge-adapt/edge/models/publish"
)

// get asks a server, with headers given as "Name: value".
func get(t testing.TB, url, method string, headers ...string) (reply, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	must(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return reply{res.Status, res.StatusCode, res.ContentLength, res.Header}, string(body)
}

// reply is what counts of a response whose body was read.
type reply struct {
	Status        string
	StatusCode    int
	ContentLength int64
	Header        http.Header
}

func TestServer(t *testing.T) {
	r, _, c := newRepository(t)
	rel := addBase(t, r, 0, publish.AddOptions{})
	s := httptest.NewServer(&publish.Server{Dir: r.Public()})
	defer s.Close()

	// go-tuf's own client, over the network.
	root, err := os.ReadFile(filepath.Join(r.Public(), "metadata", "root.json"))
	must(t, err)
	cfg, err := config.New(s.URL+"/metadata", root)
	must(t, err)
	cfg.RemoteTargetsURL, cfg.DisableLocalCache = s.URL+"/targets", true
	u, err := updater.New(cfg)
	must(t, err)
	u.UnsafeSetRefTime(c.Now())
	must(t, u.Refresh())
	info, err := u.GetTargetInfo(rel.Base.Full.Target)
	must(t, err)
	if _, data, err := u.DownloadTarget(info, filepath.Join(t.TempDir(), "x"), ""); err != nil || int64(len(data)) != rel.Base.Bytes {
		t.Errorf("%d bytes, %v", len(data), err)
	}

	base := s.URL + "/targets/bases/" + rel.Base.Digest.Hex() + "." + rel.Base.Digest.Hex() + ".tflite"
	res, body := get(t, base, "GET", "Range: bytes=100-199")
	if res.StatusCode != http.StatusPartialContent || len(body) != 100 || res.Header.Get("ETag") != `"`+rel.Base.Digest.Hex()+`"` || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("range: %s, %d bytes, %v", res.Status, len(body), res.Header)
	}
	if res, body := get(t, base, "GET", "Range: bytes=100-199", `If-Range: "another"`); res.StatusCode != http.StatusOK || int64(len(body)) != rel.Base.Bytes {
		t.Errorf("range of another file: %s", res.Status)
	}
	if res, _ := get(t, base, "HEAD"); res.StatusCode != http.StatusOK || res.ContentLength != rel.Base.Bytes {
		t.Errorf("head: %s", res.Status)
	}
	timestamp := s.URL + "/metadata/timestamp.json"
	res, _ = get(t, timestamp, "GET")
	if res.Header.Get("Cache-Control") != "no-cache" || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("timestamp: %v", res.Header)
	}
	if res, _ := get(t, timestamp, "GET", "If-None-Match: "+res.Header.Get("ETag")); res.StatusCode != http.StatusNotModified {
		t.Errorf("unchanged timestamp: %s", res.Status)
	}
	must(t, r.Refresh(t.Context()))
	if res, _ := get(t, timestamp, "GET", "If-None-Match: "+res.Header.Get("ETag")); res.StatusCode != http.StatusOK {
		t.Errorf("changed timestamp: %s", res.Status)
	}
	if res, _ := get(t, s.URL+"/metadata/1.root.json", "GET"); !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("root: %v", res.Header)
	}
	if res, _ := get(t, s.URL+"/metadata/root.json", "GET"); res.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("newest root: %v", res.Header)
	}

	// Nothing else is there to see.
	secret := filepath.Join(r.Dir(), "keys.pem")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	must(t, os.WriteFile(filepath.Join(r.Public(), "notes.txt"), []byte("secret"), 0o600))
	must(t, os.Symlink(secret, filepath.Join(r.Public(), "targets", "link.pem")))
	for _, path := range []string{
		"/", "/metadata/", "/metadata", "/targets/bases", "/metadata/9.root.json", "/notes.txt", "/publish.yaml", "/targets/link.pem",
		"/metadata/../../publish.yaml", "/metadata/%2e%2e/%2e%2e/publish.yaml", "/metadata//timestamp.json", "/metadata/..%2f..%2fpublish.yaml",
	} {
		if res, body := get(t, s.URL+path, "GET"); res.StatusCode != http.StatusNotFound || strings.Contains(body, "secret") {
			t.Errorf("%s: %s %q", path, res.Status, body)
		}
	}
	for _, method := range []string{"PUT", "POST", "DELETE"} {
		if res, _ := get(t, timestamp, method); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, res.Status)
		}
	}
}

func TestServerTokens(t *testing.T) {
	r, _, _ := newRepository(t)
	tokens := []string{"one", "two"}
	s := httptest.NewServer(&publish.Server{Dir: r.Public(), Allow: func(token string) bool { return slices.Contains(tokens, token) }})
	defer s.Close()
	url := s.URL + "/metadata/1.root.json"
	for header, want := range map[string]int{
		"Authorization: Bearer one": 200, "Authorization: Bearer two": 200, "Authorization: Bearer on": 401,
		"Authorization: Bearer ": 401, "Authorization: one": 401, "X: y": 401,
	} {
		res, _ := get(t, url, "GET", header)
		if res.StatusCode != want || want == 200 && !strings.HasPrefix(res.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s: %s %v", header, res.Status, res.Header)
		}
	}
	tokens = nil
	if res, _ := get(t, url, "GET", "Authorization: Bearer one"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a token that was withdrawn: %s", res.Status)
	}
}
