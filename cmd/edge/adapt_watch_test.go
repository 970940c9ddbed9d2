package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/adrg/xdg"

	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models"
)

// spoken is a writer whose lines come through a channel.
func spoken(t *testing.T) (io.WriteCloser, <-chan string) {
	t.Helper()
	r, w := io.Pipe()
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return w, lines
}

func wantLine(t *testing.T, lines <-chan string, pattern string) {
	t.Helper()
	select {
	case line := <-lines:
		if !regexp.MustCompile(pattern).MatchString(line) {
			t.Fatalf("it says %q, want %s", line, pattern)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("it does not say %s", pattern)
	}
}

// TestAdaptWatch adds images while `edge adapt --watch` runs, breaks the folder,
// mends it, and interrupts.
func TestAdaptWatch(t *testing.T) {
	dir := t.TempDir()
	photos := filepath.Join(dir, "photos")
	samplelinks.Make(t, photos, 10, "lamp_green", "lamp_red")
	t.Cleanup(xdg.Reload) // after the variable is as it was
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	xdg.Reload()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	stdout, lines := spoken(t)
	stderr, errors := spoken(t)
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{
			"adapt", "--watch", "--settle", "100ms", "--recipe", "seed", "--dir", photos, "--store", filepath.Join(dir, "store"), "--no-activate",
		}, nil, stdout, stderr)
		stdout.Close()
		stderr.Close()
	}()
	wantLine(t, lines, `^\d\d:\d\d:\d\d  generation 1, not in use: validation .* of 4, 20 images \(20 new\)`)

	more := t.TempDir()
	samplelinks.Make(t, more, 13, "lamp_green")
	all, err := filepath.Glob(filepath.Join(more, "lamp_green", "*"))
	if err != nil || len(all) != 13 {
		t.Fatalf("%d samples, %v", len(all), err)
	}
	for _, path := range all[10:] {
		if err := os.Rename(path, filepath.Join(photos, "lamp_green", filepath.Base(path))); err != nil {
			t.Fatal(err)
		}
	}
	// Should a look fall between two of the three, there is a line more.
	for line := range lines {
		if strings.Contains(line, "23 images") {
			if !regexp.MustCompile(`generation [2-4], .* 23 images \([1-3] new\)`).MatchString(line) {
				t.Errorf("it says %q", line)
			}
			break
		}
	}

	// One class alone cannot be learnt; the next change tries again.
	away := filepath.Join(dir, "away")
	if err := os.Rename(filepath.Join(photos, "lamp_red"), away); err != nil {
		t.Fatal(err)
	}
	wantLine(t, errors, "^edge: .*class")
	wantLine(t, errors, "^hint: ")
	if err := os.Rename(away, filepath.Join(photos, "lamp_red")); err != nil {
		t.Fatal(err)
	}
	wantLine(t, lines, `generation \d, .* 23 images \(0 new\)`)

	interrupt()
	select {
	case code := <-ended:
		if code != exitDone {
			t.Errorf("interrupted, it ended with %d", code)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
	s, err := models.Open(filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	if all, err := s.Generations("default"); err != nil || len(all) < 3 {
		t.Errorf("%d generations, %v", len(all), err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "store", "tmp")); len(left) > 0 {
		t.Errorf("%d half-made things are left", len(left))
	}
}

func TestAdaptWatchRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"--watch", "--dir", filepath.Join(t.TempDir(), "nowhere")},
		{"--watch", "--dir", t.TempDir(), "--settle", "0s"},
	} {
		if code := run(t.Context(), append([]string{"adapt", "--store", t.TempDir()}, args...), nil, io.Discard, io.Discard); code != exitInput && code != exitUsage {
			t.Errorf("%v ended with %d", args, code)
		}
	}
}
