package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models/bundle"
)

// TestUnbundleRefusesWhatDoesNotFit: a bundle may be whole and of no use. Nothing
// of it is stored then.
func TestUnbundleRefusesWhatDoesNotFit(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for name, test := range map[string]struct {
		make func(s *teststore.Store) (teststore.Base, *head.Head)
		with map[string][]byte
		text string
	}{
		"a base that is none": {func(s *teststore.Store) (teststore.Base, *head.Head) {
			return s.Fake("not a model", 16), head.New(16, 0, 2, 1)
		}, nil, "base fake"},
		"a head for another base": {func(s *teststore.Store) (teststore.Base, *head.Head) {
			b := s.Embedded()
			return b, head.New(b.Features+1, 0, 2, 1)
		}, nil, "features"},
		"a head for other labels": {func(s *teststore.Store) (teststore.Base, *head.Head) {
			b := s.Embedded()
			return b, head.New(b.Features, 4, 3, 1)
		}, nil, "labels"},
		"features that are not": {func(s *teststore.Store) (teststore.Base, *head.Head) {
			b := s.Embedded()
			b.Features = 8
			return b, head.New(8, 0, 2, 1)
		}, nil, "features"},
		"a size that is not": {func(s *teststore.Store) (teststore.Base, *head.Head) {
			b := s.Embedded()
			b.Preprocessing.Width = 64
			return b, head.New(b.Features, 0, 2, 1)
		}, nil, "128x128"},
		"a calibration of no meaning": {func(s *teststore.Store) (teststore.Base, *head.Head) {
			b := s.Embedded()
			return b, head.New(b.Features, 0, 2, 1)
		}, map[string][]byte{calibrate.FileName: []byte("{}")}, "calibration"},
	} {
		t.Run(name, func(t *testing.T) {
			s := teststore.New(t)
			b, h := test.make(s)
			g, err := s.Generation("lamps", s.Commit("lamps", b, h, []string{"off", "on"}, test.with))
			if err != nil {
				t.Fatal(err)
			}
			var packed bytes.Buffer
			if err := bundle.Write(t.Context(), &packed, g); err != nil {
				t.Fatal(err)
			}
			path, store := filepath.Join(t.TempDir(), "x.tar"), filepath.Join(t.TempDir(), "store")
			if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"unbundle", path, "--store", store, "--activate", "--json"}, nil, &stdout, &stderr)
			var said struct{ Error, Hint string }
			if err := json.Unmarshal(stdout.Bytes(), &said); err != nil || code != exitInput || !strings.Contains(said.Error, test.text) || said.Hint == "" {
				t.Errorf("code %d, %q, %q: %v", code, stdout.String(), stderr.String(), err)
			}
			if _, err := os.Stat(store); err == nil {
				t.Error("something was stored")
			}
		})
	}
}
