package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt/finetune"
	"github.com/edge-adapt/edge/adapt/report"
)

// quantise writes the new base with int8 arithmetic beside it, and measures the
// same heads over it.
func (t *tuning) quantise(ctx context.Context, tuned *finetune.Tuned, f *report.FineTune) error {
	data, err := tuned.Quantise(ctx, t.engine(), t.parent.Extractor(), func(done, total int) {
		t.bar.update("calibrate", "ranges for int8", done, total)
	})
	if err != nil {
		return fmt.Errorf("int8: %w", err)
	}
	path := filepath.Join(t.out.dir, tunedInt8Name)
	if err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(t.out.dir)); err != nil {
		return fmt.Errorf("write the int8 base: %w", err)
	}
	source := t.source(path, data, "finetuned-int8")
	b, err := t.runBase(ctx, source, t.flags.base)
	if err != nil {
		return err
	}
	defer b.Close()
	results, err := t.measure(ctx, tuned, b)
	if err != nil {
		return err
	}
	f.Int8 = &report.Quantised{
		Outcome: report.NewOutcome(results[0]).Clean(), Bytes: int64(len(data)),
		Base: report.Base{Name: source.Name, Digest: source.Digest},
	}
	return nil
}
