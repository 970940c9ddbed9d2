package base

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// Draft is a base on its way into a library.
type Draft struct {
	// Name is what it will be called, see CheckName.
	Name string
	// Model is a .tflite file whose only output is the features, as a vector or
	// as a map that is averaged. It is not changed.
	Model []byte
	// Preprocessing says how a picture becomes the input. Width and Height are
	// the model's own.
	Preprocessing pixel.Preprocessing
	// FeatureTensor names the tensor that the features come from, in words for
	// people. Zero: the model's output.
	FeatureTensor string
	// Chosen says that a person chose that tensor. Otherwise the output must be
	// one that looks like features.
	Chosen bool
	// Origin says where the base comes from.
	Origin Origin
	// Labels are the classes that the original told apart, if it says so. They
	// are kept for information: a head brings its own.
	Labels []string
	// Notes tell in sentences what was decided on the way and why.
	Notes []string
	// Replace allows a base of the same name to be replaced.
	Replace bool
}

// Origin says where a base comes from.
type Origin struct {
	File    string        `json:"file,omitempty"`    // name of the file it was made from, without folders
	Digest  digest.Digest `json:"digest,omitempty"`  // of that file
	Bytes   int64         `json:"bytes,omitempty"`   // of that file
	URL     string        `json:"url,omitempty"`     // where the file is published
	Licence string        `json:"licence,omitempty"` // as its publisher names it
}

const (
	maxLabels     = 100_000
	maxLabelBytes = 1024
)

// entry checks the draft and returns what the library will say of it.
func (d *Draft) entry() (Entry, error) {
	if err := CheckName(d.Name); err != nil {
		return Entry{}, err
	}
	m, err := file.Parse(d.Model)
	if err != nil {
		return Entry{}, err
	}
	f, err := fits(m, d.Preprocessing, d.Chosen)
	if err != nil {
		return Entry{}, err
	}
	if err := checkLabels(d.Labels); err != nil {
		return Entry{}, err
	}
	e := Entry{
		Format: entryFormat, Name: d.Name, Digest: digest.Of(d.Model), Bytes: int64(len(d.Model)),
		Preprocessing: d.Preprocessing, Features: f.Count, FeatureTensor: d.FeatureTensor, Chosen: d.Chosen,
		Origin: d.Origin, Labels: d.Labels, Notes: d.Notes, Imported: time.Now().UTC().Truncate(time.Second),
	}
	if e.FeatureTensor == "" {
		e.FeatureTensor = f.Name
	}
	return e, nil
}

// checkLabels reports labels that an entry cannot hold.
func checkLabels(labels []string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("%d labels: want at most %d", len(labels), maxLabels)
	}
	for i, label := range labels {
		if len(label) > maxLabelBytes || !utf8.ValidString(label) {
			return fmt.Errorf("label %d: want at most %d bytes of UTF-8", i, maxLabelBytes)
		}
	}
	return nil
}

// fits returns the features of a model that is a base already, or why it is none
// that p could feed. Its output is taken for the features if a person chose it.
func fits(m *file.Model, p pixel.Preprocessing, chosen bool) (file.Feature, error) {
	in, err := checkInput(m)
	if err != nil {
		return file.Feature{}, err
	}
	if err := checkInputType(in); err != nil {
		return file.Feature{}, err
	}
	if err := p.Validate(); err != nil {
		return file.Feature{}, err
	}
	if int(in.Shape[1]) != p.Height || int(in.Shape[2]) != p.Width {
		return file.Feature{}, fmt.Errorf("the input takes %dx%d pixels, the preprocessing makes %dx%d", in.Shape[2], in.Shape[1], p.Width, p.Height)
	}
	if chosen && len(m.Main().Outputs) == 1 {
		return m.FeatureAt(m.Main().Outputs[0])
	}
	f, err := m.FeatureTensor()
	if err != nil {
		return file.Feature{}, err
	}
	if !f.Whole {
		return file.Feature{}, hint.Wrap(errors.New("the model is a whole classifier: its output is not the features"), "cut it at its features first: edge base import FILE")
	}
	return f, nil
}
