package base

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/fsops"
)

// keep makes sure that dir holds data under its digest d, and returns the path.
// A file of that name with other content is replaced; interpreters that have
// mapped the old one keep it, since the name moves and not the bytes.
func keep(dir string, d digest.Digest, data []byte) (string, error) {
	path := filepath.Join(dir, d.Hex()+".tflite")
	have, _, err := digest.OfFile(path)
	if err == nil && have == d {
		return path, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// The temporary file is made in dir itself, so that the rename is atomic.
	if err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(dir)); err != nil {
		return "", err
	}
	return path, fsops.SyncDir(dir)
}
