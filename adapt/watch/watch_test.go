package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

// watched runs a watch until the test ends. Its calls come through the channel;
// each waits until it is received.
func watched(t *testing.T, o Options) (calls chan State) {
	t.Helper()
	calls = make(chan State)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- Run(ctx, o, func() {
			s, _ := Look(o.Dir)
			select {
			case calls <- s:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Minute):
			t.Error("it does not end")
		}
	})
	return calls
}

func next(t *testing.T, calls chan State, files int) {
	t.Helper()
	select {
	case s := <-calls:
		if s.Files != files {
			t.Fatalf("called with %d files, want %d", s.Files, files)
		}
	case <-time.After(time.Minute):
		t.Fatalf("not called with %d files", files)
	}
}

func quiet(t *testing.T, calls chan State, d time.Duration) {
	t.Helper()
	select {
	case s := <-calls:
		t.Fatalf("called without a change, with %d files", s.Files)
	case <-time.After(d):
	}
}

func TestChanges(t *testing.T) {
	for name, poll := range map[string]time.Duration{"notices": time.Hour, "polling": 20 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "on", "1.jpg"), "1")
			calls := watched(t, Options{Dir: dir, Settle: 50 * time.Millisecond, Poll: poll})
			next(t, calls, 1)
			quiet(t, calls, 200*time.Millisecond)

			write(t, filepath.Join(dir, "on", "2.jpg"), "2")
			next(t, calls, 2)
			must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755)) // no change, but a folder to watch
			quiet(t, calls, 200*time.Millisecond)
			write(t, filepath.Join(dir, "off", "deep", "3.jpg"), "3") // in folders that are new
			next(t, calls, 3)
			write(t, filepath.Join(dir, "off", "deep", "4.jpg"), "4") // which are watched by now
			next(t, calls, 4)
			write(t, filepath.Join(dir, "on", "1.jpg"), "11")
			next(t, calls, 4)
			must(t, os.Rename(filepath.Join(dir, "on", "1.jpg"), filepath.Join(dir, "off", "1.jpg")))
			next(t, calls, 4)
			must(t, os.RemoveAll(filepath.Join(dir, "off")))
			next(t, calls, 1)
			write(t, filepath.Join(dir, "empty", "5.jpg"), "5")
			next(t, calls, 2)
			quiet(t, calls, 200*time.Millisecond)
		})
	}
}

// While files still come, nothing is called.
func TestSettles(t *testing.T) {
	dir := t.TempDir()
	calls := watched(t, Options{Dir: dir, Settle: time.Second, Poll: 10 * time.Millisecond})
	next(t, calls, 0)
	for i := range 20 {
		write(t, filepath.Join(dir, string(rune('a'+i))), "x")
		time.Sleep(20 * time.Millisecond)
	}
	next(t, calls, 20)
	quiet(t, calls, 100*time.Millisecond)
}

// What changes while it is called leads to another call.
func TestChangeDuringACall(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var files []int
	err := Run(ctx, Options{Dir: dir, Settle: 10 * time.Millisecond, Poll: time.Hour}, func() {
		s, _ := Look(dir)
		files = append(files, s.Files)
		if len(files) < 3 {
			write(t, filepath.Join(dir, string(rune('a'+len(files)))), "x")
		} else {
			cancel()
		}
	})
	if err != nil || len(files) != 3 || files[2] != 2 {
		t.Errorf("called with %v files, %v", files, err)
	}
}

func TestFolderGoesAndComes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "photos")
	if err := Run(t.Context(), Options{Dir: dir}, func() { t.Error("called") }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	write(t, filepath.Join(dir, "1.jpg"), "1")
	warned := make(chan error, 1000)
	calls := watched(t, Options{Dir: dir, Settle: 10 * time.Millisecond, Poll: 10 * time.Millisecond, Warn: func(err error) {
		select {
		case warned <- err:
		default:
		}
	}})
	next(t, calls, 1)
	must(t, os.RemoveAll(dir))
	select {
	case err := <-warned:
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("nobody was told")
	case s := <-calls:
		if s.Files > 0 {
			t.Fatalf("called with %d files", s.Files)
		}
	}
	write(t, filepath.Join(dir, "1.jpg"), "1")
	write(t, filepath.Join(dir, "2.jpg"), "2")
	for { // it may have been seen on its way
		select {
		case s := <-calls:
			if s.Files == 2 {
				return
			}
		case <-time.After(time.Minute):
			t.Fatal("not called again")
		}
	}
}

func TestEndsWithItsContext(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		must(t, Run(ctx, Options{Dir: t.TempDir()}, func() { go cancel() }))
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "on", "1.jpg"), "1")
	write(t, filepath.Join(dir, ".trash", "2.jpg"), "2")
	write(t, filepath.Join(dir, "on", ".3.jpg.part"), "3")
	must(t, os.Symlink(filepath.Join(dir, "nowhere"), filepath.Join(dir, "on", "dead.jpg")))
	s, err := Look(dir)
	if err != nil || s.Files != 1 || len(s.Folders) != 2 || s.Newest.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
	photo := filepath.Join(dir, "on", "1.jpg")
	for _, change := range []struct {
		name string
		do   func() error
		same bool
	}{
		{"touched", func() error { return os.Chtimes(photo, time.Now(), time.Now().Add(-time.Hour)) }, false},
		{"written", func() error { return os.WriteFile(photo, []byte("12"), 0o600) }, false},
		{"linked", func() error { return os.Symlink("1.jpg", filepath.Join(dir, "on", "2.jpg")) }, false},
		{"a hidden file", func() error { return os.WriteFile(filepath.Join(dir, "on", ".x"), nil, 0o600) }, true},
		{"a link to nothing", func() error { return os.Symlink("nothing", filepath.Join(dir, "on", "3.jpg")) }, true},
		{"renamed", func() error { return os.Rename(filepath.Join(dir, "on"), filepath.Join(dir, "off")) }, false},
	} {
		must(t, change.do())
		again, err := Look(dir)
		if err != nil || (again.Sum == s.Sum) != change.same {
			t.Errorf("%s: the same is %v (%v)", change.name, again.Sum == s.Sum, err)
		}
		s = again
	}
}

// TestFoldersComeFinished: folders that a trainer makes under another name and
// then renames, many of them, while what is watched is rearranged.
func TestFoldersComeFinished(t *testing.T) {
	dir := t.TempDir()
	calls := watched(t, Options{Dir: dir, Settle: 50 * time.Millisecond, Poll: time.Hour})
	next(t, calls, 0)
	const folders = 100
	go func() {
		for i := range folders {
			part, done := filepath.Join(dir, fmt.Sprint(i, ".part")), filepath.Join(dir, fmt.Sprint(i))
			err := os.MkdirAll(filepath.Join(part, "task"), 0o755)
			err = errors.Join(err, os.WriteFile(filepath.Join(part, "task", "bundle.tar"), nil, 0o644), os.Rename(part, done))
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Millisecond) // so that some are watched by then
		}
	}()
	for deadline := time.After(time.Minute); ; {
		select {
		case s := <-calls:
			if s.Files == folders {
				return
			}
		case <-deadline:
			t.Fatal("not called for all")
		}
	}
}
