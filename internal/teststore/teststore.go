// Package teststore fills stores for tests.
package teststore

import (
	"bytes"
	"os"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
)

// Store is a store in a folder that goes with the test.
type Store struct {
	*models.Store
	tb testing.TB
}

// New returns a store, whose folder is not there yet.
func New(tb testing.TB) *Store {
	tb.Helper()
	return In(tb, tb.TempDir()+"/store")
}

// In returns the store in the folder dir.
func In(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := models.Open(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return &Store{s, tb}
}

// Base is a base to make generations of.
type Base struct {
	models.Base
	Features      int
	Preprocessing pixel.Preprocessing
}

// Fake stores data as a base that takes pictures of 8x8 and gives that many
// features. No library can open it.
func (s *Store) Fake(data string, features int) Base {
	s.tb.Helper()
	return s.put("fake", []byte(data), features, pixel.Preprocessing{
		Width: 8, Height: 8, Colour: "rgb", Scale: 1.0 / 255, Resize: pixel.Bilinear,
	})
}

// Embedded stores the base that comes with the program.
func (s *Store) Embedded() Base {
	s.tb.Helper()
	source, err := base.Prepare(s.tb.Context(), "", s.tb.TempDir())
	if err != nil {
		s.tb.Fatal(err)
	}
	data, err := os.ReadFile(source.Path)
	if err != nil {
		s.tb.Fatal(err)
	}
	return s.put(source.Name, data, source.Features, source.Preprocessing)
}

// File stores a base that lies in a file.
func (s *Store) File(path string, features int, p pixel.Preprocessing) Base {
	s.tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.tb.Fatal(err)
	}
	return s.put(path, data, features, p)
}

func (s *Store) put(name string, data []byte, features int, p pixel.Preprocessing) Base {
	s.tb.Helper()
	b := Base{models.Base{Name: name, Digest: digest.Of(data), Bytes: int64(len(data))}, features, p}
	if err := s.PutBlob(s.tb.Context(), bytes.NewReader(data), b.Digest, b.Bytes); err != nil {
		s.tb.Fatal(err)
	}
	return b
}

// Commit stores a generation and returns its number; files are added to it.
func (s *Store) Commit(task string, b Base, h *head.Head, labels []string, files map[string][]byte) int {
	s.tb.Helper()
	d, err := s.Begin(task)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer d.Discard() //nolint:errcheck // a test
	data, err := h.Encode()
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := d.WriteFile(models.HeadName, data); err != nil {
		s.tb.Fatal(err)
	}
	for name, data := range files {
		if err := d.WriteFile(name, data); err != nil {
			s.tb.Fatal(err)
		}
	}
	g, err := d.Commit(s.tb.Context(), models.Manifest{
		Edge: "test", Base: b.Base, Preprocessing: b.Preprocessing, Features: b.Features, Labels: labels,
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	return g.Generation
}

// Active makes generation n the active one.
func (s *Store) Active(task string, n int, why string) {
	s.tb.Helper()
	if err := s.Activate(s.tb.Context(), task, n, why); err != nil {
		s.tb.Fatal(err)
	}
}
