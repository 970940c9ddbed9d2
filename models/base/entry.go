package base

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// Entry is a base of a library, and what its base.json holds.
type Entry struct {
	Format int    `json:"format"` // of base.json: 1
	Name   string `json:"name"`

	Digest digest.Digest `json:"digest"` // of base.tflite
	Bytes  int64         `json:"bytes"`  // of base.tflite

	Preprocessing pixel.Preprocessing `json:"preprocessing"`
	Features      int                 `json:"features"`         // values of one picture
	FeatureTensor string              `json:"feature_tensor"`   // where they were found
	Chosen        bool                `json:"chosen,omitempty"` // a person chose that tensor

	Origin   Origin    `json:"origin,omitzero"`
	Labels   []string  `json:"labels,omitempty"` // of the classifier that it was cut from
	Notes    []string  `json:"notes,omitempty"`  // what was decided, in sentences
	Checks   []string  `json:"checks,omitempty"` // what was found when it ran first, in sentences
	Imported time.Time `json:"imported,omitzero"`

	// Path leads to base.tflite.
	Path string `json:"-"`
}

const (
	modelName = "base.tflite"
	entryName = "base.json"

	entryFormat   = 1
	maxEntryBytes = 16 << 20
)

// Source returns the base as one that is ready to open. What stands at its Path
// is to be compared with the digest first, see Library.Prepare.
func (e Entry) Source() Source {
	return Source{
		Name: e.Name, Path: e.Path, Digest: e.Digest, Preprocessing: e.Preprocessing,
		Features: e.Features, Known: IsEmbedded(e.Digest),
	}
}

// same reports whether both are the same base, whatever is told of them.
func (e Entry) same(o Entry) bool {
	return e.Name == o.Name && e.Digest == o.Digest && e.Preprocessing == o.Preprocessing &&
		e.Features == o.Features && slices.Equal(e.Labels, o.Labels)
}

func (e Entry) encode() ([]byte, error) {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, err
	}
	if data = append(data, '\n'); len(data) > maxEntryBytes {
		return nil, fmt.Errorf("%s would have %d bytes: want at most %d", entryName, len(data), maxEntryBytes)
	}
	return data, nil
}

// readEntry reads the base.json of the base that lies in the folder dir, and
// looks whether the model is there. A base that is replaced between the two is
// read anew.
func readEntry(dir string) (Entry, error) {
	for {
		text, err := readEntryText(dir)
		if err != nil {
			return Entry{}, err
		}
		e, err := entryOf(text, dir)
		if !errors.Is(err, ErrDamaged) {
			return e, err
		}
		if again, againErr := readEntryText(dir); againErr != nil || bytes.Equal(again, text) {
			return Entry{}, err
		}
	}
}

func readEntryText(dir string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, entryName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEntryBytes+1))
	if err == nil && len(text) > maxEntryBytes {
		err = fmt.Errorf("%w: %s has more than %d bytes", ErrDamaged, entryName, maxEntryBytes)
	}
	return text, err
}

func entryOf(text []byte, dir string) (Entry, error) {
	e, err := decodeEntry(text)
	if err != nil {
		return Entry{}, err
	}
	if e.Name != filepath.Base(dir) {
		return Entry{}, fmt.Errorf("%w: %s is of a base named %q", ErrDamaged, entryName, e.Name)
	}
	e.Path = filepath.Join(dir, modelName)
	info, err := os.Stat(e.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Entry{}, fmt.Errorf("%w: %s is missing", ErrDamaged, modelName)
	case err != nil:
		return Entry{}, err
	case !info.Mode().IsRegular() || info.Size() != e.Bytes:
		return Entry{}, fmt.Errorf("%w: %s has %d bytes, want %d", ErrDamaged, modelName, info.Size(), e.Bytes)
	}
	return e, nil
}

// decodeEntry reads the content of a base.json.
func decodeEntry(data []byte) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(data, &e); err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", ErrDamaged, entryName, err)
	}
	if e.Format > entryFormat {
		return Entry{}, fmt.Errorf("%s has format %d: %w", entryName, e.Format, ErrNewer)
	}
	if e.Format != entryFormat {
		return Entry{}, fmt.Errorf("%w: %s has format %d", ErrDamaged, entryName, e.Format)
	}
	if err := CheckName(e.Name); err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", ErrDamaged, entryName, err)
	}
	if _, err := digest.Parse(string(e.Digest)); err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", ErrDamaged, entryName, err)
	}
	if err := e.Preprocessing.Validate(); err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", ErrDamaged, entryName, err)
	}
	if e.Features < 1 || e.Bytes < 1 {
		return Entry{}, fmt.Errorf("%w: %s: %d features in %d bytes", ErrDamaged, entryName, e.Features, e.Bytes)
	}
	return e, nil
}
