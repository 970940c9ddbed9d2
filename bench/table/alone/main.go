// Command alone runs one part of edge as a process of its own, so that it can be
// timed beside the same part of other stacks:
//
//	alone features --base FILE --dir DIR --seed N --out DIR
//	alone head --arrays DIR --epochs N --seed N
//	alone forward --base FILE --images N --threads N
//
// Each prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

// part is one of the command's parts. It registers its flags and returns what
// runs once they are parsed, whose answer is printed.
type part func(flags *flag.FlagSet) func(context.Context) (any, error)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "alone:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, args []string) error {
	parts := map[string]part{"features": features, "head": trainHead, "forward": forward}
	if len(args) == 0 || parts[args[0]] == nil {
		return errors.New("want one of: features, head, forward")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	work := parts[args[0]](flags)
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	answer, err := work(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
