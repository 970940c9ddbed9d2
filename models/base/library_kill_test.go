package base

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
)

// TestMain lets this program be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("EDGE_TEST_LIBRARY"); dir != "" {
		if err := replaceForEver(dir, os.Getenv("EDGE_TEST_NO_EXCHANGE") != ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// killModels take turns under one name.
var killModels = []string{"pooled", "map", "vector", "pooled_int8"}

// replaceForEver puts one base after another under the same name, and takes one
// of another name away in between. It says a line when it has begun.
func replaceForEver(dir string, noExchange bool) error {
	l, err := OpenLibrary(dir, nil)
	if err != nil {
		return err
	}
	if noExchange {
		l.swap = func(string, string) error { return unix.EINVAL }
	}
	for i := 0; ; i++ {
		model := killModels[i%len(killModels)]
		data, err := os.ReadFile(tinyModel(model))
		if err != nil {
			return err
		}
		for _, name := range []string{"x", "y"} {
			d, err := NewDraft(data, ImportOptions{File: model, Name: name})
			if err != nil {
				return err
			}
			d.Replace = true
			if _, err := l.Add(context.Background(), d); err != nil {
				return err
			}
		}
		if i == 0 {
			fmt.Println("begun")
		}
		if err := l.Remove(context.Background(), "y"); err != nil {
			return err
		}
	}
}

// A process that is killed at a random instant leaves under the name that it was
// replacing the old base or the new, whole; and the next one sweeps.
func TestLibraryKilledAtRandomInstants(t *testing.T) {
	for _, noExchange := range []string{"", "1"} {
		l := library(t)
		l.prove = nil
		digests := map[digest.Digest]bool{}
		for _, model := range killModels {
			digests[digest.Of(draftOf(t, model, "x").Model)] = true
		}
		for range 10 {
			killOnce(t, l.Dir(), noExchange)
			// Where folders cannot be exchanged, the next one to change anything
			// completes what was begun.
			release, err := l.lock(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			release()
			tidy(t, l)
			e, err := l.Get("x")
			if err != nil || !digests[e.Digest] {
				t.Fatalf("after a kill: %+v, %v", e, err)
			}
			for _, name := range []string{"x", "y"} {
				if _, err := l.Verify(t.Context(), name); err != nil && (name != "y" || !errors.Is(err, ErrNotFound)) {
					t.Fatal(err)
				}
			}
		}
	}
}

func killOnce(t *testing.T, dir, noExchange string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "EDGE_TEST_LIBRARY="+dir, "EDGE_TEST_NO_EXCHANGE="+noExchange)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "begun\n" {
		t.Errorf("%q, %v", line, err)
	}
	time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
