//go:build !linux

package v4l2

import (
	"context"
	"fmt"
	"runtime"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// Open opens camera devices on Linux alone.
func Open(_ context.Context, path string, _ Options) (camera.Source, error) {
	return nil, fmt.Errorf("%s: %w", path, unsupported())
}

// List lists camera devices on Linux alone.
func List() ([]Device, error) { return nil, unsupported() }

func unsupported() error {
	return hint.Wrap(fmt.Errorf("camera devices of %s: %w", runtime.GOOS, camera.ErrUnsupported),
		"use a network camera, or a program that writes frames into a pipe")
}
