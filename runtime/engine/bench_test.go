package engine_test

import (
	"context"
	"fmt"
	goruntime "runtime"
	"sync/atomic"
	"testing"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pattern"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

// served returns a runtime that serves tasks with the embedded base, and the
// path of that base.
func served(b *testing.B, workers, threads int, source func(context.Context, string) (camera.Source, error), tasks ...runtime.TaskConfig) (*runtime.Runtime, string) {
	b.Helper()
	store := teststore.New(b)
	base := store.Embedded()
	labels := make([]string, 10)
	for i := range labels {
		labels[i] = fmt.Sprint("class", i)
	}
	for i, t := range tasks {
		store.Active(t.Name, store.Commit(t.Name, base, head.New(base.Features, 128, len(labels), uint64(i)), labels, nil), "bench")
	}
	e, err := engine.New(engine.Options{Threads: threads})
	if err != nil {
		b.Fatal(err)
	}
	rt, err := runtime.New(runtime.Options{Store: store.Store, Engine: e, Workers: workers, OpenSource: source})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { rt.Close() })
	if err := rt.SetTasks(b.Context(), tasks); err != nil {
		b.Fatal(err)
	}
	return rt, store.Dir() + "/blobs/sha256/" + base.Digest.Hex()
}

// BenchmarkClassify compares interpreters and threads: as many callers as there
// are processors ask for 224x224 pictures.
func BenchmarkClassify(b *testing.B) {
	n := goruntime.GOMAXPROCS(0)
	for _, c := range []struct{ workers, threads int }{{n, 1}, {1, n}, {1, 1}} {
		b.Run(fmt.Sprintf("workers=%d/threads=%d", c.workers, c.threads), func(b *testing.B) {
			rt, _ := served(b, c.workers, c.threads, nil, runtime.TaskConfig{Name: "shelf"})
			task, err := rt.Task("shelf")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				img := pixel.NewRGB(224, 224)
				for pb.Next() {
					if _, err := task.Classify(context.Background(), img); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// BenchmarkPixels is ClassifyPixels beside a bare interpreter and head a
// goroutine: the price of the pool and the counting.
func BenchmarkPixels(b *testing.B) {
	n := goruntime.GOMAXPROCS(0)
	b.Run("runtime", func(b *testing.B) {
		rt, _ := served(b, n, 1, nil, runtime.TaskConfig{Name: "shelf"})
		task, err := rt.Task("shelf")
		if err != nil {
			b.Fatal(err)
		}
		m, err := task.Model()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			pixels, scores := make([]float32, m.Preprocessing.Len()), make([]float32, len(m.Labels))
			for pb.Next() {
				if _, err := task.ClassifyPixels(context.Background(), scores, pixels, 1); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
	})
	b.Run("interpreter", func(b *testing.B) {
		_, path := served(b, 1, 1, nil, runtime.TaskConfig{Name: "shelf"})
		bases := make(chan *tflite.Base, n)
		for range n {
			base, err := tflite.OpenBase(path, tflite.Options{Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer base.Close()
			bases <- base
		}
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			base := <-bases
			pixels, features := make([]float32, base.InputHeight()*base.InputWidth()*3), make([]float32, base.Features())
			scores := head.New(len(features), 128, 10, 1).Scorer()
			for pb.Next() {
				if err := base.Embed(features, pixels); err != nil {
					b.Error(err)
					return
				}
				scores(features)
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
	})
}

// metered passes a source's frames on, b.N of them, and says when that is done.
type metered struct {
	camera.Source
	left atomic.Int64
	done chan struct{}
}

func (m *metered) Read(ctx context.Context, f *camera.Frame) error {
	if m.left.Add(-1) < 0 {
		select {
		case <-m.done:
		default:
			close(m.done)
		}
		<-ctx.Done()
		return ctx.Err()
	}
	return m.Source.Read(ctx, f)
}

// BenchmarkFrames is the whole way from a test pattern of 640x480 to decisions,
// through camera.Feed, for one task and for four that share the base.
func BenchmarkFrames(b *testing.B) {
	for _, tasks := range []int{1, 4} {
		b.Run(fmt.Sprintf("tasks=%d", tasks), func(b *testing.B) {
			m := &metered{done: make(chan struct{})}
			m.left.Store(int64(b.N))
			open := func(ctx context.Context, _ string) (camera.Source, error) {
				s, err := pattern.Open(ctx, pattern.Options{Width: 640, Height: 480})
				m.Source = s
				return m, err
			}
			var configs []runtime.TaskConfig
			for i := range tasks {
				configs = append(configs, runtime.TaskConfig{Name: fmt.Sprint("task", i), Source: "test://"})
			}
			rt, _ := served(b, 1, 1, open, configs...)
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error, 1)
			b.ReportAllocs()
			b.ResetTimer()
			go func() { ended <- rt.Run(ctx) }()
			<-m.done
			b.StopTimer()
			cancel()
			if err := <-ended; err != nil {
				b.Error(err)
			}
		})
	}
}
