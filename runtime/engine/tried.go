package engine

import (
	"os"
	"path/filepath"
	goruntime "runtime"
	"sync"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite"
)

// tried remembers which bases ran: in memory, and as empty files named by digest
// in a folder for this library and processor. A file that is lost costs a trial.
type tried struct {
	dir string // "": only in memory

	mu  sync.Mutex
	ran map[digest.Digest]bool
}

func newTried(dir string) *tried {
	if dir != "" {
		dir = filepath.Join(dir, "tflite-"+tflite.Version()+"-"+goruntime.GOARCH)
	}
	return &tried{dir: dir, ran: map[digest.Digest]bool{}}
}

func (t *tried) has(d digest.Digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ran[d] {
		return true
	}
	if t.dir == "" {
		return false
	}
	_, err := os.Lstat(t.path(d))
	t.ran[d] = err == nil
	return err == nil
}

func (t *tried) add(d digest.Digest) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ran[d] = true
	if t.dir == "" {
		return nil
	}
	if err := os.MkdirAll(t.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(t.path(d), nil, 0o600)
}

func (t *tried) path(d digest.Digest) string { return filepath.Join(t.dir, d.Hex()) }
