package export

import (
	"fmt"
	"strings"

	"github.com/edge-adapt/edge/tflite/file"
)

const (
	labelsName = "labels.txt"

	// minParserVersion is the metadata schema's first: nothing newer is used.
	minParserVersion = "1.0.0"

	signatureKey = "serving_default"
)

// TFLite returns the classifier as one .tflite file, with the metadata that
// TensorFlow Lite's own tools and MediaPipe Tasks read: names, the normalisation
// of pictures, and the labels, zipped behind the model.
//
// The input is a picture of the base's size. A float base takes float32 with the
// stated normalisation; behind a quantised one's stand the picture's bytes, as
// uint8, which MediaPipe wants in the place of int8. The output is float32.
// The same classifier gives the same bytes.
func (c *Classifier) TFLite() ([]byte, error) {
	m, err := c.Model()
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	in := &m.Main().Tensors[m.Main().Inputs[0]]
	if in.Type != file.Float32 {
		front, err := c.front(c.Preprocessing.Width, c.Preprocessing.Height)
		if err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
		if m, err = behind(front, m); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
	}
	data, err := c.finish(m)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return data, nil
}

// behind merges m behind front, which may be nil.
func behind(front, m *file.Model) (*file.Model, error) {
	if front == nil {
		return m, nil
	}
	description := m.Description
	m, err := file.Merge(front, m)
	if err != nil {
		return nil, err
	}
	m.Description = description
	return m, nil
}

// finish names input and output, adds signature, metadata and labels, and writes
// the file.
func (c *Classifier) finish(m *file.Model) ([]byte, error) {
	g := m.Main()
	g.Name = "main"
	in, out := g.Inputs[0], g.Outputs[0]
	g.Tensors[in].Name, g.Tensors[out].Name = ImageName, ScoresName
	m.Signatures = []file.Signature{{
		Key:     signatureKey,
		Inputs:  []file.NamedTensor{{Name: ImageName, Tensor: in}},
		Outputs: []file.NamedTensor{{Name: ScoresName, Tensor: out}},
	}}
	m.Metadata = append(m.Metadata, c.info(&g.Tensors[in]).Metadata())
	data, err := m.Encode()
	if err != nil {
		return nil, err
	}
	return file.Attach(data, file.Attachment{Name: labelsName, Data: c.LabelLines()})
}

// info says what in, the input, and the scores are.
func (c *Classifier) info(in *file.Tensor) file.Info {
	picture := file.TensorInfo{
		Name: ImageName, RGB: true,
		Description: fmt.Sprintf("A picture of %dx%d pixels: red, green, blue.", in.Shape[2], in.Shape[1]),
	}
	// value = byte*scale + offset = (byte - mean) / std
	scale, offset := float64(c.Preprocessing.Scale), float64(c.Preprocessing.Offset)
	if q := in.Quantisation; in.Type != file.Float32 {
		// Bytes are fed as they are, and mean what the quantisation says.
		scale = float64(q.Scale[0])
		offset = -scale * float64(zeroPoint(q))
	}
	picture.Normalisation = file.Normalisation{Mean: []float32{float32(-offset / scale)}, Std: []float32{float32(1 / scale)}}
	return file.Info{
		Name: c.name(), Description: c.description(), MinParserVersion: minParserVersion,
		Inputs: []file.TensorInfo{picture},
		Outputs: []file.TensorInfo{{
			Name: ScoresName, Description: "The probability of each class.", LabelFiles: []string{labelsName},
		}},
	}
}

// LabelLines returns the labels as a file, one a line, in the order of the scores.
func (c *Classifier) LabelLines() []byte { return []byte(strings.Join(c.Labels, "\n") + "\n") }
