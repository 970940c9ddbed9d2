package main

import (
	"fmt"
	"os"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/tensorboard"
)

// liveCurves writes TensorBoard's event files while the training runs. Without
// a folder it does nothing.
type liveCurves struct{ curves *tensorboard.Curves }

func openCurves(dir string) (*liveCurves, error) {
	if dir == "" {
		return &liveCurves{}, nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	curves, err := tensorboard.CreateCurves(dir, nil)
	if err != nil {
		return nil, fmt.Errorf("TensorBoard: %w", err)
	}
	return &liveCurves{curves}, nil
}

func (l *liveCurves) epoch(e adapt.Epoch) error {
	if l.curves == nil {
		return nil
	}
	err := l.curves.Epoch(e.Epoch, tensorboard.Point{Loss: e.Loss, Accuracy: e.Accuracy},
		&tensorboard.Point{Loss: e.ValLoss, Accuracy: e.ValAccuracy})
	if err != nil {
		return fmt.Errorf("TensorBoard: %w", err)
	}
	return nil
}

func (l *liveCurves) close() {
	if l.curves != nil {
		_ = l.curves.Close() // every epoch was written when it ended
	}
}
