package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
)

// The exit codes, as the help states them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInput       = 3
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

// usageError is a mistake on the command line, in the command of this path.
type usageError struct {
	error
	command string
}

func (e usageError) Unwrap() error { return e.error }

// errSilent ends with exitInput after the failures were printed one by one.
var errSilent = device.InputError{Err: errors.New("some images could not be used")}

// errNotReady ends with exitFailed after what the daemon said was printed.
var errNotReady = errors.New("the daemon is not ready")

// usageArgs makes the errors of a check of arguments usage errors.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err, cmd.CommandPath()}
		}
		return nil
	}
}

// fail prints err with its next step, as text or as JSON, and returns the exit
// code that belongs to it.
func (a *app) fail(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	code := exitFailed
	next := hint.Of(err)
	var usage usageError
	var input device.InputError
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		code = exitInterrupted
		err = errors.New("interrupted")
		if next == "" {
			next = "nothing was changed; run the same command again, finished features are kept"
		}
	case errors.As(err, &usage):
		code = exitUsage
		if next == "" {
			next = usage.command + " --help"
		}
	case errors.As(err, &input):
		code = exitInput
	}
	if errors.Is(err, errSilent) || errors.Is(err, errNotReady) {
		return code
	}
	if a.json {
		a.print(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"code"`
		}{err.Error(), next, code})
		return code
	}
	fmt.Fprintf(a.stderr, "edge: %v\n", err)
	if next != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", next)
	}
	return code
}
