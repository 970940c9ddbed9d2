package tflite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/edge-adapt/edge/internal/hint"
)

const hintDamaged = "the file may be incomplete: compare its size or checksum with the original and fetch it again"

// foreign names files that people hand over in place of a model, by how they begin.
var foreign = []struct{ start, what, next string }{
	{"\x89HDF", "a Keras or HDF5 file", "convert it with tf.lite.TFLiteConverter first"},
	{"PK\x03\x04", "a zip archive (a .keras, .aar or .task file?)", "unpack or convert it to .tflite first"},
	{"version https://git-lfs", "a Git LFS pointer, not the model itself", "run: git lfs pull"},
	{"<", "a web page or XML, not a model", "the download went to a page; use the link of the file itself"},
	{"\x1f\x8b", "a gzip archive", "unpack it first"},
}

// checkFile refuses what is plainly no model before native code sees it.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return hint.Wrap(fmt.Errorf("open model %s: %w", path, fs.ErrNotExist), "check the path of the .tflite file")
	case err != nil:
		return fmt.Errorf("open model: %w", err)
	case !info.Mode().IsRegular():
		return hint.Wrap(fmt.Errorf("model %s is not a regular file", path), "give the path of the .tflite file itself")
	case info.Size() == 0:
		return hint.Wrap(fmt.Errorf("model %s is empty", path), hintDamaged)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open model: %w", err)
	}
	defer f.Close()
	start := make([]byte, 32)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read model: %w", err)
	}
	start = start[:n]
	if len(start) >= 8 && string(start[4:8]) == "TFL3" {
		return nil
	}
	for _, f := range foreign {
		if bytes.HasPrefix(start, []byte(f.start)) {
			return hint.Wrap(fmt.Errorf("%s is %s", path, f.what), f.next)
		}
	}
	return hint.Wrap(fmt.Errorf("%s is not a TensorFlow Lite model", path), "a .tflite file has TFL3 as its bytes 4 to 7")
}
