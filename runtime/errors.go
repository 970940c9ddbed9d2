package runtime

import "errors"

// Reasons that errors.Is finds in what the runtime returns.
var (
	ErrNoTask     = errors.New("no such task")
	ErrNotServing = errors.New("no generation serves")
	ErrShape      = errors.New("lengths that do not fit the generation")
	ErrAdapting   = errors.New("the task is adapting already")
	ErrStandBy    = errors.New("nothing adapts here for now")
	ErrNotRunning = errors.New("the runtime does not run")
	ErrClosed     = errors.New("the runtime is closed")
)
