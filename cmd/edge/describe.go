package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/adapt/tensorboard"
	"github.com/edge-adapt/edge/camera/pixel"
)

// describe puts what a run did into the form in which it is shown.
func describe(task string, base *openedBase, recipe adapt.TrainConfig, r *adapt.Result) (*report.Run, error) {
	run := report.NewRun(r)
	run.Task = task
	run.Base = report.Base{Name: base.source.Name, Digest: base.source.Digest}
	run.PeakRSSMiB = peakRSS()
	run.Created = time.Now().UTC().Truncate(time.Second)
	run.Version = version
	if w := base.Warning(); w != "" {
		run.Warnings = append(run.Warnings, w)
	}
	var err error
	run.Recipe, err = json.Marshal(recipe)
	return run, err
}

// peakRSS is the largest resident memory of this process so far, in MiB.
func peakRSS() float64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return float64(usage.Maxrss) / 1024 // Linux counts in KiB
}

// thumbnails are the misclassified images, the worst of them with a small
// picture. A picture that cannot be read any more is left out.
func thumbnails(dir string, r *adapt.Result) []report.Mistake {
	all := report.NewMistakes(r)
	all = report.Worst(all, len(all))
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all[:min(report.MistakesShown, len(all))] {
		workers.Go(func() error {
			all[i].JPEG, _ = thumbnail(filepath.Join(dir, all[i].Path))
			return nil
		})
	}
	_ = workers.Wait() // no worker returns an error
	return all
}

// thumbnailSide is the longer side of a thumbnail in pixels.
const thumbnailSide = 128

func thumbnail(path string) ([]byte, error) {
	data, err := pixel.ReadFile(path, pixel.Limits{})
	if err != nil {
		return nil, err
	}
	picture, err := pixel.Decode(data, pixel.Limits{})
	if err != nil {
		return nil, err
	}
	longer := max(picture.Width, picture.Height)
	small := pixel.Preprocessing{
		Width:  max(1, picture.Width*thumbnailSide/longer),
		Height: max(1, picture.Height*thumbnailSide/longer),
		Colour: "rgb", Scale: 1, Resize: pixel.Bilinear,
	}
	values := make([]float32, small.Len())
	if err := small.Apply(values, picture); err != nil {
		return nil, err
	}
	out := image.NewRGBA(image.Rect(0, 0, small.Width, small.Height))
	for i := range small.Width * small.Height {
		for c := range 3 {
			out.Pix[4*i+c] = uint8(values[3*i+c] + 0.5)
		}
		out.Pix[4*i+3] = 255
	}
	var buf bytes.Buffer
	err = jpeg.Encode(&buf, out, &jpeg.Options{Quality: 80})
	return buf.Bytes(), err
}

// writeTensorBoard writes the learning curves as TensorBoard reads them.
func writeTensorBoard(dir string, history []adapt.Epoch) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	curves, err := tensorboard.CreateCurves(dir, nil)
	if err != nil {
		return fmt.Errorf("TensorBoard: %w", err)
	}
	for _, e := range history {
		if err := curves.Epoch(e.Epoch, tensorboard.Point{Loss: e.Loss, Accuracy: e.Accuracy},
			&tensorboard.Point{Loss: e.ValLoss, Accuracy: e.ValAccuracy}); err != nil {
			curves.Close()
			return fmt.Errorf("TensorBoard: %w", err)
		}
	}
	return curves.Close()
}
