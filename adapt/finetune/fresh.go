package finetune

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/edge-adapt/edge/adapt/augment"
	"github.com/edge-adapt/edge/adapt/finetune/rows"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// fresh is the source of pictures that are changed anew in each epoch, and go
// through the frozen part of the base each time. It keeps the decoded pictures
// on disk, small.
type fresh struct {
	recipe   Recipe
	pixels   pixel.Preprocessing
	prefix   *prefix
	split    func(memory []float32, n int) [][]float32 // of the frontiers
	limits   pixel.Limits
	canvases *rows.Rows[uint8]
	first    map[*taskData]int // number of the task's first picture
	batch    []float32         // [n, height, width, 3]
	mixed    []float32         // one of them, blended
	row      []float32         // its frontier
}

// openFresh reads the training pictures again and paints their canvases.
func (r *run) openFresh(ctx context.Context) (*fresh, error) {
	f := &fresh{
		recipe: r.Recipe, pixels: r.Base.Extractor.Preprocessing, prefix: r.prefix, split: r.frontiers.split,
		limits: r.Base.Extractor.Limits,
		first:  map[*taskData]int{}, row: make([]float32, r.frontiers.length()),
	}
	total := 0
	for _, t := range r.data {
		f.first[t] = total
		total += t.train.len()
	}
	var err error
	if f.canvases, err = rows.New[uint8](r.Scratch, len(augment.NewCanvas(f.pixels).Pix)); err != nil {
		return nil, err
	}
	if err := f.canvases.Reserve(total); err != nil {
		f.close()
		return nil, err
	}
	if err := f.paintAll(ctx, r, total); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// paintAll paints the canvases of all tasks' training pictures, on all
// processors.
func (f *fresh) paintAll(ctx context.Context, r *run, total int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	painted := make(chan struct{})
	go func() {
		defer close(painted)
		for _, t := range r.data {
			for i, path := range t.train.paths {
				group.Go(func() error {
					if err := f.paint(ctx, f.first[t]+i, filepath.Join(t.Dir, path), t.train.images[i]); err != nil {
						return fmt.Errorf("%s: %w", path, err)
					}
					painted <- struct{}{}
					return nil
				})
			}
		}
		_ = group.Wait() // again below
	}()
	done := 0
	for range painted {
		done++
		r.Progress(Progress{Stage: StagePictures, Done: done, Total: total})
	}
	return group.Wait()
}

// paint decodes a picture and keeps its canvas as row i.
func (f *fresh) paint(ctx context.Context, i int, path string, want digest.Digest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	data, err := pixel.ReadFile(path, f.limits)
	if err != nil {
		return err
	}
	if digest.Of(data) != want {
		return errors.New("has changed since it was first read")
	}
	image, err := pixel.Decode(data, f.limits)
	if err != nil {
		return err
	}
	canvas := augment.NewCanvas(f.pixels)
	if err := augment.Paint(canvas, image); err != nil {
		return err
	}
	return f.canvases.Set(i, canvas.Pix)
}

func (f *fresh) close() { _ = f.canvases.Close() }

// fill changes the pictures, blends each with the next of its batch if the
// recipe wants, and runs the frozen layers on them.
func (f *fresh) fill(b *batch, t *taskData, epoch int, rows []int) error {
	draws := make([]augment.Draw, len(rows))
	size := f.pixels.Len()
	f.batch = grown(f.batch, len(rows)*size)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, row := range rows {
		number := f.first[t] + row
		draws[i] = f.recipe.Draw(f.recipe.Seed, uint64(epoch), uint64(number))
		group.Go(func() error {
			canvas := augment.NewCanvas(f.pixels)
			if err := f.canvases.Read(number, canvas.Pix); err != nil {
				return err
			}
			return draws[i].Apply(f.batch[i*size:][:size], canvas, f.pixels)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	f.mixed = grown(f.mixed, size)
	classes := len(t.dataset.Labels)
	for i, row := range rows {
		next := (i + 1) % len(rows)
		augment.Mix(f.mixed, f.batch[i*size:][:size], f.batch[next*size:][:size], draws[i].Lambda)
		augment.Targets(b.targets[i*classes:][:classes], t.train.labels[row], t.train.labels[rows[next]], draws[i].Lambda, f.recipe.LabelSmoothing)
		part := f.split(f.row, 1)
		if err := f.prefix.run(part, f.mixed); err != nil {
			return err
		}
		for k := range part {
			copy(b.frontier[k][i*len(part[k]):], part[k])
		}
	}
	return nil
}
