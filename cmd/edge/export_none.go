//go:build !tensorflow

package main

import (
	"context"
	"errors"

	"github.com/edge-adapt/edge/internal/hint"
)

// trainerExportFormats are the formats that the trainer alone writes: here they
// say so.
func trainerExportFormats() []exportFormat {
	f := savedModelFormat()
	f.write = func(context.Context, *exporting) (exported, error) {
		return exported{}, hint.Wrap(errors.New("this program was built without TensorFlow, which --format savedmodel needs"),
			"run `make trainer` and use bin/edge-trainer, or use the trainer's container image")
	}
	return []exportFormat{f}
}
