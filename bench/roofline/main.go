// Command roofline measures how much of what a processor's arithmetic and memory
// can do each stage of adapting gets, and writes a table into docs/roofline.md:
//
//	go run ./bench/roofline --doc docs/roofline.md
//
// The roofline model (Williams, Waterman and Patterson 2009) sets a stage's
// operations in a second against the lower of two ceilings: what the arithmetic
// does at most, and its intensity (operations a byte) times what memory brings.
// Everything runs on one processor, and is timed by the processor's time, so that
// what else the machine does hardly shows.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt/speed"
	"github.com/edge-adapt/edge/internal/insert"
)

func main() {
	doc := flag.String("doc", filepath.FromSlash("docs/roofline.md"), "file that gets the table, between its marks")
	out := flag.String("out", filepath.FromSlash("bench/results"), "folder that gets roofline.json")
	ref := flag.String("base", "", "a float base; default: the one that edge brings along, with its int8 twin")
	rounds := flag.Int("rounds", 9, "turns that each measurement gets")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *ref, *doc, *out, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "roofline:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, ref, doc, out string, rounds int) error {
	processors := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(processors)
	effort := speed.Effort{Rounds: rounds, Least: 50 * time.Millisecond}
	top, err := measureCeilings(ctx, effort)
	if err != nil {
		return err
	}
	var s stages
	defer s.close()
	if err := s.add(ctx, ref); err != nil {
		return err
	}
	rows, err := s.measure(ctx, effort)
	if err != nil {
		return err
	}
	text := table(top, rows)
	fmt.Print(text)
	data, err := json.MarshalIndent(struct {
		Ceilings ceilings `json:"ceilings"`
		Rows     []row    `json:"rows"`
	}{top, rows}, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := renameio.WriteFile(filepath.Join(out, "roofline.json"), append(data, '\n'), 0o644, renameio.WithTempDir(out)); err != nil {
		return err
	}
	return insert.Between(doc, "bench/roofline", []byte(text))
}
