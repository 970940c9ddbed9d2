// Package device adapts on the machine it runs on: a folder of labelled images
// goes in, the task's next generation comes out, in the store and in use.
//
// It joins what other packages do each by itself: models/base prepares a base,
// runtime/engine opens it, adapt trains on its features, which a cache remembers,
// adapt/report draws the page, models keeps it all. `edge adapt`, the C library
// and programs that embed edge go this way.
package device

import "fmt"

// InputError marks what the images, the model or a stored generation is to blame
// for, and not this machine: the same input fails elsewhere, too.
type InputError struct{ Err error }

func (e *InputError) Error() string { return e.Err.Error() }
func (e *InputError) Unwrap() error { return e.Err }

func badInput(format string, args ...any) error { return &InputError{fmt.Errorf(format, args...)} }
