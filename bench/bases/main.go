// Command bases compares the embedded base and its int8 twin with the published
// ImageNet networks, on the sets in ../shared/data, and writes a table:
//
//	go run ./bench/bases --data ../shared/data --out bench/results
//
// Each number is what `edge adapt` comes to with that base: a head is trained on
// the set's train folder, a fifth of which is held back to know when to stop, and
// asked about the test folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/google/renameio/v2"
)

func main() {
	data := flag.String("data", filepath.FromSlash("../shared/data"), "folder of the sets and weights")
	samples := flag.String("samples", "samples", "folder of the project's own samples")
	out := flag.String("out", filepath.FromSlash("bench/results"), "folder that gets bases.md")
	seeds := flag.Uint64("seeds", 3, "seeds, each with its own split")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *data, *samples, *out, *seeds); err != nil {
		fmt.Fprintln(os.Stderr, "bases:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, data, samples, out string, seeds uint64) error {
	scratch, err := os.MkdirTemp("", "edge-bases-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // scratch
	bases, err := openAll(ctx, data, scratch)
	for _, b := range bases {
		defer b.model.Close() //nolint:errcheck // it was only read from
	}
	if err != nil {
		return err
	}
	sets := []set{
		{"grocery10", filepath.Join(data, "grocery10"), false},
		{"sign_digits10", filepath.Join(data, "sign_digits10"), false},
		{"imagenette10", filepath.Join(data, "imagenette10"), false},
		{"samples, held back", samples, true},
	}
	for _, b := range bases {
		for _, s := range sets {
			if err := b.adapt(ctx, s, seeds); err != nil {
				return fmt.Errorf("%s, %s: %w", b.name, s.name, err)
			}
			fmt.Fprintf(os.Stderr, "%s, %s: %.1f\n", b.name, s.name, mean(b.accuracy[s.name]))
		}
	}
	if err := clock(ctx, bases); err != nil {
		return err
	}
	text := report(bases, sets, seeds)
	fmt.Print(text)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(out, "bases.md"), []byte(text), 0o644, renameio.WithTempDir(out))
}
