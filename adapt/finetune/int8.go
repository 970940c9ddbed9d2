package finetune

import (
	"context"
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/tflite/file"
	"github.com/edge-adapt/edge/tflite/quantise"
)

// calibrationImages is how many training pictures the ranges of an int8 base
// are measured on.
const calibrationImages = 200

// Quantise returns the new base with int8 arithmetic, its ranges measured on
// training pictures of all tasks. e is the parent's or the new base's
// extractor: it tells how pictures are fed.
func (t *Tuned) Quantise(ctx context.Context, engine Engine, e adapt.Extractor, progress func(done, total int)) ([]byte, error) {
	m, err := file.Parse(t.Base)
	if err != nil {
		return nil, err
	}
	c, err := quantise.NewCalibration(m)
	if err != nil {
		return nil, err
	}
	probe, err := c.Probe().Encode()
	if err != nil {
		return nil, fmt.Errorf("write the model of the int8 ranges: %w", err)
	}
	model, err := engine.Open(probe)
	if err != nil {
		return nil, fmt.Errorf("open the model of the int8 ranges: %w", err)
	}
	defer model.Close()
	e.Base, e.Cache = calibrator{c, model}, nil
	e, _ = t.kept.replay(e)
	for _, task := range t.Tasks {
		d := only(task.Before.Dataset, adapt.SplitTrain)
		d.Samples = spread(d.Samples, calibrationImages/len(t.Tasks))
		if _, err := e.Extract(ctx, d, progress, nil); err != nil {
			return nil, err
		}
	}
	q, err := quantise.Model(m, c.Ranges(), quantise.Options{})
	if err != nil {
		return nil, err
	}
	return q.Encode()
}

// calibrator shows every picture to a calibration. To an adapt.Extractor it is
// a base.
type calibrator struct {
	calibration *quantise.Calibration
	model       Model
}

func (c calibrator) Embed(_, pixels []float32) error { return c.calibration.Add(c.model, pixels) }

// spread returns at most n samples, evenly spread over all.
func spread(samples []adapt.Sample, n int) []adapt.Sample {
	if len(samples) <= n {
		return samples
	}
	var some []adapt.Sample
	for i := range n {
		some = append(some, samples[i*len(samples)/n])
	}
	return slices.Clip(some)
}
