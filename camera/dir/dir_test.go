package dir_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/cameratest"
	"github.com/edge-adapt/edge/camera/dir"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestConformance(t *testing.T) {
	const count = 5
	base := t.TempDir()
	made := 0
	folder := func(n int) string {
		made++
		path := filepath.Join(base, fmt.Sprint(made))
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			write(t, filepath.Join(path, fmt.Sprintf("%d.jpg", i)), photo(t, i+1))
		}
		return path
	}
	for name, change := range map[string]func(*dir.Options){
		"keep":       func(*dir.Options) {},
		"unwatched":  func(o *dir.Options) { o.Unwatched = true },
		"move":       func(o *dir.Options) { o.After = "move:done" },
		"delete":     func(o *dir.Options) { o.After = "delete" },
		"subfolders": func(o *dir.Options) { o.Subfolders, o.After = true, "move:done" },
	} {
		t.Run(name, func(t *testing.T) {
			open := func(n int) func(context.Context) (camera.Source, error) {
				return func(ctx context.Context) (camera.Source, error) {
					o := quick(folder(n))
					change(&o)
					return dir.Open(ctx, o)
				}
			}
			cameratest.Run(t, cameratest.Harness{
				Open: open(count), Frames: count, Rereads: true, OpenIdle: open(0),
				OpenFailing: func(ctx context.Context) (camera.Source, error) {
					source, err := open(count)(ctx)
					return source, errors.Join(err, os.RemoveAll(filepath.Join(base, fmt.Sprint(made))))
				},
			})
		})
	}
}

func TestWhatIsThereComesFirst(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for i, name := range []string{"c.jpg", "a.jpg", "B.JPG", "b.jpeg"} {
		write(t, filepath.Join(path, name), photo(t, i+1))
	}
	w := open(t, quick(path))
	w.want("B.JPG", "a.jpg", "b.jpeg", "c.jpg")
	if n := shows(t, &w.frame.Image); n != 1 {
		t.Errorf("c.jpg shows %d, want 1", n)
	}
	bring(t, filepath.Join(path, "a2.jpg"), photo(t, 5))
	w.want("a2.jpg")
	w.nothing(500 * time.Millisecond)

	o := quick(path)
	o.New = true
	w = open(t, o)
	w.nothing(500 * time.Millisecond)
	bring(t, filepath.Join(path, "a3.jpg"), photo(t, 6))
	w.want("a3.jpg")
	write(t, filepath.Join(path, "b.jpeg"), photo(t, 7)) // an old one, written anew
	w.want("b.jpeg")
	w.nothing(300 * time.Millisecond)
}

// Only pictures count, under their last name, and only files.
func TestWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	path, elsewhere := t.TempDir(), t.TempDir()
	good := photo(t, 1)
	for _, name := range []string{
		".hidden.jpg", "upload.jpg.part", "upload.jpg.tmp", "upload.jpg~", "notes.txt", "Thumbs.db", "noending", "folder.jpg/inside.jpg",
		".hidden/x.jpg", "sub/y.jpg",
	} {
		write(t, filepath.Join(path, name), good)
	}
	write(t, filepath.Join(elsewhere, "far.jpg"), good)
	links := map[string]string{
		"link.jpg": filepath.Join(elsewhere, "far.jpg"), "dangling.jpg": "nothing.jpg", "loop.jpg": "loop.jpg", "up": "..", "folderlink.jpg": elsewhere,
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(path, "pipe.jpg"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := open(t, quick(path))
	w.want("link.jpg")
	w.nothing(500 * time.Millisecond)
	if err := os.Rename(filepath.Join(path, "upload.jpg.part"), filepath.Join(path, "upload.jpg")); err != nil {
		t.Fatal(err)
	}
	w.want("upload.jpg")

	o := quick(path)
	o.Subfolders = true
	w = open(t, o)
	w.want("folder.jpg/inside.jpg", "link.jpg", "sub/y.jpg", "upload.jpg")
	w.nothing(500 * time.Millisecond)
}

func TestNamesOfAllKinds(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	names := []string{"a\nb.jpg", "bell\a.jpg", "bad\xff\xfe.jpg", "ä ö.jpg", "-rf.jpg", "a b;c'd\"e.jpg", "...jpg.jpg", strings.Repeat("x", 251) + ".jpg"}
	w := open(t, quick(path))
	for _, name := range names {
		bring(t, filepath.Join(path, name), photo(t, 1))
		if name[0] == '.' {
			w.nothing(300 * time.Millisecond)
			continue
		}
		w.want(name)
	}
	bring(t, filepath.Join(path, "not\na picture.jpg"), []byte("text"))
	w.want("skipped: not\na picture.jpg")
}

func TestSubfolders(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	o := quick(path)
	o.Subfolders = true
	o.Poll = time.Hour // what comes must be told of
	w := open(t, o)
	write(t, filepath.Join(path, "2026/11/24/a.jpg"), photo(t, 1))
	w.want("2026/11/24/a.jpg")
	bring(t, filepath.Join(path, "2026/11/24/b.jpg"), photo(t, 2))
	w.want("2026/11/24/b.jpg")
	// A whole folder, moved into place, and one that leads round in a circle.
	elsewhere := filepath.Join(t.TempDir(), "batch")
	write(t, filepath.Join(elsewhere, "deep/c.jpg"), photo(t, 3))
	if err := os.Symlink(path, filepath.Join(elsewhere, "round")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(elsewhere, filepath.Join(path, "batch")); err != nil {
		t.Fatal(err)
	}
	w.want("batch/deep/c.jpg")
	w.nothing(300 * time.Millisecond)
	if os.Getuid() != 0 {
		write(t, filepath.Join(path, "closed/x.jpg"), photo(t, 4))
		if err := os.Chmod(filepath.Join(path, "closed"), 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(path, "closed"), 0o755) })
		w = open(t, o)
		w.want("skipped: closed/", "2026/11/24/a.jpg")
	}
}

