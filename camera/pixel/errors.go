package pixel

import (
	"errors"
	"fmt"
)

// The reasons for which a picture is refused. Every error of Decode is one of
// them under errors.Is; its text says more.
var (
	ErrEmpty     = errors.New("empty file")
	ErrFormat    = errors.New("not a picture")
	ErrTruncated = errors.New("truncated")
	ErrTooLarge  = errors.New("too large")
	ErrCorrupt   = errors.New("corrupt")
)

// refusal is a reason with a text of its own.
type refusal struct {
	reason error
	text   string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.reason }

// refuse returns an error that is reason and reads as the formatted text.
func refuse(reason error, format string, args ...any) error {
	return &refusal{reason, fmt.Sprintf(format, args...)}
}
