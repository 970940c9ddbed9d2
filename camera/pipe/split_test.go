package pipe_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"github.com/edge-adapt/edge/camera/pipe"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// split returns all pictures of a stream and how it ended.
func split(r io.Reader, limits pixel.Limits) (pictures [][]byte, err error) {
	s := pipe.NewSplitter(r, limits)
	var buf []byte
	for {
		if buf, err = s.Next(buf); err != nil {
			return pictures, err
		}
		pictures = append(pictures, bytes.Clone(buf))
	}
}

// jpegs returns JPEG files of every kind: progressive, with thumbnails, with
// restart markers, from several programs.
func jpegs(t testing.TB) (files [][]byte) {
	t.Helper()
	for _, pattern := range []string{"../pixel/testdata/pictures/*.jpg", "../../samples/lamp_red/*.jpg"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("no pictures in %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := pixel.Decode(data, pixel.Limits{}); err == nil {
				files = append(files, data)
			}
		}
	}
	return files
}

// Real files, one after the other with anything in between, come out as they went
// in, in whatever pieces they arrive.
func TestSplitterReturnsWholePictures(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	files := jpegs(t)
	var joined bytes.Buffer
	for i, file := range files {
		joined.Write(file)
		if i%2 == 0 {
			joined.WriteString("\r\n--boundary\r\nContent-Type: image/jpeg\r\n\r\n")
			junk := make([]byte, chance.IntN(300))
			for j := range junk {
				junk[j] = byte(chance.IntN(255)) // no 0xff, so that no picture begins in it
			}
			joined.Write(junk)
		}
	}
	data := joined.Bytes()
	for name, r := range map[string]io.Reader{
		"at once":      bytes.NewReader(data),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(data)),
		"in halves":    iotest.HalfReader(bytes.NewReader(data)),
		"with the end": iotest.DataErrReader(bytes.NewReader(data)),
	} {
		got, err := split(r, pixel.Limits{})
		if err != io.EOF {
			t.Errorf("%s: the stream ends with %v", name, err)
		}
		if len(got) != len(files) {
			t.Errorf("%s: %d pictures of %d", name, len(got), len(files))
			continue
		}
		for i := range files {
			// What an editor left behind the end marker is no part of the picture.
			if !bytes.HasPrefix(files[i], got[i]) || len(got[i]) < len(files[i])-64 {
				t.Errorf("%s: picture %d has %d bytes, the file %d", name, i, len(got[i]), len(files[i]))
			}
		}
	}
}

func TestSplitterLimits(t *testing.T) {
	file := jpegOf(t, 50)
	n := int64(len(file))
	if got, err := split(bytes.NewReader(file), pixel.Limits{Bytes: n}); len(got) != 1 || err != io.EOF {
		t.Errorf("a picture as long as the limit: %d, %v", len(got), err)
	}
	if got, err := split(bytes.NewReader(file), pixel.Limits{Bytes: n - 1}); len(got) != 0 || !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("a picture longer than the limit: %d, %v", len(got), err)
	}
	_, err := split(io.LimitReader(zeros{}, 1<<40), pixel.Limits{Bytes: 1 << 20})
	if !errors.Is(err, pixel.ErrFormat) || hint.Of(err) == "" {
		t.Errorf("a stream without an end and without a picture: %v", err)
	}
	// A picture that never ends.
	head := file[:bytes.Index(file, []byte{0xff, 0xda})+14]
	if _, err := split(io.MultiReader(bytes.NewReader(head), zeros{}), pixel.Limits{Bytes: 1 << 20}); !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("a picture without an end: %v", err)
	}
	broken := errors.New("the cable is cut")
	if _, err := split(io.MultiReader(bytes.NewReader(file[:99]), iotest.ErrReader(broken)), pixel.Limits{}); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzSplitter(f *testing.F) {
	small := jpegOf(f, 1)
	f.Add(small)
	f.Add(append(append(bytes.Clone(small[:len(small)/2]), small...), 0xff))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x04\xff\xd9\xff\xff\xda\x00\x02\xff\x00\xff\xd3\xff\xff\xd9x\xff\xd8\xff\xd8\xff\xd9"))
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x00\xff\xd9"))
	const most = 1 << 8
	f.Add(append(bytes.Repeat([]byte{0xf7}, most+9), small...))
	f.Add(append(append(small[:20:20], bytes.Repeat([]byte{0xf7}, most-1)...), small...))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := pixel.Limits{Bytes: most}
		got, err := split(bytes.NewReader(data), limits)
		if err == nil {
			t.Fatal("the stream has no end")
		}
		rest := data
		for _, picture := range got {
			if len(picture) < 2 || len(picture) > most || picture[0] != 0xff || picture[1] != 0xd8 {
				t.Fatalf("a picture of %d bytes: %.8q", len(picture), picture)
			}
			at := bytes.Index(rest, picture)
			if at < 0 {
				t.Fatalf("a picture that was not sent, or not in this order: %q", picture)
			}
			rest = rest[at+len(picture):]
		}
		// How it arrives in pieces makes no difference.
		again, errAgain := split(iotest.OneByteReader(bytes.NewReader(data)), limits)
		if len(again) != len(got) || (err == io.EOF) != (errAgain == io.EOF) {
			t.Fatalf("%d pictures and %v at once, %d and %v byte by byte", len(got), err, len(again), errAgain)
		}
		for i := range got {
			if !bytes.Equal(got[i], again[i]) {
				t.Fatalf("picture %d differs", i)
			}
		}
	})
}

func BenchmarkSplitter(b *testing.B) {
	var data []byte
	for _, file := range jpegs(b) {
		data = append(data, file...)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		s := pipe.NewSplitter(bytes.NewReader(data), pixel.Limits{})
		var buf []byte
		for {
			var err error
			if buf, err = s.Next(buf); err != nil {
				break
			}
		}
	}
}
