package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/shareddata"
)

// Benchmarks of the whole way over loopback, beside the bare base in the same
// process on as many interpreters. Client and server share the machine; the client
// writes bytes that were made before and looks at the status alone.
//
//	images/s     pictures a second
//	cpu-µs/image processor time of the whole process a picture, client's part
//	             included; what a machine that is busy otherwise can be trusted with

// measure runs do on that many goroutines, until b.N pictures are done, images at
// a time.
func measure(b *testing.B, workers, images int, begin func() (do func() error, end func())) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	start, ready := make(chan struct{}), sync.WaitGroup{}
	for range workers {
		ready.Add(1)
		all.Go(func() {
			do, end := begin()
			defer end()
			if err := do(); err != nil { // warm
				b.Error(err)
			}
			ready.Done()
			<-start
			for left.Add(-int64(images)) > -int64(images) {
				if err := do(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	ready.Wait()
	before := processor(b)
	b.ResetTimer()
	close(start)
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric((processor(b)-before)*1e6/float64(b.N), "cpu-µs/image")
}

// processor returns the seconds of processor time that the process has used.
func processor(b *testing.B) float64 {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// bases runs a benchmark over the embedded base, and over one of full width,
// which takes about three times as long, where ../shared/data has it.
func bases(b *testing.B, run func(*testing.B, *embedded)) {
	b.Run("embedded", func(b *testing.B) { run(b, newEmbedded(b, "")) })
	b.Run("full", func(b *testing.B) {
		run(b, newEmbedded(b, shareddata.Path(b, "weights/mobilenet_v2_1.0_128in_no_top_float32.tflite")))
	})
}

// BenchmarkBare is the base alone: no head, no server.
func BenchmarkBare(b *testing.B) { bases(b, benchmarkBare) }

func benchmarkBare(b *testing.B, r *embedded) {
	measure(b, runtime.NumCPU(), 1, func() (func() error, func()) {
		base := r.open()
		features := make([]float32, r.model.Features)
		return func() error { return base.Embed(features, r.pixels) }, func() { base.Close() }
	})
}

// BenchmarkRuntime is Task.ClassifyPixels, without a server.
func BenchmarkRuntime(b *testing.B) { bases(b, benchmarkRuntime) }

func benchmarkRuntime(b *testing.B, r *embedded) {
	task, err := r.rt.Task("lamps")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	measure(b, runtime.NumCPU(), 1, func() (func() error, func()) {
		scores := make([]float32, 10)
		return func() error {
			_, err := task.ClassifyPixels(b.Context(), scores, r.pixels, 1)
			return err
		}, func() {}
	})
}

func BenchmarkInfer1(b *testing.B) {
	benchmarkHTTP(b, 1, func(r *embedded) ask { return r.inferRequest(1) })
}
func BenchmarkInfer8(b *testing.B) {
	benchmarkHTTP(b, 8, func(r *embedded) ask { return r.inferRequest(8) })
}

func BenchmarkImageRGB(b *testing.B) {
	benchmarkHTTP(b, 1, func(r *embedded) ask {
		p := r.model.Preprocessing
		raw := make([]byte, p.Len())
		for i, v := range r.pixels {
			raw[i] = byte((v - p.Offset) / p.Scale)
		}
		return inferBody(fmt.Sprintf(`{"inputs":[{"name":"image","shape":[1,%d,%d,3],"datatype":"UINT8","parameters":{"binary_data_size":%d}}]}`, p.Height, p.Width, len(raw)), raw)
	})
}

func BenchmarkPredictPixels(b *testing.B) {
	benchmarkHTTP(b, 1, func(r *embedded) ask { return ask{path: "/v1/models/lamps:predict", body: r.jsonPixels()} })
}

func BenchmarkPredictFile(b *testing.B) {
	benchmarkHTTP(b, 1, func(r *embedded) ask { return ask{path: "/v1/models/lamps:predict", body: r.jsonFile()} })
}

func BenchmarkImage(b *testing.B) {
	benchmarkHTTP(b, 1, func(r *embedded) ask {
		return ask{path: "/api/image", body: r.jpeg, header: map[string]string{"Content-Type": "image/jpeg"}}
	})
}

// benchmarkHTTP sends the same request again and again over loopback.
func benchmarkHTTP(b *testing.B, images int, of func(*embedded) ask) {
	bases(b, func(b *testing.B, r *embedded) { benchmarkRequest(b, images, r, of(r)) })
}

func benchmarkRequest(b *testing.B, images int, r *embedded, a ask) {
	l := loopback(b)
	r.serveOnListeners(l)
	var wire bytes.Buffer
	fmt.Fprintf(&wire, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", a.path, l.Addr(), len(a.body))
	for name, value := range a.header {
		fmt.Fprintf(&wire, "%s: %s\r\n", name, value)
	}
	wire.WriteString("\r\n")
	wire.Write(a.body)
	b.ReportAllocs()
	// Twice as many clients as interpreters: one sends while the other waits.
	measure(b, 2*runtime.NumCPU(), images, func() (func() error, func()) {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Error(err)
			return func() error { return err }, func() {}
		}
		in := bufio.NewReader(conn)
		return func() error {
			if _, err := conn.Write(wire.Bytes()); err != nil {
				return err
			}
			return skipAnswer(in)
		}, func() { conn.Close() }
	})
}

// skipAnswer reads an answer, which must be 200, without taking memory.
func skipAnswer(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.Contains(line, []byte(" 200 ")) {
		return fmt.Errorf("%s", line)
	}
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return err
}
