package publish

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
)

// Server serves what devices see of a repository, in a folder, as any static
// server would: with ranges, entity tags, and times for which caches may keep
// things. It reads below metadata/ and targets/ and nothing else, follows no link
// that leads out of the folder, and lists nothing.
type Server struct {
	// Dir is the folder, Repository.Public.
	Dir string
	// Allow reports whether a token opens the repository, which a request carries as
	// "Authorization: Bearer". It may be called concurrently. Nil: no token is needed.
	Allow func(token string) bool
}

// ServeHTTP answers a request. It may be called concurrently.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if !s.allowed(req) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "a token is needed", http.StatusUnauthorized)
		return
	}
	name := strings.TrimPrefix(req.URL.Path, "/")
	if !served(name) {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	if err := s.serve(w, req, name); err != nil {
		http.Error(w, "not found", http.StatusNotFound)
	}
}

// served reports whether name is the path of a file that devices ask for.
func served(name string) bool {
	return fs.ValidPath(name) && (strings.HasPrefix(name, "metadata/") || strings.HasPrefix(name, "targets/"))
}

func (s *Server) serve(w http.ResponseWriter, req *http.Request, name string) error {
	root, err := os.OpenRoot(s.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fs.ErrNotExist
	}
	etag, forever := tag(name, info)
	w.Header().Set("ETag", etag)
	if forever {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	if s.Allow != nil {
		w.Header().Set("Cache-Control", strings.Replace(w.Header().Get("Cache-Control"), "public", "private", 1))
	}
	w.Header().Set("Content-Type", mediaType(name))
	http.ServeContent(w, req, name, info.ModTime(), f)
	return nil
}

// tag is the entity tag of a file, and whether the file never changes: one with its
// digest or its version in the name.
func tag(name string, info fs.FileInfo) (etag string, forever bool) {
	first, _, _ := strings.Cut(path.Base(name), ".")
	if _, err := digest.Parse("sha256:" + first); err == nil {
		return `"` + first + `"`, true
	}
	versioned := first != "" && strings.Trim(first, "0123456789") == ""
	return fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size()), versioned
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".json":
		return "application/json"
	case ".tar":
		return "application/x-tar"
	}
	return "application/octet-stream"
}

// allowed reports whether the request carries a token that opens.
func (s *Server) allowed(req *http.Request) bool {
	if s.Allow == nil {
		return true
	}
	token, ok := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	return ok && s.Allow(token)
}
