package dir_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera/dir"
)

// writer writes a file piece by piece.
type writer struct {
	testing.TB
	*os.File
}

func begin(t testing.TB, path string, data []byte) writer {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	w := writer{t, f}
	w.write(data)
	return w
}

func (w writer) write(data []byte) {
	w.Helper()
	if _, err := w.Write(data); err != nil {
		w.Fatal(err)
	}
}

func (w writer) end() {
	w.Helper()
	if err := w.Close(); err != nil {
		w.Fatal(err)
	}
}

// A file that somebody still writes is not touched, however long they pause: even
// what would decode.
func TestOpenFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	path, data := t.TempDir(), photo(t, 1)
	o := quick(path)
	o.Patience = time.Hour
	o.After = "delete"
	w := open(t, o)
	half := begin(t, filepath.Join(path, "half.jpg"), data[:len(data)/2])
	whole := begin(t, filepath.Join(path, "whole.jpg"), data)
	w.nothing(time.Second) // ten times Settle
	half.write(data[len(data)/2:])
	w.nothing(300 * time.Millisecond)
	half.end()
	w.want("half.jpg")
	whole.end()
	w.want("whole.jpg")
	w.nothing(300 * time.Millisecond)
	wantFiles(t, path)
}

// Somebody who never closes what they wrote does not hold it back for ever.
func TestFilesThatStayOpen(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	w := open(t, quick(path))
	begin(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	w.want("a.jpg")
}

// An upload that pauses, opens its file anew for every piece, or fills it with zeros
// first is not taken for a bad picture.
func TestUploadsThatPause(t *testing.T) {
	t.Parallel()
	for name, fn := range map[string]func(*testing.T, dir.Options) *watch{
		"the kernel tells": func(t *testing.T, o dir.Options) *watch { return open(t, o) },
		"nobody tells":     func(t *testing.T, o dir.Options) *watch { return opened(t, o, dir.OpenBlind) },
	} {
		t.Run(name, func(t *testing.T) {
			path, data := t.TempDir(), photo(t, 1)
			o := quick(path)
			o.Patience = time.Hour
			w := fn(t, o)
			third := len(data) / 3
			file := filepath.Join(path, "a.jpg")
			write(t, file, make([]byte, len(data)))
			w.nothing(400 * time.Millisecond)
			for _, n := range []int{0, third, 2 * third} {
				write(t, file, data[:n])
				w.nothing(300 * time.Millisecond)
			}
			write(t, file, data)
			w.want("a.jpg")
			if n := shows(t, &w.frame.Image); n != 1 {
				t.Errorf("the picture shows %d", n)
			}
			w.nothing(300 * time.Millisecond)
		})
	}
}

// Where nobody can say who writes, a file is left alone as long as it changes.
func TestSettling(t *testing.T) {
	t.Parallel()
	path, data := t.TempDir(), photo(t, 1)
	o := quick(path)
	o.Settle = 2 * time.Second
	w := opened(t, o, dir.OpenBlind)
	f := begin(t, filepath.Join(path, "a.jpg"), data)
	for range 10 {
		w.nothing(100 * time.Millisecond)
		f.write([]byte{0}) // behind the end, where it does no harm
	}
	w.want("a.jpg")
}

// What stays unreadable is told of once.
func TestBadFilesAreToldOfOnce(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	data := photo(t, 1)
	w := open(t, quick(path))
	write(t, filepath.Join(path, "cut.jpg"), data[:len(data)/2])
	w.want("skipped: cut.jpg")
	w.nothing(700 * time.Millisecond)
	write(t, filepath.Join(path, "cut.jpg"), data) // better late than never
	w.want("cut.jpg")
	write(t, filepath.Join(path, "empty.png"), nil)
	w.want("skipped: empty.png")
	write(t, filepath.Join(path, "photo.heic"), []byte("\x00\x00\x00\x18ftypheic0000"))
	w.want("skipped: photo.heic")
	w.nothing(500 * time.Millisecond)
}

// An old file that is no good is told of at once: nobody writes it any more.
func TestOldBadFiles(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	o := quick(path)
	o.Patience = time.Hour
	for i := range 5 {
		file := filepath.Join(path, fmt.Sprintf("%d.jpg", i))
		write(t, file, []byte("text"))
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-2*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	w := open(t, o)
	w.want("skipped: 0.jpg", "skipped: 1.jpg", "skipped: 2.jpg", "skipped: 3.jpg", "skipped: 4.jpg")
}

func TestFilesThatVanish(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for i := range 4 {
		write(t, filepath.Join(path, fmt.Sprintf("%d.jpg", i)), photo(t, 1))
	}
	o := quick(path)
	o.After = "move:done"
	w := open(t, o)
	w.want("0.jpg")
	for _, name := range []string{"0.jpg", "1.jpg", "2.jpg"} {
		if err := os.Remove(filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	w.want("3.jpg")
	w.nothing(300 * time.Millisecond)
	wantFiles(t, path, "done/3.jpg")
}

// Changes that make no new picture of a file deliver nothing.
func TestTouchingIsNotWriting(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, "a.jpg")
	w := open(t, quick(path))
	bring(t, file, photo(t, 1))
	w.want("a.jpg")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := os.OpenFile(file, os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	} else {
		_ = f.Close()
	}
	w.nothing(500 * time.Millisecond)
}

// Many writers, in every way that writers have: each picture comes once, whole, and
// is moved away.
func TestEveryPictureOnce(t *testing.T) {
	t.Parallel()
	const each, ways = 40, 4
	path := t.TempDir()
	o := quick(path)
	o.Subfolders = true
	o.After = "move:done"
	o.Patience = 5 * time.Second
	w := open(t, o)
	data := make([][]byte, each*ways+1)
	for i := range data[1:] {
		data[i+1] = photo(t, i+1)
	}
	var writing sync.WaitGroup
	for way := range ways {
		writing.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(way), 0))
			for i := range each {
				number := way*each + i + 1
				file := filepath.Join(path, fmt.Sprintf("%d.jpg", number))
				switch way {
				case 0:
					write(t, file, data[number])
				case 1:
					part := file + ".part"
					write(t, part, data[number])
					_ = os.Rename(part, file)
				case 2: // slowly
					f, err := os.Create(file)
					if err != nil {
						t.Error(err)
						return
					}
					for rest := data[number]; len(rest) > 0; {
						n := min(len(rest), 1+chance.IntN(2000))
						_, _ = f.Write(rest[:n])
						rest = rest[n:]
						time.Sleep(time.Duration(chance.IntN(5)) * time.Millisecond)
					}
					_ = f.Close()
				case 3: // in folders of their own
					write(t, filepath.Join(path, fmt.Sprintf("day%d/hour%d", i/8, i%8), fmt.Sprintf("%d.jpg", number)), data[number])
				}
				time.Sleep(time.Duration(chance.IntN(10)) * time.Millisecond)
			}
		})
	}
	seen := map[int]bool{}
	for range each * ways {
		name := w.next()
		number := shows(t, &w.frame.Image)
		if filepath.Base(name) != fmt.Sprintf("%d.jpg", number) {
			t.Errorf("%s shows %d", name, number)
		}
		if seen[number] {
			t.Errorf("%s came twice", name)
		}
		seen[number] = true
	}
	writing.Wait()
	w.nothing(500 * time.Millisecond)
	if n := len(files(t, filepath.Join(path, "done"))); n != each*ways {
		t.Errorf("%d files were moved, want %d", n, each*ways)
	}
	if n := len(files(t, path)); n != each*ways {
		t.Errorf("%d files are there, want those moved, %d", n, each*ways)
	}
}
