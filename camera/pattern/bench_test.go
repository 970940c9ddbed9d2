package pattern_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pattern"
)

// BenchmarkRead measures what a made-up frame costs.
func BenchmarkRead(b *testing.B) {
	for _, name := range []string{pattern.Bars, pattern.Noise, pattern.Colours, pattern.Still} {
		for _, size := range [][2]int{{320, 240}, {1280, 720}} {
			b.Run(fmt.Sprintf("%s/%dx%d", name, size[0], size[1]), func(b *testing.B) {
				source := open(b, pattern.Options{Pattern: name, Width: size[0], Height: size[1]})
				var f camera.Frame
				read(b, source, &f)
				b.SetBytes(int64(len(f.Image.Pix)))
				b.ReportAllocs()
				for b.Loop() {
					read(b, source, &f)
				}
			})
		}
	}
}

// BenchmarkFeed measures a pattern's frames through a Feed in step with its
// consumer: the most that a pipeline can get.
func BenchmarkFeed(b *testing.B) {
	for _, size := range [][2]int{{320, 240}, {640, 480}, {1280, 720}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			o := pattern.Options{Width: size[0], Height: size[1]}
			feed := camera.NewFeed(camera.FeedOptions{Open: func(ctx context.Context) (camera.Source, error) { return pattern.Open(ctx, o) }})
			ctx, cancel := context.WithCancel(b.Context())
			var running sync.WaitGroup
			running.Go(func() {
				if err := feed.Run(ctx); err != nil {
					b.Error(err)
				}
			})
			held, err := feed.Next(ctx, nil)
			b.ReportAllocs()
			for b.Loop() && err == nil {
				held, err = feed.Next(ctx, held)
			}
			if err != nil {
				b.Error(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
			cancel()
			running.Wait()
		})
	}
}
