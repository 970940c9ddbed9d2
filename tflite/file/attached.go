package file

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits on the files zipped behind a model: a label file has some kilobytes.
const (
	maxAttachedFiles = 64
	maxAttachedBytes = 1 << 20
)

// ErrNoLabels says that a model carries no labels.
var ErrNoLabels = errors.New("no labels in the model file")

// attached returns one of the files zipped behind the flatbuffer.
func (m *Model) attached(name string) ([]byte, error) {
	// The zip's directory stands at the end of the file and counts from the
	// archive's own start, so the flatbuffer before it does not disturb.
	z, err := zip.NewReader(bytes.NewReader(m.raw), int64(len(m.raw)))
	if err != nil {
		return nil, fmt.Errorf("files behind the model: %w", err)
	}
	if len(z.File) > maxAttachedFiles {
		return nil, fmt.Errorf("files behind the model: %d are too many", len(z.File))
	}
	for _, f := range z.File {
		if f.Name != name {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%q behind the model: %w", name, err)
		}
		defer r.Close()
		// What the directory says about sizes may be a lie; what arrives is not.
		data, err := io.ReadAll(io.LimitReader(r, maxAttachedBytes+1))
		if err != nil {
			return nil, fmt.Errorf("%q behind the model: %w", name, err)
		}
		if len(data) > maxAttachedBytes {
			return nil, fmt.Errorf("%q behind the model has more than %d bytes", name, maxAttachedBytes)
		}
		return data, nil
	}
	return nil, fmt.Errorf("%q is not among the files behind the model", name)
}

// Labels returns the names of the classes of the first output, one for each
// index, from the label file that the metadata names. The error is ErrNoInfo or
// ErrNoLabels if there are none.
func (m *Model) Labels() ([]string, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	if len(info.Outputs) == 0 || len(info.Outputs[0].LabelFiles) == 0 {
		return nil, ErrNoLabels
	}
	data, err := m.attached(info.Outputs[0].LabelFiles[0])
	if err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	var labels []string
	for line := range strings.Lines(string(data)) {
		labels = append(labels, strings.TrimSpace(line))
	}
	return labels, nil
}
