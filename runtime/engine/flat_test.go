package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
)

// usage is what a process takes from the system.
type usage struct{ rss, descriptors, goroutines int }

func (u usage) String() string {
	return fmt.Sprintf("%.1f MiB resident, %d descriptors, %d goroutines", float64(u.rss)/(1<<20), u.descriptors, u.goroutines)
}

func readUsage(t *testing.T) usage {
	t.Helper()
	debug.FreeOSMemory() // so that what the collector keeps does not count
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm here: ", err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(data))[1])
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return usage{pages * os.Getpagesize(), len(files), goruntime.NumGoroutine()}
}

// swaps returns how many swaps a test makes: few in an ordinary run, and what the
// variable says in a long one (make flat).
func swaps(t *testing.T, variable string, usual int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// swapped is a runtime on real interpreters, of which generations can be swapped
// while callers ask.
type swapped struct {
	*runtime.Runtime
	task  *runtime.Task
	store *teststore.Store
}

func newSwapped(t *testing.T) *swapped {
	t.Helper()
	s := &swapped{store: teststore.New(t)}
	e := newEngine(t, engine.Options{Tried: t.TempDir()})
	rt, err := runtime.New(runtime.Options{Store: s.store.Store, Engine: e, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Runtime = rt
	return s
}

// generations stores two generations on each base and serves the first.
func (s *swapped) generations(t *testing.T, bases ...teststore.Base) (numbers []int) {
	t.Helper()
	for i, b := range bases {
		for j := range 2 {
			h := head.New(b.Features, 32, 5, uint64(10*i+j))
			numbers = append(numbers, s.store.Commit("shelf", b, h, []string{"a", "b", "c", "d", "e"}, nil))
		}
	}
	s.store.Active("shelf", numbers[0], "test")
	if err := s.SetTasks(t.Context(), []runtime.TaskConfig{{Name: "shelf"}}); err != nil {
		t.Fatal(err)
	}
	task, err := s.Task("shelf")
	if err != nil {
		t.Fatal(err)
	}
	s.task = task
	return numbers
}

// swap activates the generations in turn while a caller asks, and compares what
// the process takes before and after; it may be bound bytes more.
func (s *swapped) swap(t *testing.T, numbers []int, n, bound int) {
	t.Helper()
	img := pixel.NewRGB(160, 120)
	for i := range img.Pix {
		img.Pix[i] = byte(i * 7)
	}
	var done atomic.Bool
	var caller sync.WaitGroup
	caller.Go(func() {
		for !done.Load() {
			if _, err := s.task.Classify(t.Context(), img); err != nil {
				t.Error(err)
				return
			}
		}
	})
	stop := sync.OnceFunc(func() {
		done.Store(true)
		caller.Wait()
	})
	defer stop()
	round := func(n int) {
		for i := range n {
			if err := s.task.Activate(t.Context(), numbers[(i+1)%len(numbers)], "swap"); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle := func() usage { // nothing is being opened or closed
		for open := -1.0; open != 2; time.Sleep(time.Millisecond) {
			open = testutil.ToFloat64(s.Metrics().Interpreters)
		}
		return readUsage(t)
	}
	round(max(n/10, len(numbers))) // what is allocated once
	before := settle()
	round(n)
	after := settle()
	stop()
	t.Logf("%d swaps: before %v; after %v; %d images meanwhile", n, before, after, s.task.Status().Counts.Images)
	// An interpreter of the embedded base takes 6 MiB, a head 0.2: if one in ten
	// swaps lost either, or every swap its file, a long run would show it.
	if grown := after.rss - before.rss; grown > bound {
		t.Errorf("%.1f MiB more", float64(grown)/(1<<20))
	}
	if after.descriptors > before.descriptors || after.goroutines > before.goroutines+1 { // one may be about to end
		t.Errorf("before %v, after %v", before, after)
	}
	if s := s.task.Status().Counts; s.ImagesFailed != 0 {
		t.Errorf("%d images failed", s.ImagesFailed)
	}
}

func TestHeadSwapsAreFlat(t *testing.T) {
	s := newSwapped(t)
	numbers := s.generations(t, s.store.Embedded())
	s.swap(t, numbers, swaps(t, "EDGE_HEAD_SWAPS", 40), 6<<20)
}

func TestBaseSwapsAreFlat(t *testing.T) {
	s := newSwapped(t)
	b := s.store.Embedded()
	// The same model under another digest: bytes behind a flatbuffer do not count.
	data, err := os.ReadFile(s.store.Dir() + "/blobs/sha256/" + b.Digest.Hex())
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.tflite")
	if err := os.WriteFile(other, append(data, make([]byte, 16)...), 0o600); err != nil {
		t.Fatal(err)
	}
	numbers := s.generations(t, b, s.store.File(other, b.Features, b.Preprocessing))
	s.swap(t, []int{numbers[0], numbers[2]}, swaps(t, "EDGE_BASE_SWAPS", 20), 16<<20)
}
