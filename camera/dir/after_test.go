package dir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera/dir"
)

// A file is kept until its picture has been dealt with, which is when the next one
// is asked for.
func TestAfterComesAfterwards(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	write(t, filepath.Join(path, "b.jpg"), photo(t, 2))
	o := quick(path)
	o.After = "delete"
	w := open(t, o)
	w.want("a.jpg")
	wantFiles(t, path, "a.jpg", "b.jpg")
	w.want("b.jpg")
	wantFiles(t, path, "b.jpg")
	// Whoever had it may have fallen over: it comes again.
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, path, "b.jpg")
	w = open(t, o)
	w.want("b.jpg")
	w.nothing(200 * time.Millisecond)
	wantFiles(t, path)
}

func TestMoving(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	write(t, filepath.Join(path, "sub/b.jpg"), photo(t, 2))
	write(t, filepath.Join(path, "sub/bad.jpg"), []byte("text"))
	o := quick(path)
	o.Subfolders = true
	o.After = "move:done"
	w := open(t, o)
	w.want("a.jpg", "sub/b.jpg", "skipped: sub/bad.jpg")
	w.nothing(500 * time.Millisecond) // what was moved does not come again
	wantFiles(t, path, "done/a.jpg", "done/sub/b.jpg", "done/rejected/sub/bad.jpg")
}

func TestDeletingKeepsWhatIsBad(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "bad.jpg"), []byte("text"))
	o := quick(path)
	o.After = "delete"
	w := open(t, o)
	w.want("skipped: bad.jpg")
	w.nothing(300 * time.Millisecond)
	wantFiles(t, path, "bad.jpg")
}

// otherDevice returns a folder on another file system than the test's own.
func otherDevice(t *testing.T) string {
	t.Helper()
	here, err := os.Stat(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"/dev/shm", "/var/tmp", os.Getenv("HOME")} {
		there, err := os.Stat(base)
		if err != nil || there.Sys().(*syscall.Stat_t).Dev == here.Sys().(*syscall.Stat_t).Dev {
			continue
		}
		if path, err := os.MkdirTemp(base, "edge-test-*"); err == nil {
			t.Cleanup(func() { _ = os.RemoveAll(path) })
			return path
		}
	}
	t.Skip("there is one file system only")
	return ""
}

// Moving never overwrites, on one file system or from one to another.
func TestMovingNeverOverwrites(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]func(*testing.T) string{
		"same device":  func(t *testing.T) string { return t.TempDir() },
		"other device": otherDevice,
	} {
		t.Run(name, func(t *testing.T) {
			path, to := t.TempDir(), target(t)
			o := quick(path)
			o.After = "move:" + to
			w := open(t, o)
			old := time.Now().Add(-time.Hour).Truncate(time.Second)
			for number := range 4 {
				file := filepath.Join(path, "same.jpg")
				write(t, filepath.Join(path, ".t"), photo(t, number+1))
				if err := os.Chtimes(filepath.Join(path, ".t"), old, old); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(filepath.Join(path, ".t"), file); err != nil {
					t.Fatal(err)
				}
				w.want("same.jpg")
				w.nothing(50 * time.Millisecond)
			}
			names := files(t, to)
			if len(names) != 4 {
				t.Fatalf("%q", names)
			}
			whole := map[string]bool{}
			for _, name := range names {
				if !strings.HasPrefix(name, "same") || !strings.HasSuffix(name, ".jpg") {
					t.Errorf("a file was moved to %q", name)
				}
				data, err := os.ReadFile(filepath.Join(to, name))
				if err != nil {
					t.Fatal(err)
				}
				whole[string(data)] = true
				if info, err := os.Stat(filepath.Join(to, name)); err != nil || !info.ModTime().Equal(old) {
					t.Errorf("%s was written %v (%v), want %v", name, info.ModTime(), err, old)
				}
			}
			for number := range 4 {
				if !whole[string(photo(t, number+1))] {
					t.Errorf("picture %d is lost", number+1)
				}
			}
			wantFiles(t, path)
		})
	}
}

// A link is moved as the picture it leads to, which stays.
func TestMovingALink(t *testing.T) {
	t.Parallel()
	path, elsewhere := t.TempDir(), t.TempDir()
	far := filepath.Join(elsewhere, "far.jpg")
	write(t, far, photo(t, 1))
	if err := os.Symlink(far, filepath.Join(path, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	o := quick(path)
	o.After = "move:done"
	w := open(t, o)
	w.want("a.jpg")
	w.nothing(100 * time.Millisecond)
	wantFiles(t, path, "done/a.jpg")
	wantFiles(t, elsewhere, "far.jpg")
	if info, err := os.Lstat(filepath.Join(path, "done/a.jpg")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
}

// Whoever may write to the watched folder must not get us to delete or move what
// lies outside of it.
func TestALinkInTheWayLeadsNowhere(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"delete", "move:" + t.TempDir()} {
		path, outside := t.TempDir(), t.TempDir()
		write(t, filepath.Join(path, "sub/a.jpg"), photo(t, 1))
		o := quick(path)
		o.Subfolders = true
		o.After = after
		w := open(t, o)
		w.want("sub/a.jpg")
		// The very same file, so that nothing but the way to it has changed.
		if err := os.Rename(filepath.Join(path, "sub/a.jpg"), filepath.Join(outside, "a.jpg")); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(filepath.Join(path, "sub")), os.Symlink(outside, filepath.Join(path, "sub"))); err != nil {
			t.Fatal(err)
		}
		w.want("skipped: sub/a.jpg")
		wantFiles(t, outside, "a.jpg")
	}
}

// What was written anew while its picture was dealt with is neither deleted nor
// moved unseen.
func TestWrittenAnewMeanwhile(t *testing.T) {
	t.Parallel()
	for _, after := range []string{"delete", "move:done"} {
		path := t.TempDir()
		write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
		o := quick(path)
		o.After = after
		w := open(t, o)
		w.want("a.jpg")
		bring(t, filepath.Join(path, "a.jpg"), photo(t, 2))
		w.want("a.jpg")
		if n := shows(t, &w.frame.Image); n != 2 {
			t.Errorf("%s: the picture shows %d, want 2", after, n)
		}
	}
}

// A file that cannot be taken away is told of, and not delivered again.
func TestAfterFails(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	to := filepath.Join(t.TempDir(), "done")
	o := quick(path)
	o.After = "move:" + to
	w := open(t, o)
	w.want("a.jpg")
	if err := errors.Join(os.RemoveAll(to), os.WriteFile(to, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	w.want("skipped: a.jpg")
	w.nothing(500 * time.Millisecond)
	wantFiles(t, path, "a.jpg")
}

func TestRenameWhereRenamingOverwrites(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "a"), []byte("a"))
	write(t, filepath.Join(path, "b"), []byte("b"))
	d, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := dir.RenameReserved(d, "a", d, "b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("renaming to a name that is taken: %v", err)
	}
	if err := dir.RenameReserved(d, "gone", d, "c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("renaming what is not there: %v", err)
	}
	wantFiles(t, path, "a", "b")
	if err := dir.RenameReserved(d, "a", d, "c"); err != nil {
		t.Error(err)
	}
	wantFiles(t, path, "b", "c")
}
