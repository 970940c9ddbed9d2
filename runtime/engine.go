package runtime

import (
	"context"

	"github.com/edge-adapt/edge/models"
)

// Engine opens bases. runtime/engine has the one that runs TensorFlow Lite.
type Engine interface {
	// Open opens the base of a generation and returns one interpreter. The
	// generation's files have been compared with their digests; a base that
	// nobody knows is tried in a child process first.
	//
	// The runtime opens several interpreters for one base. Open is called by
	// several goroutines.
	Open(ctx context.Context, g models.Generation) (Base, error)
}

// Base is one interpreter of a base. It is used by one goroutine at a time.
type Base interface {
	// Embed computes the features of n preprocessed pictures: pixels has shape
	// [n,H,W,3], dst has shape [n,F]. It keeps neither. After an error the
	// interpreter is closed and replaced.
	Embed(dst, pixels []float32) error
	Close() error
}
