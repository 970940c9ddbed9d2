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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
