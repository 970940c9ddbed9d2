// Package device adapts on the machine it runs on: a folder of labelled images
// goes in, the task's next generation comes out, in the store and in use.
//
// It joins what other packages do each by itself: models/base prepares a base,
// runtime/engine opens it, adapt trains on its features, which a cache remembers,
// adapt/report draws the page, models keeps it all. `edge adapt`, the C library
// and programs that embed edge go this way.
package device

import (
	"context"
	"errors"

	"github.com/edge-adapt/edge/internal/hint"
)

// InputError marks what the images, the model or a stored generation is to blame
// for, and not this machine: the same input fails elsewhere, too.
type InputError struct{ Err error }

func (e InputError) Error() string { return e.Err.Error() }
func (e InputError) Unwrap() error { return e.Err }

// InputOr marks err as an InputError if it carries a next step, as errors do
// that the user's own images or model caused. nil stays nil.
func InputOr(err error) error {
	if errors.Is(err, context.Canceled) || hint.Of(err) == "" {
		return err
	}
	return InputError{err}
}
