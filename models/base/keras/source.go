package keras

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"sync"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base/keras/hdf5"
)

// source is a file of Keras, opened.
type source struct {
	kind   string // in words
	tree   *hdf5.Group
	config *config // what the file says of the model; empty if it has weights alone
	others int     // layers with matrices that are none of the network's body
}

// The parts of Keras' archive that are read, and what the second may have.
const (
	archiveWeights = "model.weights.h5"
	archiveConfig  = "config.json"

	maxArchive = 1 << 30 // bytes of a part
)

func isArchive(data []byte) bool {
	if !bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		return false
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	return err == nil && part(z, archiveWeights) != nil
}

func part(z *zip.Reader, name string) *zip.File {
	for _, f := range z.File {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// open reads the structure of a file of any of Keras' kinds.
func open(data []byte) (*source, error) {
	s := &source{kind: "Keras weights", config: &config{}}
	var text []byte
	if isArchive(data) {
		s.kind = "a Keras model"
		var err error
		if data, text, err = unzip(data); err != nil {
			return nil, err
		}
	}
	f, err := hdf5.Parse(data)
	if err != nil {
		if errors.Is(err, hdf5.ErrNotHDF5) {
			return nil, hint.Wrap(err, "give a file that Keras saved: .h5, .weights.h5 or .keras")
		}
		return nil, hint.Wrap(err, "check that the file came whole; if Keras itself reads it, save the weights again with model.save_weights")
	}
	s.tree = f.Root
	if a := s.tree.Attribute("model_config"); a != nil {
		s.kind = "a Keras model"
		texts, err := a.Texts()
		if err != nil {
			return nil, err
		}
		if len(texts) == 1 {
			text = []byte(texts[0])
		}
	}
	if text != nil {
		if s.config, err = parseConfig(text); err != nil {
			return nil, fmt.Errorf("the model's configuration: %w", err)
		}
	}
	return s, nil
}

// unzip returns weights and configuration of Keras' archive.
func unzip(data []byte) (weights, text []byte, err error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, fmt.Errorf("archive: %w", err)
	}
	for _, p := range []struct {
		name string
		to   *[]byte
	}{{archiveWeights, &weights}, {archiveConfig, &text}} {
		f := part(z, p.name)
		if f == nil {
			continue
		}
		// Keras packs its parts as they are, or nearly so: what unpacks to many
		// times its size is no weights.
		limit := min(maxArchive, 64*int64(len(data)))
		r, err := f.Open()
		if err != nil {
			return nil, nil, fmt.Errorf("archive: %s: %w", p.name, err)
		}
		*p.to, err = io.ReadAll(io.LimitReader(r, limit+1))
		_ = r.Close() // read to its end, or refused
		if err != nil {
			return nil, nil, fmt.Errorf("archive: %s: %w", p.name, err)
		}
		if int64(len(*p.to)) > limit {
			return nil, nil, fmt.Errorf("archive: %s has more than %d bytes", p.name, limit)
		}
	}
	return weights, text, nil
}

// modelName is how keras.applications calls a MobileNetV2: alpha and the side of
// its input.
var modelName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^mobilenetv2_\d+\.\d+_(\d{2,4})(_\d+)?$`)
})

// input decides on the size of the input and says why.
func (s *source) input(set *set, o Options) (height, width int, why string) {
	if o.Input != 0 {
		return o.Input, o.Input, "you asked"
	}
	if c := s.config; c.height != 0 {
		return c.height, c.width, "the file's model has"
	}
	if m := modelName().FindStringSubmatch(set.model); m != nil {
		if side, err := strconv.Atoi(m[1]); err == nil && side >= MinInput && side <= MaxInput {
			return side, side, fmt.Sprintf("the name %q in the file says", set.model)
		}
	}
	return usualInput, usualInput, "is usual (weights alone do not say)"
}
