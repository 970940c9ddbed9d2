// Command generate makes the sample pictures of this repository: instruments on the panels of old machines,
// each a small path-traced scene seen by a cheap camera.
//
//	go run ./samples/generate -out samples -seed 1
//
// The same seed gives the same bytes on every processor that rounds each multiplication and each addition, as
// amd64 does. Where the compiler fuses the two (arm64), or the JPEG encoder of the Go release differs, a picture
// may differ by what nobody sees.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	out := flag.String("out", "samples", "folder that gets one folder a class")
	seed := flag.Uint64("seed", 1, "other seeds give other pictures")
	only := flag.String("only", "", "make only pictures whose class/name contains this")
	paths := flag.Int("paths", fullPaths, "light paths a pixel, a power of two; fewer are faster and give other, noisier pictures")
	contact := flag.String("contact", "", "make nothing; write an overview (JPEG) of the pictures in -out to this file")
	flag.Parse()
	run := func() error { return generate(*out, *seed, *paths, *only) }
	if *contact != "" {
		run = func() error { return contactSheet(*out, *contact) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// generate writes the pictures into out, one worker a processor, and says once a second how far it is.
func generate(out string, seed uint64, paths int, only string) error {
	todo := make(chan shot, len(plan()))
	for _, p := range plan() {
		if strings.Contains(p.class+"/"+p.name, only) {
			todo <- p
		}
	}
	close(todo)
	total := len(todo)
	results := make(chan error, total)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for p := range todo {
				results <- p.write(out, seed, paths)
			}
		})
	}
	var failed error
	shown := time.Now()
	for done := 1; done <= total; done++ {
		if err := <-results; err != nil && failed == nil {
			failed = err
		}
		if time.Since(shown) > time.Second || done == total {
			shown = time.Now()
			fmt.Fprintf(os.Stderr, "\r%d of %d pictures", done, total)
		}
	}
	workers.Wait()
	fmt.Fprintln(os.Stderr)
	return failed
}

// write renders one picture into its class folder under out.
func (p shot) write(out string, seed uint64, paths int) error {
	data, err := p.make(seed, paths)
	if err != nil {
		return err
	}
	folder := filepath.Join(out, p.class)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, p.name), data, 0o644)
}
