// Command edge adapts image classifiers on the device that runs them.
//
// It is the composition root: it reads flags, opens what the packages need,
// joins them and prints. The thinking is in the packages.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/edge-adapt/edge/tflite"
)

func main() {
	tflite.TrialChild() // does not return in the child process that tries an unknown model
	os.Exit(untilSignal())
}

// untilSignal runs the command until it ends or a signal asks it to.
func untilSignal() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
