package rows

import (
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// open returns rows that are closed when the test ends.
func open[T Value](t testing.TB, length int) *Rows[T] {
	t.Helper()
	r, err := New[T](t.TempDir(), length)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// TestBits writes floats longer than a chunk, with all that a float can be.
func TestBits(t *testing.T) {
	special := []uint32{0, 1 << 31, 1, 0x7f800000, 0xff800000, 0x7fc00001, 0xffabcdef, 0x3f800000, 0x7f7fffff, 0x01020304}
	for _, length := range []int{1, 7, chunk/4 - 1, chunk / 4, chunk/4 + 1, chunk + 3} {
		r := open[float32](t, length)
		want := make([][]float32, 3)
		for i := range want {
			want[i] = make([]float32, length)
			for k := range want[i] {
				want[i][k] = math.Float32frombits(special[(k+i)%len(special)] ^ uint32(k/len(special)))
			}
			if n, err := r.Append(want[i]); err != nil || n != i {
				t.Fatalf("Append: %d, %v", n, err)
			}
		}
		got := make([]float32, length)
		for _, i := range []int{2, 0, 1} {
			if err := r.Read(i, got); err != nil {
				t.Fatal(err)
			}
			if k := differ(got, want[i]); k >= 0 {
				t.Fatalf("length %d, row %d, value %d: %x became %x", length, i, k, want[i][k], got[k])
			}
		}
		if want := int64(3 * length * 4); r.Bytes() != want || r.Len() != 3 || r.Length() != length {
			t.Errorf("%d rows of %d values in %d bytes, want %d bytes", r.Len(), r.Length(), r.Bytes(), want)
		}
	}
}

// differ returns the first value of which the bits differ, or -1.
func differ(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}

func TestBytes(t *testing.T) {
	r := open[uint8](t, 300)
	rows := [2][]uint8{make([]uint8, 300), make([]uint8, 300)}
	for i := range 300 {
		rows[0][i], rows[1][i] = uint8(i), uint8(255-i)
	}
	for i, row := range rows {
		if err := r.Set(i, row); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]uint8, 900)
	if err := r.Gather([]int{1, 0, 1}, got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, slices.Concat(rows[1], rows[0], rows[1])) {
		t.Error("Gather does not give the rows in the order asked for")
	}
	if r.Bytes() != 600 {
		t.Errorf("%d bytes, want 600", r.Bytes())
	}
}

// TestAnyOrder writes rows out of order and reads around those left out.
func TestAnyOrder(t *testing.T) {
	r := open[float32](t, 2)
	for _, i := range []int{5, 1, 5} {
		if err := r.Set(i, []float32{float32(i), 1}); err != nil {
			t.Fatal(err)
		}
	}
	if r.Len() != 6 {
		t.Errorf("%d rows, want 6", r.Len())
	}
	if i, err := r.Append([]float32{6, 1}); err != nil || i != 6 {
		t.Errorf("Append after row 5 gave row %d, %v", i, err)
	}
	got := make([]float32, 2)
	for _, i := range []int{1, 5, 6} {
		if err := r.Read(i, got); err != nil || got[0] != float32(i) {
			t.Errorf("row %d: %v, %v", i, got, err)
		}
	}
	for _, i := range []int{-1, 0, 2, 4, 7, 1 << 40} {
		if err := r.Read(i, got); err == nil || !strings.Contains(err.Error(), "never written") {
			t.Errorf("row %d, which nobody wrote: %v", i, err)
		}
	}
}

func TestWrongLengths(t *testing.T) {
	for _, length := range []int{0, -1, math.MaxInt32 + 1} {
		if _, err := New[uint8](t.TempDir(), length); err == nil {
			t.Errorf("rows of %d values were made", length)
		}
	}
	r := open[float32](t, 3)
	if err := r.Set(0, make([]float32, 3)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 2, 4} {
		if _, err := r.Append(make([]float32, n)); err == nil {
			t.Errorf("Append took %d values for 3", n)
		}
		if r.Read(0, make([]float32, n)) == nil {
			t.Errorf("Read filled %d values with 3", n)
		}
		if r.Gather([]int{0}, make([]float32, n)) == nil {
			t.Errorf("Gather filled %d values with 3", n)
		}
	}
	if r.Set(-1, make([]float32, 3)) == nil {
		t.Error("row -1 was written")
	}
}

// TestConcurrent appends, sets and reads from many goroutines at once.
func TestConcurrent(t *testing.T) {
	const workers, each, length = 8, 50, 1000
	r := open[float32](t, length)
	var pool sync.WaitGroup
	for w := range workers {
		pool.Go(func() {
			row, got := make([]float32, length), make([]float32, length)
			for i := range each {
				fill(row, w*each+i)
				n, err := r.Append(row)
				if err == nil {
					err = r.Read(n, got)
				}
				if err != nil || !slices.Equal(row, got) {
					t.Errorf("row %d: %v", n, err)
					return
				}
			}
		})
	}
	pool.Wait()
	if r.Len() != workers*each {
		t.Fatalf("%d rows, want %d", r.Len(), workers*each)
	}
	seen := map[float32]bool{}
	all := make([]float32, workers*each*length)
	indices := make([]int, workers*each)
	for i := range indices {
		indices[i] = i
	}
	if err := r.Gather(indices, all); err != nil {
		t.Fatal(err)
	}
	want := make([]float32, length)
	for i := range indices {
		row := all[i*length:][:length]
		seen[row[0]] = true
		if fill(want, int(row[0])); !slices.Equal(row, want) {
			t.Fatalf("row %d is a mixture", i)
		}
	}
	if len(seen) != workers*each {
		t.Errorf("%d different rows, want %d", len(seen), workers*each)
	}
}

// fill makes a row that says which one it is, by its first and every value.
func fill(row []float32, i int) {
	for k := range row {
		row[k] = float32(i + k)
	}
}

// TestLeavesNothing looks for the file in the folder, while it is open.
func TestLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	r, err := New[float32](dir, 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Append(make([]float32, 4)); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r.Read(0, make([]float32, 4)) == nil {
		t.Error("a row was read after Close")
	}
}

func TestNoFolder(t *testing.T) {
	dir := t.TempDir() + "/missing"
	_, err := New[uint8](dir, 4)
	if err == nil || !strings.Contains(hint.Of(err), dir) {
		t.Errorf("%v (hint: %s), want a hint that names the folder", err, hint.Of(err))
	}
}

func BenchmarkRows(b *testing.B) {
	// 4x4x576 floats: the frontier of MobileNetV2 1.0 at 128 px, top 20 %.
	b.Run("Read/float32", func(b *testing.B) { benchmarkRead[float32](b, 4*4*576) })
	// A picture's canvas.
	b.Run("Read/uint8", func(b *testing.B) { benchmarkRead[uint8](b, 160*160*3) })
	b.Run("Append/float32", func(b *testing.B) { benchmarkAppend[float32](b, 4*4*576) })
	b.Run("Append/uint8", func(b *testing.B) { benchmarkAppend[uint8](b, 160*160*3) })
}

func benchmarkRead[T Value](b *testing.B, length int) {
	const n = 1000
	r, row := open[T](b, length), make([]T, length)
	for range n {
		if _, err := r.Append(row); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(r.size)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := r.Read(i*617%n, row); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkAppend[T Value](b *testing.B, length int) {
	const n = 1000
	r, row := open[T](b, length), make([]T, length)
	b.SetBytes(r.size)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ { // over and over the same rows, to spare the disk
		if err := r.Set(i%n, row); err != nil {
			b.Fatal(err)
		}
	}
}
