// Package base gets a base ready to open: the one that is built into the
// program, a feature extractor in a file, or a whole classifier in a file, which
// it cuts at the pooled features. It also finds out how pictures are to be fed
// to it.
package base

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// Source is a base that is ready to open.
type Source struct {
	// Name is for people: the embedded base's, or the file's without its ending.
	Name string
	// Path leads to a .tflite file whose only output is the features.
	Path string
	// Digest is of the bytes at Path when they were read.
	Digest digest.Digest
	// Preprocessing says how a picture becomes the base's input.
	Preprocessing pixel.Preprocessing
	// Features is the number of values of one picture.
	Features int
	// Known is set if the bytes came with this program, so that no trial in a
	// child process is needed.
	Known bool
	// Notes tells in sentences what was decided and why.
	Notes []string
}

// maxFile bounds the file that is read into memory; flatbuffers end at 2 GiB.
const maxFile = 2 << 30

// Prepare finds the base that ref names.
//
// ref is "", "default" or the embedded base's name for the embedded base, "int8"
// or its twin's name for that, else the path of a .tflite file or of MobileNetV2
// as Keras saves it. An embedded base, cut files and what is made of Keras' are
// written to dir under their digest, once: what stands there already is verified
// and used.
// Feature extractors are used where they are. dir is created when needed, and
// a kill at any instant leaves no half file under a final name.
func Prepare(ctx context.Context, ref, dir string) (Source, error) {
	return (*Library)(nil).Prepare(ctx, ref, dir)
}

// Prepare finds the base that ref names, as the function of that name does; ref
// may name a base of the library too, which is compared with its digest. What
// has the form of a name is looked up among the embedded bases, then in the
// library, and is the path of a file only if neither knows it: ./NAME is always a
// path. A nil library holds nothing.
func (l *Library) Prepare(ctx context.Context, ref, dir string) (Source, error) {
	if err := ctx.Err(); err != nil {
		return Source{}, err
	}
	if b, ok := builtInNamed(ref); ok {
		return b.prepare(dir)
	}
	if l != nil && CheckName(ref) == nil {
		s, err := l.prepare(ref)
		if err == nil || !errors.Is(err, ErrNotFound) {
			return s, err
		}
	}
	data, err := ReadFile(ref)
	if err != nil {
		return Source{}, fmt.Errorf("base: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return Source{}, err
	}
	s, err := prepareFile(data, ref, dir)
	if err != nil {
		return Source{}, fmt.Errorf("base %s: %w", ref, err)
	}
	return s, nil
}

func (l *Library) prepare(name string) (Source, error) {
	e, _, err := l.load(name)
	if err != nil {
		return Source{}, fmt.Errorf("base %q: %w", name, repairable(err, name))
	}
	return e.Source(), nil
}

func prepareFile(data []byte, path, dir string) (Source, error) {
	m, given, notes, err := readModel(data, ImportOptions{})
	if err != nil {
		return Source{}, err
	}
	x, err := extract(m, wishes{})
	if err != nil {
		return Source{}, err
	}
	s := Source{
		Name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), Path: path,
		Digest: digest.Of(data), Preprocessing: x.preprocessing, Features: x.feature.Count, Notes: append(notes, x.notes...),
	}
	s.Known = IsEmbedded(s.Digest)
	if given != nil && !x.changed {
		return s, nil
	}
	made, err := x.encode(nil)
	if err != nil {
		return Source{}, err
	}
	s.Digest = digest.Of(made)
	if s.Path, err = keep(dir, s.Digest, made); err != nil {
		return Source{}, fmt.Errorf("write the cut model: %w", err)
	}
	return s, nil
}

func describe(f file.Feature) string {
	if f.Map {
		return fmt.Sprintf("%q, a map of %dx%dx%d that is averaged over height and width", f.Name, f.Height, f.Width, f.Count)
	}
	return fmt.Sprintf("%q, %d values", f.Name, f.Count)
}

// ReadFile reads a model file: a regular file of less than 2 GiB.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Wrap(err, "give the path of a .tflite file, the name of a base (edge base list), or \"default\" for the one built into this program")
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, hint.Wrap(fmt.Errorf("%s is not a file", path), "give the path of a .tflite file")
	}
	if info.Size() >= maxFile {
		return nil, fmt.Errorf("%s has %d bytes; a model file has less than %d", path, info.Size(), maxFile)
	}
	return os.ReadFile(path)
}
