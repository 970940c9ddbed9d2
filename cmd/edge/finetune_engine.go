package main

import (
	"fmt"
	"os"

	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/tflite"
)

// cutEngine opens the models that fine-tuning makes on the way. They are cut from
// a base that has passed its trial.
type cutEngine struct {
	options tflite.Options
	dir     string // of temporary files; "": the system's
}

func (e cutEngine) Open(model []byte) (finetune.Model, error) {
	f, err := os.CreateTemp(e.dir, "edge-*.tflite")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // the interpreter has mapped it
	_, err = f.Write(model)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("write a model: %w", err)
	}
	return tflite.Open(f.Name(), e.options)
}
