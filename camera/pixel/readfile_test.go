package pixel

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	content := []byte("0123456789")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFile(path, Limits{Bytes: 10}); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ReadFile(path, Limits{Bytes: 9}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := ReadFile(dir, Limits{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder: %v", err)
	}
	_, err := ReadFile(filepath.Join(dir, "none"), Limits{})
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), dir) {
		t.Errorf("a missing file: %v", err)
	}
	// Opened the ordinary way, this would wait for somebody to write.
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := ReadFile(pipe, Limits{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a pipe: %v", err)
	}
}

func TestReadAll(t *testing.T) {
	if got, err := ReadAll(strings.NewReader("abc"), Limits{Bytes: 3}); err != nil || string(got) != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ReadAll(strings.NewReader("abcd"), Limits{Bytes: 3}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a byte too many: %v", err)
	}
}
