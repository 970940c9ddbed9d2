package speed

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/camera/pixel"
)

var small = pixel.Preprocessing{Width: 8, Height: 8, Colour: "rgb", Scale: 1, Resize: pixel.Bilinear}

// counting is a base that knows what went through it.
type counting struct {
	threads int
	batches *[]int
	closed  *int
	fault   error
}

func (c counting) Embed(dst, pixels []float32) error {
	if c.batches != nil {
		*c.batches = append(*c.batches, len(pixels)/small.Len())
	}
	for i := range dst {
		dst[i] = float32(i)
	}
	return c.fault
}

func (c counting) Close() error { *c.closed++; return nil }

func TestFigure(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	if got, want := NewFigure(values), (Figure{3, 2, 4, 5}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if values[0] != 5 {
		t.Error("the values were put in order")
	}
	if got, want := NewFigure([]float64{1, 2}), (Figure{1.5, 1.25, 1.75, 2}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := (Figure{4, 2, 5, 3}).Rate(), (Figure{250, 200, 500, 3}); got != want {
		t.Errorf("rate: got %v, want %v", got, want)
	}
}

// Each round gives every turn its own, and Ready is not counted as work.
func TestAlternate(t *testing.T) {
	var order []string
	note := func(s string) func(context.Context) error {
		return func(context.Context) error { order = append(order, s); return nil }
	}
	timed, err := Alternate(t.Context(), Effort{Rounds: 2}, []Turn{
		{Ready: note("ready"), Once: note("a"), Units: 1}, {Once: note("b"), Units: 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"ready", "a", "b", "ready", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("turns came as %v, want %v", order, want)
	}
	for _, x := range timed {
		if x.MS.Runs != 2 || x.MS.Low > x.MS.Median || x.MS.Median > x.MS.High {
			t.Errorf("%+v", x)
		}
	}
}

// A turn that takes no time goes on until it has taken enough, and what it takes
// is told a unit.
func TestAlternateRepeats(t *testing.T) {
	calls := 0
	timed, err := Alternate(t.Context(), Effort{Rounds: 1, Least: 20 * time.Millisecond}, []Turn{{
		Once:  func(context.Context) error { calls++; time.Sleep(time.Millisecond); return nil },
		Units: 10,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 2 {
		t.Fatalf("%d calls", calls)
	}
	if total := timed[0].MS.Median * 10 * float64(calls); total < 20 {
		t.Errorf("%d calls come to %v ms, want 20 at least", calls, total)
	}
}

func TestAlternateEnds(t *testing.T) {
	fault := errors.New("fault")
	fails := Turn{Once: func(context.Context) error { return fault }, Units: 1}
	if _, err := Alternate(t.Context(), Effort{Rounds: 1}, []Turn{fails}); !errors.Is(err, fault) {
		t.Errorf("Once: %v", err)
	}
	if _, err := Alternate(t.Context(), Effort{Rounds: 1}, []Turn{{Ready: fails.Once, Once: fails.Once, Units: 1}}); !errors.Is(err, fault) {
		t.Errorf("Ready: %v", err)
	}
	if _, err := Alternate(t.Context(), Effort{}, nil); err == nil {
		t.Error("no round is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Alternate(ctx, Effort{Rounds: 1}, []Turn{fails}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Every number of threads meets every batch, in order, and every base is closed.
func TestForwards(t *testing.T) {
	var batches []int
	var opened, closed int
	b := Bases{
		Open: func(_ context.Context, threads int) (Base, error) {
			opened++
			return counting{threads: threads, batches: &batches, closed: &closed}, nil
		},
		Preprocessing: small, Features: 3, Threads: []int{1, 2}, Batches: []int{1, 8},
	}
	got, err := b.Forwards(t.Context(), Effort{Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	var order [][2]int
	for _, f := range got {
		order = append(order, [2]int{f.Threads, f.Batch})
	}
	if want := [][2]int{{1, 1}, {1, 8}, {2, 1}, {2, 8}}; !slices.Equal(order, want) {
		t.Errorf("measured %v, want %v", order, want)
	}
	if want := []int{1, 1, 8, 8, 1, 1, 8, 8}; !slices.Equal(batches, want) { // ready, once
		t.Errorf("batches %v, want %v", batches, want)
	}
	if opened != 4 || closed != 4 {
		t.Errorf("%d opened, %d closed", opened, closed)
	}
}

func TestForwardsFails(t *testing.T) {
	fault := errors.New("fault")
	closed := 0
	b := Bases{
		Open: func(_ context.Context, threads int) (Base, error) {
			if threads == 2 {
				return nil, fault
			}
			return counting{closed: &closed}, nil
		},
		Preprocessing: small, Features: 3, Threads: []int{1, 2}, Batches: []int{1},
	}
	if _, err := b.Forwards(t.Context(), Effort{Rounds: 1}); !errors.Is(err, fault) || closed != 1 {
		t.Errorf("error %v, %d closed", err, closed)
	}
	b.Open = func(context.Context, int) (Base, error) { return counting{closed: &closed, fault: fault}, nil }
	if _, err := b.Forwards(t.Context(), Effort{Rounds: 1}); !errors.Is(err, fault) || closed != 3 {
		t.Errorf("error %v, %d closed", err, closed)
	}
	b.Batches = []int{0}
	if _, err := b.Forwards(t.Context(), Effort{Rounds: 1}); err == nil {
		t.Error("a batch of nothing is no error")
	}
}

// All pictures go through the base every time, though copies of few.
func TestExtracts(t *testing.T) {
	dir := t.TempDir()
	if err := WritePictures(t.Context(), dir, 33, 17, 10); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "odd", "z.jpg"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	var batches []int
	x := adapt.Extractor{Base: counting{batches: &batches}, Features: 2, Preprocessing: small, Workers: 2}
	got, err := Extracts(t.Context(), x, []string{dir}, 100, Effort{Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Pictures != 10 || got[0].Skipped != 1 || got[0].MS.Runs != 3 || got[0].Bytes == 0 {
		t.Errorf("got %+v", got)
	}
	if want := 10 * (1 + 3); len(batches) != want {
		t.Errorf("%d pictures went through the base, want %d", len(batches), want)
	}
	got, err = Extracts(t.Context(), Decoding(small, pixel.Limits{}), []string{dir}, 4, Effort{Rounds: 1})
	if err != nil || got[0].Pictures != 4 {
		t.Errorf("at most 4: %+v, %v", got, err)
	}
}

func TestExtractsNothing(t *testing.T) {
	dir := t.TempDir()
	for _, class := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, class, "x.jpg"), []byte("no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Extracts(t.Context(), Decoding(small, pixel.Limits{}), []string{dir}, 9, Effort{Rounds: 1}); err == nil {
		t.Error("a folder without a picture is no error")
	}
}

func TestTrains(t *testing.T) {
	recipe := adapt.SeedRecipe()
	recipe.Hidden, recipe.Epochs = 4, 2
	got, err := Trains(t.Context(), recipe, 20, 3, 6, Effort{Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got.Images != 20 || got.Epochs != 2 || got.MS.Runs != 2 || got.MS.Median <= 0 {
		t.Errorf("got %+v", got)
	}
	for _, bad := range [][3]int{{4, 3, 6}, {20, 1, 6}, {20, 3, 0}} {
		if _, err := Trains(t.Context(), recipe, bad[0], bad[1], bad[2], Effort{Rounds: 1}); err == nil {
			t.Errorf("%v is no error", bad)
		}
	}
	if _, err := Trains(t.Context(), adapt.DefaultRecipe(), 20, 3, 6, Effort{Rounds: 1}); err == nil {
		t.Error("a recipe that ends when it likes is no error")
	}
}

// The pictures are of the size that was asked for, the same every time, and no
// two files have the same bytes.
func TestWritePictures(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	seen := map[string]bool{}
	for _, dir := range dirs {
		if err := WritePictures(t.Context(), dir, 31, 22, 6); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dirs[0], "*", "*.jpg"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(dirs[0], file)
		again, err := os.ReadFile(filepath.Join(dirs[1], rel))
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("%s is another one the second time: %v", rel, err)
		}
		if seen[string(data)] {
			t.Errorf("%s is a copy", rel)
		}
		seen[string(data)] = true
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width != 31 || c.Height != 22 {
			t.Errorf("%s: %v, %v", rel, c, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := WritePictures(ctx, t.TempDir(), 8, 8, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
