package calibrate

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/float16"
	"github.com/edge-adapt/edge/internal/hint"
)

// Format is the format that this program writes, and the newest it reads.
const Format = 1

const (
	maxBytes = 64 << 20 // maxNumbers halves in base64, and room
	maxWidth = 1 << 16  // of features and hidden layers, as manifests have it
	cosine   = "cosine" // the one method there is
)

// document is the file, as JSON.
type document struct {
	Format      int             `json:"format"`
	Base        digest.Digest   `json:"base"`
	Head        digest.Digest   `json:"head"`
	Features    int             `json:"features"`
	Hidden      int             `json:"hidden"` // 0: no hidden layer
	Classes     int             `json:"classes"`
	Images      int             `json:"images"` // it was fitted on
	Temperature float64         `json:"temperature"`
	Unknown     *unknownSection `json:"unknown"` // null: nothing is taken for unknown
	Note        string          `json:"note,omitempty"`
}

// unknownSection is the detector. Centroids are halves, little-endian, in
// base64: [classes][features] and [classes][hidden].
type unknownSection struct {
	Method    string  `json:"method"`
	Quantile  float64 `json:"quantile"`
	Threshold float32 `json:"threshold"`
	Features  []byte  `json:"feature_centroids"`
	Hidden    []byte  `json:"hidden_centroids,omitempty"`
}

// Encode returns the calibration as JSON, which Parse reads. The same calibration
// gives the same bytes.
func (c *Calibration) Encode() ([]byte, error) {
	d := document{
		Format: Format, Base: c.base, Head: c.head, Features: c.features, Hidden: c.hidden, Classes: c.classes,
		Images: c.images, Temperature: c.temperature, Note: c.note,
	}
	if c.detector != nil {
		d.Unknown = &unknownSection{
			Method: cosine, Quantile: c.detector.quantile, Threshold: c.detector.threshold,
			Features: halves(c.detector.features.rows()), Hidden: halves(c.detector.hidden.rows()),
		}
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode calibration: %w", err)
	}
	return append(data, '\n'), nil
}

// Read reads the calibration at path and checks that it was fitted for h, whose
// file has the digest head, on the base of the digest base. It returns nil and no
// error if there is no such file: generations of older programs have none.
func Read(path string, base, head digest.Digest, h *head.Head) (*Calibration, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("calibration: %w", err)
	}
	c, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if c.base != base || c.head != head || c.features != h.Features || c.hidden != h.Hidden || c.classes != h.Classes {
		err := fmt.Errorf("calibration is %w: it was fitted for head %s on base %s", ErrForeign, c.head.Short(), c.base.Short())
		return nil, hint.Wrap(err, "make a new generation: edge adapt")
	}
	return c, nil
}

// Parse reads a calibration from anywhere. It accepts what Encode writes and
// checks every number; the error is ErrNewer or ErrDamaged. It takes no more
// memory than a small multiple of data.
func Parse(data []byte) (*Calibration, error) {
	damaged := func(err error) (*Calibration, error) {
		return nil, hint.Wrap(fmt.Errorf("calibration is %w: %w", ErrDamaged, err), "make a new generation: edge adapt")
	}
	if len(data) > maxBytes {
		return damaged(fmt.Errorf("more than %d bytes", maxBytes))
	}
	// The format first: a newer one may give any other field another type.
	var first struct{ Format int }
	if err := json.Unmarshal(data, &first); err != nil {
		return damaged(err)
	}
	if first.Format > Format {
		err := fmt.Errorf("calibration was %w: format %d, this one reads up to %d", ErrNewer, first.Format, Format)
		return nil, hint.Wrap(err, "install a newer edge, or make a new generation: edge adapt")
	}
	var d document
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return damaged(err)
	}
	if err := d.check(); err != nil {
		return damaged(err)
	}
	c := &Calibration{
		base: d.Base, head: d.Head, features: d.Features, hidden: d.Hidden, classes: d.Classes,
		images: d.Images, temperature: d.Temperature, note: d.Note,
	}
	if u := d.Unknown; u != nil {
		detector, err := u.detector(d)
		if err != nil {
			return damaged(err)
		}
		c.detector = detector
	}
	return c, nil
}

// check reports the first field that is not what Encode writes.
func (d document) check() error {
	for _, s := range []digest.Digest{d.Base, d.Head} {
		if _, err := digest.Parse(string(s)); err != nil {
			return err
		}
	}
	switch {
	case d.Format != Format:
		return fmt.Errorf("format %d: want %d", d.Format, Format)
	case d.Features < 1 || d.Features > maxWidth || d.Hidden < 0 || d.Hidden > maxWidth || d.Classes < 1 || d.Classes > maxWidth:
		return fmt.Errorf("%d features, %d hidden units, %d classes", d.Features, d.Hidden, d.Classes)
	case d.Images < 0 || d.Images > math.MaxInt32:
		return fmt.Errorf("fitted on %d images", d.Images)
	case !(d.Temperature >= minTemperature && d.Temperature <= maxTemperature):
		return fmt.Errorf("temperature %v: want %v to %v", d.Temperature, minTemperature, maxTemperature)
	case len(d.Note) > 1000:
		return fmt.Errorf("a note of %d bytes", len(d.Note))
	case (d.Unknown == nil) != (d.Note != ""):
		return errors.New("a note belongs where nothing is unknown, and only there")
	}
	return nil
}

func (u unknownSection) detector(d document) (*detector, error) {
	switch {
	case u.Method != cosine:
		return nil, fmt.Errorf("unknowns by %q: want %q", u.Method, cosine)
	case !(u.Quantile > 0.5 && u.Quantile < 1):
		return nil, fmt.Errorf("quantile %v: want 0.5 to 1", u.Quantile)
	case !(u.Threshold >= minThreshold && u.Threshold <= 2):
		return nil, fmt.Errorf("threshold %v: want %v to 2", u.Threshold, minThreshold)
	}
	features, err := unit(u.Features, d.Classes, d.Features)
	if err != nil {
		return nil, fmt.Errorf("centroids of features: %w", err)
	}
	hidden, err := unit(u.Hidden, d.Classes, d.Hidden)
	if err != nil {
		return nil, fmt.Errorf("centroids of the hidden layer: %w", err)
	}
	return &detector{u.Quantile, u.Threshold, newCentroids(features, d.Features), newCentroids(hidden, d.Hidden)}, nil
}

// halves encodes numbers that halves hold exactly.
func halves(rows []float32) []byte {
	data := make([]byte, 0, 2*len(rows))
	for _, v := range rows {
		data = binary.LittleEndian.AppendUint16(data, float16.Bits(v))
	}
	return data
}

// unit decodes vectors of length 1 or, for a class without images, of zeros.
func unit(data []byte, classes, width int) ([]float32, error) {
	if len(data) != 2*classes*width {
		return nil, fmt.Errorf("%d bytes for %d classes of %d numbers", len(data), classes, width)
	}
	rows := make([]float32, 0, classes*width)
	for class := range classes {
		var square float64
		for range width {
			v := float16.FromBits(binary.LittleEndian.Uint16(data))
			data = data[2:]
			rows = append(rows, v)
			square += float64(v) * float64(v)
		}
		if width > 0 && square != 0 && !(math.Abs(square-1) < 0.01) {
			return nil, fmt.Errorf("class %d has a vector of length %v", class, math.Sqrt(square))
		}
	}
	return rows, nil
}
