package models

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// Format is the manifest format that this program writes, and the newest it reads.
const Format = 1

// The names of the files that every generation has.
const (
	HeadName     = "head.tflite"
	LabelsName   = "labels.txt"
	ManifestName = "manifest.json"
)

const (
	maxManifestBytes = 8 << 20 // a confusion matrix of 1,000 classes fits
	maxFiles         = 64
	maxFileName      = 100
	maxTextBytes     = 1000 // of a reason, a name or a version
	maxFeatures      = 1 << 16
)

// Manifest says everything about a generation but the numbers in its head.
//
// Format, Task, Generation, Files, and Created if zero, are filled in by Commit;
// the rest is the maker's.
type Manifest struct {
	Format     int       `json:"format"`
	Task       string    `json:"task"`
	Generation int       `json:"generation"` // from 1
	Created    time.Time `json:"created"`
	Edge       string    `json:"edge"` // version of the program that made it

	Base          Base                `json:"base"`
	Preprocessing pixel.Preprocessing `json:"preprocessing"`
	Features      int                 `json:"features"` // what the base gives and the head takes
	Labels        []string            `json:"labels"`   // in the order of the head's scores, no two alike

	Recipe   json.RawMessage `json:"recipe,omitempty"`   // how the head was trained
	Measures json.RawMessage `json:"measures,omitempty"` // how good it was found
	Parent   int             `json:"parent,omitempty"`   // the generation it came from; zero: none
	Reason   string          `json:"reason,omitempty"`   // why it was made

	Files []File `json:"files"` // sorted by name; all but the manifest itself
}

// Base names a base and what is in it.
type Base struct {
	Name   string        `json:"name"`
	Digest digest.Digest `json:"digest"`
	Bytes  int64         `json:"bytes"`
}

// file describes the blob for messages and checks.
func (b Base) file() File { return File{"base " + b.Digest.Short(), b.Digest, b.Bytes} }

// File is one file of a generation.
type File struct {
	Name   string        `json:"name"`
	Digest digest.Digest `json:"digest"`
	Bytes  int64         `json:"bytes"`
}

// ParseManifest reads a manifest and checks every field that edge relies on.
// Fields it does not know are ignored. The error is ErrNewer or ErrDamaged.
func ParseManifest(data []byte) (Manifest, error) {
	if len(data) > maxManifestBytes {
		return Manifest{}, fmt.Errorf("manifest of %d bytes is %w: at most %d", len(data), ErrDamaged, maxManifestBytes)
	}
	// The format first: a newer one may give any other field another type.
	var head struct{ Format int }
	if err := json.Unmarshal(data, &head); err != nil {
		return Manifest{}, fmt.Errorf("manifest is %w: %w", ErrDamaged, err)
	}
	if head.Format > Format {
		err := fmt.Errorf("manifest was %w: format %d, this one reads up to %d", ErrNewer, head.Format, Format)
		return Manifest{}, hint.Wrap(err, "install a newer edge, or activate an older generation: edge models list, edge models activate N")
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("manifest is %w: %w", ErrDamaged, err)
	}
	m.Recipe, m.Measures = compact(m.Recipe), compact(m.Measures)
	if err := m.check(); err != nil {
		return Manifest{}, fmt.Errorf("manifest is %w: %w", ErrDamaged, err)
	}
	return m, nil
}

// Encode returns the manifest as JSON, a field a line, that ParseManifest reads.
func (m Manifest) Encode() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	flat, err := marshal(m)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	var out bytes.Buffer
	fields := json.NewDecoder(bytes.NewReader(flat))
	fields.Token() //nolint:errcheck // the brace that marshal wrote
	for sep := "{\n"; fields.More(); sep = ",\n" {
		key, _ := fields.Token()
		var value json.RawMessage
		if err := fields.Decode(&value); err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
		fmt.Fprintf(&out, "%s  %q: %s", sep, key, value)
	}
	out.WriteString("\n}\n")
	if out.Len() > maxManifestBytes {
		return nil, fmt.Errorf("manifest of %d bytes: at most %d", out.Len(), maxManifestBytes)
	}
	return out.Bytes(), nil
}

// File returns the file of that name.
func (m Manifest) File(name string) (File, bool) {
	for _, f := range m.Files {
		if f.Name == name {
			return f, true
		}
	}
	return File{}, false
}

// check reports the first field that is not what edge writes.
func (m Manifest) check() error {
	switch {
	case m.Format != Format:
		return fmt.Errorf("format %d: want %d", m.Format, Format)
	case m.Generation < 1 || m.Generation > maxNumber:
		return fmt.Errorf("generation %d: want 1 to %d", m.Generation, maxNumber)
	case m.Parent < 0 || m.Parent >= m.Generation:
		return fmt.Errorf("parent %d of generation %d", m.Parent, m.Generation)
	case m.Features < 1 || m.Features > maxFeatures:
		return fmt.Errorf("%d features: want 1 to %d", m.Features, maxFeatures)
	case m.Base.Bytes < 1:
		return fmt.Errorf("a base of %d bytes", m.Base.Bytes)
	}
	if err := CheckTask(m.Task); err != nil {
		return err
	}
	for _, text := range [][2]string{{"edge", m.Edge}, {"reason", m.Reason}, {"base name", m.Base.Name}} {
		if err := checkText(text[0], text[1]); err != nil {
			return err
		}
	}
	if _, err := digest.Parse(string(m.Base.Digest)); err != nil {
		return err
	}
	if err := m.Preprocessing.Validate(); err != nil {
		return err
	}
	if err := checkTaskLabels(m.Labels); err != nil {
		return err
	}
	return m.checkFiles()
}

func (m Manifest) checkFiles() error {
	if len(m.Files) > maxFiles {
		return fmt.Errorf("%d files: at most %d", len(m.Files), maxFiles)
	}
	for i, f := range m.Files {
		if err := checkFileName(f.Name); err != nil {
			return err
		}
		if i > 0 && f.Name <= m.Files[i-1].Name {
			return fmt.Errorf("file %q out of order", f.Name)
		}
		if f.Bytes < 0 {
			return fmt.Errorf("file %q of %d bytes", f.Name, f.Bytes)
		}
		if _, err := digest.Parse(string(f.Digest)); err != nil {
			return fmt.Errorf("file %q: %w", f.Name, err)
		}
	}
	for _, name := range []string{HeadName, LabelsName} {
		if _, ok := m.File(name); !ok {
			return fmt.Errorf("no %s", name)
		}
	}
	return nil
}

// checkFileName keeps a manifest from naming anything outside its folder.
func checkFileName(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	foreign := func(r rune) bool { return !strings.ContainsRune(allowed, r) }
	if name == "" || len(name) > maxFileName || name[0] == '.' || name == ManifestName || strings.ContainsFunc(name, foreign) {
		return fmt.Errorf("%q cannot name a file of a generation", name)
	}
	return nil
}

func checkText(what, text string) error {
	if len(text) > maxTextBytes {
		return fmt.Errorf("%s of %d bytes: at most %d", what, len(text), maxTextBytes)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s is not UTF-8", what)
	}
	return nil
}

// marshal is json.Marshal that leaves < > & readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// compact removes the space from valid JSON; null becomes nil.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil || b.String() == "null" {
		return nil
	}
	return b.Bytes()
}
