package dir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/dir"
)

// BenchmarkOpen measures reading a folder of 10,000 pictures through, which is
// what happens at every interval too.
func BenchmarkOpen(b *testing.B) {
	path := b.TempDir()
	for i := range 10_000 {
		write(b, filepath.Join(path, fmt.Sprintf("%05d.jpg", i)), nil)
	}
	for b.Loop() {
		source, err := dir.Open(b.Context(), dir.Options{Path: path, New: true})
		if err != nil {
			b.Fatal(err)
		}
		_ = source.Close()
	}
}

// BenchmarkRead measures a picture of 160x120 from its file to a frame.
func BenchmarkRead(b *testing.B) {
	path, data := b.TempDir(), photo(b, 1)
	const n = 500
	for i := range n {
		write(b, filepath.Join(path, fmt.Sprintf("%05d.jpg", i)), data)
	}
	var source camera.Source
	var f camera.Frame
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var err error
		if i%n == 0 {
			if source != nil {
				_ = source.Close()
			}
			if source, err = dir.Open(b.Context(), dir.Options{Path: path}); err != nil {
				b.Fatal(err)
			}
		}
		if err := source.Read(b.Context(), &f); err != nil {
			b.Fatal(err)
		}
	}
	_ = source.Close()
	_ = os.RemoveAll(path)
}

// BenchmarkArrival measures how long it takes from the moment at which a picture is
// whole, renamed into place or closed by its writer, to its frame.
func BenchmarkArrival(b *testing.B) {
	data := photo(b, 1)
	for name, put := range map[string]func(testing.TB, string, []byte){"renamed": bring, "written": write} {
		b.Run(name, func(b *testing.B) {
			path := b.TempDir()
			source, err := dir.Open(b.Context(), dir.Options{Path: path, After: "delete"})
			if err != nil {
				b.Fatal(err)
			}
			defer source.Close()
			var f camera.Frame
			whole := make(chan time.Time, 1)
			var waited time.Duration
			for i := 0; b.Loop(); i++ {
				go func() {
					time.Sleep(5 * time.Millisecond) // somebody waits for it
					put(b, filepath.Join(path, fmt.Sprintf("%d.jpg", i)), data)
					whole <- time.Now()
				}()
				if err := source.Read(b.Context(), &f); err != nil {
					b.Fatal(err)
				}
				waited += time.Since(<-whole)
			}
			b.ReportMetric(float64(waited.Microseconds())/float64(b.N)/1000, "ms/arrival")
		})
	}
}
