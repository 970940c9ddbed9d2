package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/speed"
)

// repeated fills into with each JPEG of a folder, times times over, its bytes
// different each time, so that nobody takes one for another. Without times it is
// the folder itself.
func repeated(ctx context.Context, dir, into string, times int) (string, int, error) {
	d, err := adapt.List(ctx, dir)
	if err != nil {
		return "", 0, err
	}
	if times <= 1 {
		return dir, len(d.Samples), nil
	}
	n := 0
	for _, s := range d.Samples {
		data, err := os.ReadFile(filepath.Join(dir, s.Path))
		if err != nil {
			return "", 0, err
		}
		class := filepath.Join(into, d.Labels[s.Label])
		if err := os.MkdirAll(class, 0o755); err != nil {
			return "", 0, err
		}
		for range times {
			commented, err := speed.Commented(data, uint32(n)) //nolint:gosec // a count
			if err != nil {
				return "", 0, fmt.Errorf("%s: %w", s.Path, err)
			}
			if err := os.WriteFile(filepath.Join(class, fmt.Sprintf("%06d.jpg", n)), commented, 0o644); err != nil {
				return "", 0, err
			}
			n++
		}
	}
	return into, n, ctx.Err()
}
