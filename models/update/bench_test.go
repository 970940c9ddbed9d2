package update

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// A file is never in memory, however large.
func TestFetchTakesLittleMemory(t *testing.T) {
	_, _, d, f := offered(t, noise(48<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := d.Fetch(t.Context(), f, nil)
	must(t, err)
	runtime.ReadMemStats(&after)
	// The server's share is in it.
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d bytes were allocated for a file of %d", got, f.Bytes)
	}
}

// BenchmarkCheck is a check that finds nothing new: what a device does all day.
func BenchmarkCheck(b *testing.B) {
	_, s, d := fleet(b)
	s.requests()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		d.finds(1)
		n++
	}
	asked, sent := s.requests()
	b.ReportMetric(float64(sent)/float64(n), "body-bytes/op")
	b.ReportMetric(float64(len(asked))/float64(n), "requests/op")
}

// BenchmarkFetch takes a file over loopback, onto a disk in memory.
func BenchmarkFetch(b *testing.B) {
	_, _, d, f := offered(b, noise(16<<20))
	b.SetBytes(f.Bytes)
	b.ReportAllocs()
	for b.Loop() {
		path, err := d.Fetch(b.Context(), f, nil)
		must(b, err)
		must(b, os.Remove(path))
	}
}

// BenchmarkBaseByDelta rebuilds the embedded base from a delta, and stores it.
func BenchmarkBaseByDelta(b *testing.B) {
	l := newLifetime(b)
	d, s := l.begin(b)
	l.keepParent(b, s)
	d.finds(2)
	b.ReportAllocs()
	for b.Loop() {
		must(b, d.Base(b.Context(), s, l.two, nil))
		must(b, os.RemoveAll(filepath.Join(s.Dir(), "blobs", "sha256", l.two.Digest.Hex())))
	}
}
