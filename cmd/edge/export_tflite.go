package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

func exportTFLite() exportFormat {
	return exportFormat{
		name:  "tflite",
		what:  "one .tflite with labels and normalisation, for LiteRT and MediaPipe Tasks",
		write: writeTFLite,
	}
}

func writeTFLite(ctx context.Context, e *exporting) (done exported, err error) {
	if err := e.free(e.out); err != nil {
		return done, err
	}
	data, err := e.model.TFLite()
	if err != nil {
		return done, device.InputError{Err: err}
	}
	pending, err := e.pending(e.out, data)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, pending.Cleanup()) }() // nothing, once it has its name
	if err := e.compare(ctx, pending.Name(), exactly); err != nil {
		return done, err
	}
	if err := pending.CloseAtomicallyReplace(); err != nil {
		return done, err
	}
	p := e.model.Preprocessing
	done.Files = []exportedFile{newExportedFile(e.out, data)}
	done.Input = fmt.Sprintf("%dx%d RGB, ", p.Width, p.Height)
	if e.quantised() {
		done.Input += "uint8"
	} else {
		done.Input += fmt.Sprintf("float32 from %.4g to %.4g", p.Offset, 255*p.Scale+p.Offset)
	}
	done.Head = e.headInWords()
	return done, nil
}

// quantised reports whether the base takes whole numbers.
func (e *exporting) quantised() bool {
	g := e.model.Base.Main()
	return g.Tensors[g.Inputs[0]].Type != file.Float32
}

// headInWords says how the exported head computes.
func (e *exporting) headInWords() string {
	g := e.model.Base.Main()
	if out := g.Tensors[g.Outputs[0]].Type; out != file.Float32 {
		return fmt.Sprintf("float32, on features dequantised from %v", out)
	}
	return "float32"
}

// pending writes data under a temporary name in the folder of path.
func (e *exporting) pending(path string, data []byte) (*renameio.PendingFile, error) {
	pending, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithPermissions(0o644))
	if err == nil {
		if _, err = pending.Write(data); err != nil {
			err = errors.Join(err, pending.Cleanup())
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.Wrap(fmt.Errorf("write %s: there is no folder %s", path, filepath.Dir(path)), "make it first, or give another --out")
	case err != nil:
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return pending, nil
}
