// Command profile says where the processor's time goes in `edge adapt`, once with
// nothing remembered and once with all features in the cache:
//
//	go run -trimpath ./bench/profile --out bench/results/profile
//
// It adapts as the command does, in this process, under Go's profiler, and writes
// profile.md (shares of stages), and for each of the two a flame graph for any
// browser (cold.html, warm.html) and the profile itself (cold.pb.gz, warm.pb.gz,
// for `go tool pprof`). Within TensorFlow Lite the profiler sees one block.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt"
)

func main() {
	var p profiling
	flag.StringVar(&p.dir, "dir", "samples", "folder of images, a folder a class")
	flag.IntVar(&p.times, "times", 1, "how often each JPEG of the folder is taken, each time as another image")
	flag.StringVar(&p.ref, "base", "", "the base; default: the one that edge brings along")
	flag.DurationVar(&p.least, "least", 10*time.Second, "how long each of the two is profiled at least")
	seed := flag.Bool("seed-recipe", false, "train by the reference's recipe, 5 epochs")
	out := flag.String("out", filepath.FromSlash("bench/results/profile"), "folder that gets the results")
	flag.Parse()
	p.recipe = adapt.DefaultRecipe()
	if *seed {
		p.recipe = adapt.SeedRecipe()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, p, *out); err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, p profiling, out string) error {
	scratch, err := os.MkdirTemp("", "edge-profile-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // scratch
	if p.dir, p.images, err = repeated(ctx, p.dir, filepath.Join(scratch, "images"), p.times); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var shares []share
	for _, warm := range []bool{false, true} {
		name := map[bool]string{false: "cold", true: "warm"}[warm]
		taken, err := p.profile(ctx, filepath.Join(scratch, name), warm)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := taken.write(ctx, filepath.Join(out, name)); err != nil {
			return err
		}
		shares = append(shares, share{name: name, runs: taken.runs, stages: stages(taken.cpu)})
	}
	text := table(p, shares)
	fmt.Print(text)
	return renameio.WriteFile(filepath.Join(out, "profile.md"), []byte(text), 0o644, renameio.WithTempDir(out))
}
