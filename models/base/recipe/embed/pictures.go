package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/camera/pixel"
)

// side is the base's input, in pixels.
const side = 128

// fewest pictures say what the ranges are.
const fewest = 50

// most pictures are looked at: ranges hardly grow with more.
const most = 400

// readPictures returns the pictures below dir as the float base takes them, in the
// order of their paths; of more than most, that many, evenly spread.
func readPictures(ctx context.Context, dir string) ([][]float32, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*", "*")) // sorted
	if err != nil {
		return nil, err
	}
	paths := slices.DeleteFunc(files, func(path string) bool {
		return !slices.Contains([]string{".jpg", ".jpeg", ".png", ".webp"}, strings.ToLower(filepath.Ext(path)))
	})
	if len(paths) < fewest {
		return nil, fmt.Errorf("%d pictures in the folders of %s: want %d at least", len(paths), dir, fewest)
	}
	p := pixel.Preprocessing{Width: side, Height: side, Colour: "rgb", Scale: 1 / 127.5, Offset: -1, Resize: pixel.Bilinear}
	n := min(len(paths), most)
	all := make([][]float32, n)
	for i := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		path := paths[i*len(paths)/n]
		data, err := pixel.ReadFile(path, pixel.Limits{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		// The twin is compared with the committed one, byte for byte.
		picture, err := pixel.DecodePortable(data, pixel.Limits{})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all[i] = make([]float32, p.Len())
		if err := p.Apply(all[i], picture); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return all, nil
}
