package file

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Attachment is a file to be zipped behind a model, such as the labels that its
// metadata names.
type Attachment struct {
	Name string
	Data []byte
}

// Attach returns model, the bytes of a .tflite file, followed by a zip archive of
// the files. Interpreters do not look behind the flatbuffer; whoever wants the
// files opens the whole as an archive.
//
// The files are stored as they are, since MediaPipe reads nothing else, and
// without a date, so that the same input gives the same bytes. It is an error if
// the model has files behind it already, if there are none or too many, if a name
// is empty or stands twice, or if a file has more than 1 MiB, which is what
// Labels reads.
func Attach(model []byte, files ...Attachment) ([]byte, error) {
	m, err := Parse(model)
	if err != nil {
		return nil, fmt.Errorf("attach files: %w", err)
	}
	if _, err := zip.NewReader(bytes.NewReader(m.raw), int64(len(m.raw))); err == nil {
		return nil, errors.New("attach files: the model has files behind it already")
	}
	if len(files) == 0 || len(files) > maxAttachedFiles {
		return nil, fmt.Errorf("attach files: %d files, want 1 to %d", len(files), maxAttachedFiles)
	}
	out := bytes.NewBuffer(slices.Clone(model))
	z := zip.NewWriter(out)
	z.SetOffset(int64(len(model))) // entries count from the start of the file
	names := map[string]bool{}
	for _, f := range files {
		switch {
		case f.Name == "" || names[f.Name]:
			return nil, fmt.Errorf("attach files: the name %q is empty or stands twice", f.Name)
		case len(f.Data) > maxAttachedBytes:
			return nil, fmt.Errorf("attach files: %q has %d bytes, at most %d", f.Name, len(f.Data), maxAttachedBytes)
		}
		names[f.Name] = true
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			return nil, fmt.Errorf("attach %q: %w", f.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("attach files: %w", err)
	}
	return out.Bytes(), nil
}
