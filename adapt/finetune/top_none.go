//go:build !tensorflow

package finetune

import (
	"errors"

	"github.com/edge-adapt/edge/internal/hint"
)

// Available reports whether this program can train: nil, or an error that says
// how to get one that can.
func Available() error {
	return hint.Wrap(errors.New("this program was built without TensorFlow, which fine-tuning needs"),
		"on the server, run `make trainer` and use bin/edge-trainer, or use the trainer's container image; `edge finetune plan` works here too")
}

func newTop(topConfig) (top, error) { return nil, Available() }
