package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/edge-adapt/edge/internal/hint"
)

// Kind is what a file or folder of a neighbour holds.
type Kind string

// The kinds that Detect tells apart.
const (
	KindClassifier Kind = "classifier" // for ReadClassifier
	KindProject    Kind = "project"    // for OpenProject
)

// Detect finds out what the file or folder at path holds, by its content. The
// error is ErrUnknown where it is neither.
func Detect(path string) (Kind, error) {
	k, err := detect(path)
	if err != nil {
		return "", fmt.Errorf("import %s: %w", path, err)
	}
	return k, nil
}

func detect(path string) (Kind, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", hint.Wrap(plain(err), "give the zip that Teachable Machine exports, its .tm project, a .tflite file, or a folder of Frigate's model_cache")
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return "", errors.New("neither a file nor a folder")
		}
		switch magic := firstBytes(path); {
		case len(magic) >= 8 && string(magic[4:8]) == "TFL3":
			return KindClassifier, nil
		case bytes.HasPrefix(magic, []byte("\x89HDF")):
			return "", hint.Wrap(fmt.Errorf("a file of Keras: %w", ErrUnknown), inTensorFlowLite)
		case !bytes.HasPrefix(magic, []byte("PK")):
			return "", hint.Wrap(fmt.Errorf("neither a zip nor a .tflite file: %w", ErrUnknown), inTensorFlowLite)
		}
	}
	list, closer, err := entries(path)
	if err != nil {
		return "", err
	}
	defer closer.Close()
	if isProject(list) {
		return KindProject, nil
	}
	return KindClassifier, nil
}

// firstBytes returns what a file begins with, as far as it can be read.
func firstBytes(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	var b [8]byte
	n, _ := io.ReadFull(f, b[:])
	return b[:n]
}

// plain is an error of the file system without the path, which its reader knows.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
