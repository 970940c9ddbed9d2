// Package hint attaches the next step to an error: what the person at the
// terminal can do about it. Libraries wrap where they know; the command prints.
package hint

import "errors"

// hinted is an error with a next step. Its text is the cause's alone, so a
// hint never ends up in the middle of a longer message.
type hinted struct {
	error
	text string
}

func (h *hinted) Unwrap() error { return h.error }

// Wrap returns err with text as its next step, or nil if err is nil.
// A hint that err already carries wins: the deeper place knew more.
func Wrap(err error, text string) error {
	if err == nil || Of(err) != "" {
		return err
	}
	return &hinted{err, text}
}

// Of returns the next step that err carries, or "".
func Of(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.text
	}
	return ""
}
