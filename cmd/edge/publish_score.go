package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
)

// scorePictures returns the head's own scores of each picture, on the base in a
// file, which is tried in a child process first if nobody knows it.
func scorePictures(ctx context.Context, path, headPath string, pictures [][]float32) (scores [][]float32, err error) {
	data, err := os.ReadFile(headPath)
	if err != nil {
		return nil, err
	}
	h, err := head.Decode(data)
	if err != nil {
		return nil, err
	}
	d, _, err := digest.OfFile(path)
	if err != nil {
		return nil, err
	}
	e, err := baseFlags{}.engine()
	if err != nil {
		return nil, err
	}
	b, err := e.OpenBase(ctx, path, d)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if b.Features() != h.Features {
		return nil, fmt.Errorf("the base gives %d features, the head takes %d", b.Features(), h.Features)
	}
	features, scratch := make([]float32, h.Features), make([]float32, h.Scratch())
	for _, pixels := range pictures {
		if want := 3 * b.InputWidth() * b.InputHeight(); len(pixels) != want {
			return nil, fmt.Errorf("the base takes %d numbers, a picture has %d", want, len(pixels))
		}
		if err := b.Embed(features, pixels); err != nil {
			return nil, err
		}
		dst := make([]float32, h.Classes)
		h.Scores(dst, features, scratch)
		scores = append(scores, dst)
	}
	return scores, nil
}
