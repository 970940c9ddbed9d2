package catalogue

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/base"
)

// Entry is a base that can be downloaded.
type Entry struct {
	Name    string   `yaml:"name" json:"name"`       // what it is called in a library
	File    string   `yaml:"file" json:"file"`       // the file's name, also on a mirror
	URLs    []string `yaml:"urls" json:"urls"`       // http or https, the best first; none: mirrors alone have it
	Bytes   int64    `yaml:"bytes" json:"bytes"`     // of the file
	SHA256  string   `yaml:"sha256" json:"sha256"`   // of the file, 64 hexadecimal digits
	Licence string   `yaml:"licence" json:"licence"` // as its publisher names it
	// Input is the side of the pictures that the file's model takes, in pixels. Keras'
	// weights, which take any, are made into a base for this one.
	Input int `yaml:"input" json:"input"`
	// Normalise is what the bytes 0 and 255 of a picture become, two numbers. Empty: what the
	// file says, or else what MobileNets are trained with.
	Normalise []float32 `yaml:"normalise,omitempty" json:"normalise,omitempty"`
	// Features names the tensor that the features are. Empty: it is found.
	Features string `yaml:"features,omitempty" json:"features,omitempty"`
	Note     string `yaml:"note,omitempty" json:"note,omitempty"` // for people
}

const (
	maxFile = 1 << 30 // bytes
	maxSide = 4096    // pixels
	maxText = 4096    // bytes
	maxURLs = 16
)

// Digest returns the file's.
func (e Entry) Digest() digest.Digest { return digest.Digest("sha256:" + e.SHA256) }

// check reports what is wrong with an entry.
func (e Entry) check() error {
	if err := base.CheckName(e.Name); err != nil {
		return err
	}
	if e.File == "." || e.File != filepath.Base(e.File) || !fs.ValidPath(e.File) || strings.Contains(e.File, `\`) {
		return fmt.Errorf("file %.100q: want a name without folders", e.File)
	}
	for what, text := range map[string]string{"file": e.File, "licence": e.Licence, "features": e.Features, "note": e.Note} {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("%s: want at most %d bytes of text on one line", what, maxText)
		}
	}
	if _, err := digest.Parse(string(e.Digest())); err != nil {
		return fmt.Errorf("sha256 %.100q: want 64 digits of 0-9 and a-f", e.SHA256)
	}
	switch {
	case e.Licence == "":
		return errors.New("licence: want a name, such as Apache-2.0")
	case e.Bytes < 1 || e.Bytes > maxFile:
		return fmt.Errorf("bytes: %d: want 1 to %d", e.Bytes, maxFile)
	case e.Input < 1 || e.Input > maxSide:
		return fmt.Errorf("input: %d: want 1 to %d pixels", e.Input, maxSide)
	case len(e.URLs) > maxURLs:
		return fmt.Errorf("%d urls: want at most %d", len(e.URLs), maxURLs)
	}
	for _, text := range e.URLs {
		if err := checkURL(text); err != nil {
			return err
		}
	}
	return e.checkNormalise()
}

func (e Entry) checkNormalise() error {
	if len(e.Normalise) == 0 {
		return nil
	}
	wrong := fmt.Errorf("normalise %v: want [MIN, MAX], such as [-1, 1], [0, 1] or [0, 255]", e.Normalise)
	if len(e.Normalise) != 2 {
		return wrong
	}
	low, high := float64(e.Normalise[0]), float64(e.Normalise[1])
	if !(low < high) || math.IsInf(float64(e.Normalise[1]-e.Normalise[0]), 0) {
		return wrong
	}
	return nil
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxText || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("url %.200q: want http or https, a server and a path", text)
	}
	return nil
}

// options says how the file is imported.
func (e Entry) options() base.ImportOptions {
	o := base.ImportOptions{File: e.File, Name: e.Name, Features: e.Features}
	if len(e.Normalise) == 2 {
		o.Normalise = &base.Range{Min: e.Normalise[0], Max: e.Normalise[1]}
	}
	return o
}
