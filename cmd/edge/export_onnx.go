package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/export/onnx"
	"github.com/edge-adapt/edge/tflite/file"
)

func exportONNX() exportFormat {
	return exportFormat{
		name:  "onnx",
		what:  "an ONNX model with labels and normalisation, for ONNX Runtime and others; float bases only",
		write: writeONNX,
	}
}

func writeONNX(ctx context.Context, e *exporting) (done exported, err error) {
	if err := e.free(e.out); err != nil {
		return done, err
	}
	twin, err := e.twin(ctx)
	if err != nil {
		return done, err
	}
	data, err := onnx.Convert(twin, onnx.Options{Version: version})
	if err != nil {
		return done, e.unexportable("ONNX", err)
	}
	pending, err := e.pending(e.out, data)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, pending.Cleanup()) }() // nothing, once it has its name
	if err := pending.CloseAtomicallyReplace(); err != nil {
		return done, err
	}
	p := e.model.Preprocessing
	done.Files = []exportedFile{newExportedFile(e.out, data)}
	done.Input = fmt.Sprintf("%q: [N,%d,%d,3] RGB, float32 from %.4g to %.4g", onnx.InputName, p.Height, p.Width, p.Offset, 255*p.Scale+p.Offset)
	done.Head = fmt.Sprintf("float32, as %q; ONNX operator set %d", onnx.OutputName, onnx.OperatorSet)
	done.Notes = []string{"edge does not run ONNX: what was compared with it is the same model as .tflite."}
	return done, nil
}

// twin returns the generation as the .tflite that edge can run, after comparing
// its scores: what other formats are made of.
func (e *exporting) twin(ctx context.Context) (*file.Model, error) {
	data, err := e.model.TFLite()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "edge-export-*.tflite")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = e.compare(ctx, f.Name(), exactly)
	}
	if err = errors.Join(err, os.Remove(f.Name())); err != nil {
		return nil, err
	}
	return file.Parse(data)
}

// unexportable says why a generation cannot be given away in a format for floats.
func (e *exporting) unexportable(format string, err error) error {
	if errors.Is(err, network.ErrQuantised) {
		err = hint.Wrap(fmt.Errorf("the base %s is quantised, and %s here is for float bases", e.model.BaseName, format),
			"export it with --format tflite, or adapt on the float base it was made from and export that")
	}
	return device.InputError{Err: err}
}