// Where nobody tells, reading through finds the same.
func TestUnwatched(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	o := quick(path)
	o.Unwatched, o.Subfolders = true, true
	w := open(t, o)
	for i := range 3 {
		write(t, filepath.Join(path, fmt.Sprintf("sub%d/a.jpg", i)), photo(t, i+1))
		w.want(fmt.Sprintf("sub%d/a.jpg", i))
	}
	write(t, filepath.Join(path, "sub0/a.jpg"), photo(t, 9))
	w.want("sub0/a.jpg")
	if n := shows(t, &w.frame.Image); n != 9 {
		t.Errorf("the picture shows %d, want 9", n)
	}
	w.nothing(600 * time.Millisecond)
}

// The folder may go, and come back: that is told, and a Feed goes on.
func TestFolderGoesAndComesBack(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(path string) error{
		"deleted": os.RemoveAll,
		"renamed": func(path string) error { return os.Rename(path, path+".away") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".away"), os.Mkdir(path, 0o755))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "in")
			write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
			w := open(t, quick(path))
			w.want("a.jpg")
			if err := leave(path); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, err := w.try(patience); !errors.Is(err, camera.ErrUnplugged) || hint.Of(err) == "" {
					t.Errorf("%q comes, %v", got, err)
				}
			}
		})
	}

	path := filepath.Join(t.TempDir(), "in")
	write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	var mu sync.Mutex
	var states []camera.State
	feed := camera.NewFeed(camera.FeedOptions{
		Open:    func(ctx context.Context) (camera.Source, error) { return dir.Open(ctx, quick(path)) },
		MinWait: 10 * time.Millisecond, MaxWait: 50 * time.Millisecond,
		Notify: func(c camera.Change) {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, c.State)
			if c.State == camera.Waiting && len(states) == 3 {
				write(t, filepath.Join(path, "b.jpg"), photo(t, 2))
			}
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- feed.Run(ctx) }()
	held, err := feed.Next(ctx, nil)
	if err != nil || held.Name != "a.jpg" {
		t.Fatalf("%v, %v", held, err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if held, err = feed.Next(ctx, held); err != nil || held.Name != "b.jpg" {
		t.Fatalf("%v, %v", held, err)
	}
	if s := feed.Stats(); s.Reconnects != 1 {
		t.Errorf("%+v", s)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}

func TestTooManyFiles(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for i := range 4 {
		write(t, filepath.Join(path, fmt.Sprintf("%d.jpg", i)), photo(t, 1))
	}
	o := quick(path)
	o.Files = 3
	if _, err := dir.Open(t.Context(), o); err == nil || hint.Of(err) == "" {
		t.Errorf("four files of three: %v", err)
	}
	o.Files = 4
	w := open(t, o)
	w.want("0.jpg", "1.jpg", "2.jpg", "3.jpg")
	write(t, filepath.Join(path, "4.jpg"), photo(t, 1))
	for range 2 {
		if got, err := w.try(patience); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q comes, %v", got, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, "file")
	write(t, file, nil)
	for _, o := range []dir.Options{
		{}, {Path: path, After: "burn"}, {Path: path, After: "move:"}, {Path: path, After: "move"}, {Path: path, Settle: -1}, {Path: path, Files: -1},
		{Path: path, After: "move:."}, {Path: path, After: "move:" + path}, {Path: file},
	} {
		if _, err := dir.Open(t.Context(), o); !errors.Is(err, camera.ErrBadURI) || hint.Of(err) == "" {
			t.Errorf("%+v: %v, hint %q", o, err, hint.Of(err))
		}
	}
	for _, o := range []dir.Options{{Path: filepath.Join(path, "none")}, {Path: path, After: "move:" + file}} {
		if _, err := dir.Open(t.Context(), o); err == nil || errors.Is(err, camera.ErrBadURI) || hint.Of(err) == "" {
			t.Errorf("%+v: %v, hint %q", o, err, hint.Of(err))
		}
	}
	if err := (dir.Options{Path: "anything", After: "move:there"}).Validate(); err != nil {
		t.Error(err)
	}
}

// A picture too large is skipped unread.
func TestLimits(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	o := quick(path)
	o.Limits = pixel.Limits{Bytes: 100}
	w := open(t, o)
	err := w.Read(t.Context(), &w.frame)
	if !errors.Is(err, pixel.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	var end error
	for range 2 {
		_, end = w.try(100 * time.Millisecond)
	}
	if end == nil || errors.Is(end, io.EOF) {
		t.Errorf("%v", end)
	}
}
