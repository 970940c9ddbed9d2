package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models"
)

// kills is how often TestKill ends `edge adapt` without warning.
const kills = 50

// TestKill kills `edge adapt` at random instants and asks each time that the
// store opens and holds, whole, the generation from before or the new one.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	photos := filepath.Join(dir, "photos")
	samplelinks.Make(t, photos, 8, "lamp_green", "lamp_red", "valve_open")
	env := append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
	adapt := func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "edge", append([]string{"adapt", "--quiet", "--recipe", "seed", "--dir", photos}, args...)...)
		cmd.Env = env
		return cmd
	}
	whole := time.Hour
	for range 2 { // the first one computes features, the others find them
		start := time.Now()
		if out, err := adapt(t.Context()).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		whole = min(whole, time.Since(start))
	}

	store, err := models.Open(filepath.Join(dir, "edge", "store"))
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a whole run takes %v", seed, whole)
	rng := rand.New(rand.NewPCG(seed, 0))
	current, killed := 1, 0
	// A machine that is busy at first and idle later lets too many runs end.
	for runs := 0; runs < kills || killed < kills/3 && runs < 4*kills; runs++ {
		var args []string
		if rng.IntN(4) == 0 {
			args = append(args, "--no-cache") // slower: other instants
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.Int64N(int64(whole))))
		err := adapt(ctx, args...).Run()
		cancel()
		var exit *exec.ExitError
		switch {
		case err == nil:
		case errors.As(err, &exit) && !exit.Exited(), errors.Is(err, context.DeadlineExceeded):
			killed++
		default:
			t.Fatalf("a run failed by itself: %v", err)
		}
		g, err := store.Current("default")
		if err != nil {
			t.Fatalf("after a kill: %v", err)
		}
		if err := g.Verify(t.Context()); err != nil {
			t.Fatalf("after a kill: generation %d: %v", g.Generation, err)
		}
		if g.Generation < current {
			t.Fatalf("generation %d is in use after %d was", g.Generation, current)
		}
		current = g.Generation
	}
	if killed < kills/3 {
		t.Errorf("only %d runs were killed: the test proves little", killed)
	}

	// All generations ever seen are whole, and the next run just works.
	generations, err := store.Generations("default")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range generations {
		if err := g.Verify(t.Context()); err != nil {
			t.Errorf("generation %d: %v", g.Generation, err)
		}
	}
	cmd := adapt(t.Context(), "--json")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	var result struct{ Generation int }
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil || result.Generation <= current {
		t.Errorf("the next run made generation %d after %d (%v)", result.Generation, current, err)
	}
	if left, _ := os.ReadDir(filepath.Join(store.Dir(), "tmp")); len(left) > 0 {
		t.Errorf("%d half-made things are left after a whole run", len(left))
	}
}
