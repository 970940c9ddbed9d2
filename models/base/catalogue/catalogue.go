// Package catalogue holds a list of bases that can be downloaded, and pulls them
// into a library.
//
// An entry pins a file by its length and its SHA-256, so that addresses, mirrors
// and networks need not be trusted: they can keep a file away, and no more. The
// file is then imported as any foreign model is, which runs it in a child process.
package catalogue

import (
	"bytes"
	_ "embed" // for the list
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/edge-adapt/edge/internal/hint"
)

// Catalogue is a list of bases, in the order in which they are shown.
type Catalogue struct {
	Format int     `yaml:"format" json:"format"` // 1
	Bases  []Entry `yaml:"bases" json:"bases"`
}

const (
	format     = 1
	maxBytes   = 4 << 20 // of a catalogue
	maxEntries = 10_000
)

//go:embed catalogue.yaml
var embedded []byte

// Embedded returns the list that comes with the program.
func Embedded() (*Catalogue, error) { return Parse(embedded) }

// Read reads a list in YAML or JSON from a file.
func Read(path string) (*Catalogue, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read from
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Parse reads a list in YAML, of which JSON is a part. Every entry must be sound;
// keys that are not known are errors. The bytes may come from anywhere.
func Parse(data []byte) (*Catalogue, error) {
	c, err := parse(data)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("catalogue: %w", err), "its form is that of models/base/catalogue/catalogue.yaml: format: 1, and bases: a list with name, file, urls, bytes, sha256, licence, input, note")
	}
	return c, nil
}

func parse(data []byte) (*Catalogue, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("longer than %d bytes", maxBytes)
	}
	c := &Catalogue{}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, err
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one document")
	}
	switch {
	case c.Format > format:
		return nil, fmt.Errorf("format %d is of a newer edge: want %d", c.Format, format)
	case c.Format != format:
		return nil, fmt.Errorf("format %d: want %d", c.Format, format)
	case len(c.Bases) > maxEntries:
		return nil, fmt.Errorf("%d bases: want at most %d", len(c.Bases), maxEntries)
	}
	seen := map[string]bool{}
	for i := range c.Bases {
		e := &c.Bases[i]
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("base %d (%.100q): %w", i+1, e.Name, err)
		}
		if seen[e.Name] {
			return nil, fmt.Errorf("base %d: a second %q", i+1, e.Name)
		}
		seen[e.Name] = true
	}
	return c, nil
}

// ErrNotFound is in the error of Find.
var ErrNotFound = errors.New("not in the catalogue")

// Find returns the base of that name, or ErrNotFound.
func (c *Catalogue) Find(name string) (Entry, error) {
	var names []string
	for _, e := range c.Bases {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	next := "it holds no base at all; give another with --catalogue FILE"
	if len(names) > 0 {
		next = "it holds " + strings.Join(names[:min(len(names), 20)], ", ") + "; any other model file: edge base import FILE"
	}
	return Entry{}, hint.Wrap(fmt.Errorf("base %.100q is %w", name, ErrNotFound), next)
}
