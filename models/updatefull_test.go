package models_test

import (
	"context"
	"errors"
	"fmt"

	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/ownmounts"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
	"github.com/edge-adapt/edge/runtime/engine"
)

// TestCrashUpdateFullDisk takes a release on a real file system that is full: with
// room for ever more of what an update writes, until it suffices, and with one that
// something else fills in the middle. Whatever was in use stays, whole; once there is
// room, the update goes on from what is here.
func TestCrashUpdateFullDisk(t *testing.T) {
	dir := ownmounts.Dir()
	if dir == "" {
		ownmounts.InChild(t)
		return
	}
	v := newVictim(t, 0)
	v.publish()
	f := &fullDisk{victim: v, template: v.dir}
	v.dir = dir
	// What runs in a child of its own is another test's matter.
	var err error
	f.engine, err = engine.New(engine.Options{Trial: func(context.Context, string) error { return nil }})
	must(t, err)
	full := map[string]int{}
	for pages := 0; ; pages += 1 + pages/5 {
		f.mount()
		f.room(pages)
		_, err := f.apply(nil)
		if err == nil {
			f.done()
			break
		}
		full[map[bool]string{true: "foreseen", false: "met"}[errors.Is(err, update.ErrSpace)]]++
		f.recovers(err)
	}
	for _, at := range []moment{{"base", 1, 0}, {"base", 3, 0}, {"head", 0, 0}, {"head", 2, 0}, {"features", 0, 0}, {"features", 4, 0}, {"train", 0, 0}} {
		if f.fills(at) {
			t.Fatalf("a disk that is full from %s on: nobody minds", at.stage)
		}
		full[at.stage]++
	}
	// After the last epoch what was trained is written, committed and put in use.
	for pages := 0; !f.fills(moment{"train", 4, pages}); pages += 1 + pages/5 {
		full["kept"]++
	}
	t.Logf("full: %v", full)
	if full["met"] < 3 || full["foreseen"] < 5 || full["kept"] < 10 {
		t.Errorf("full too seldom: %v", full)
	}
}

// moment is when something else fills the disk.
type moment struct {
	stage    string
	quarters int64 // of the stage
	pages    int   // that it leaves free
}

// fills takes the release on a disk that fills up at a moment, and reports whether
// that was no harm.
func (f *fullDisk) fills(at moment) (done bool) {
	f.t.Helper()
	f.mount()
	filler := filepath.Join(f.dir, "filler")
	filled := false
	_, err := f.apply(func(stage string, done, total int64) {
		if stage == at.stage && 4*done >= at.quarters*total && !filled {
			filled = true
			fill(f.t, filler, at.pages)
		}
	})
	if !filled {
		f.t.Fatalf("there was no stage %q", at.stage)
	}
	if err == nil {
		f.done()
		return true
	}
	must(f.t, os.Remove(filler))
	f.recovers(err)
	return false
}

// fullDisk is a device on a file system of its own.
type fullDisk struct {
	*victim
	template string // folder of the device as it is at first
	engine   *engine.Engine
}

const spacious = 256 << 20

// mount begins with a new, large file system that holds the device as it is at first.
func (f *fullDisk) mount() {
	f.t.Helper()
	if err := unix.Mount("tmpfs", f.dir, "tmpfs", 0, fmt.Sprintf("size=%d", spacious)); err != nil {
		f.t.Skip(ownmounts.Skipped, err)
	}
	must(f.t, os.CopyFS(f.dir, os.DirFS(f.template)))
	must(f.t, os.Chmod(filepath.Join(f.dir, "state", "identity"), 0o600))
	// What the test notes is not to fail.
	notes := filepath.Join(f.template, fetchedName)
	must(f.t, os.Truncate(notes, 0))
	must(f.t, os.Remove(filepath.Join(f.dir, fetchedName)))
	must(f.t, os.Symlink(notes, filepath.Join(f.dir, fetchedName)))
	f.lives++
	f.drip.expect(f.lives)
}

// room leaves so many pages free.
func (f *fullDisk) room(pages int) {
	f.t.Helper()
	var s unix.Statfs_t
	must(f.t, unix.Statfs(f.dir, &s))
	size := int64(s.Blocks-s.Bfree)*s.Bsize + int64(pages)*s.Bsize
	must(f.t, unix.Mount("tmpfs", f.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", size)))
}

func (f *fullDisk) apply(progress func(string, int64, int64)) (device.Update, error) {
	u, err := updaterIn(f.dir, f.engine, update.HTTPConfig{URL: f.url, UserAgent: f.drip.life}, true)
	if err != nil {
		return device.Update{}, err
	}
	defer u.Client.Close()
	u.Progress = progress
	ch, err := u.Client.Check(f.t.Context())
	if err != nil {
		return device.Update{}, err
	}
	done, err := u.Apply(f.t.Context(), ch, device.UpdateTask{Name: task, Samples: filepath.Join(f.dir, "samples"), Force: true})
	if err == nil && done.Action != device.ActionApplied {
		f.t.Fatalf("the disk is to blame, and it does %+v", done)
	}
	return done, err
}

// recovers looks at what is left after an update that failed, makes room and lets it
// go on.
func (f *fullDisk) recovers(err error) {
	t := f.t
	t.Helper()
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, update.ErrSpace) || hint.Of(err) == "" {
		t.Fatalf("a full disk gives %v (%s)", err, hint.Of(err))
	}
	f.check(map[string]int64{})
	if current(t, f.store()).Generation != 1 {
		t.Fatal("another generation is in use, and it says that it failed")
	}
	must(t, unix.Mount("tmpfs", f.dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", spacious)))
	had := f.here()
	f.lives++
	f.drip.expect(f.lives)
	_, err = f.apply(nil)
	must(t, err)
	f.kills++ // what was in flight may come again
	f.check(had)
	f.done()
}

// done expects the release in use, and gives the file system back.
func (f *fullDisk) done() {
	f.t.Helper()
	g := current(f.t, f.store())
	must(f.t, g.Verify(f.t.Context()))
	if r, _, err := release.Of(g); err != nil || r.Number != f.release.Number {
		f.t.Fatalf("release %d is in use, %v", r.Number, err)
	}
	if left := append(f.glob("store", "tmp", "*"), f.glob("state", "parts", "*")...); len(left) > 0 {
		f.t.Fatalf("left over: %q", left)
	}
	must(f.t, unix.Unmount(f.dir, unix.MNT_DETACH))
	f.kills = 0
}

// fill takes all the room that is left but some pages.
func fill(t *testing.T, path string, pages int) {
	t.Helper()
	w, err := os.Create(path)
	must(t, err)
	defer w.Close()
	for _, n := range []int{64 << 10, 1} {
		for err = nil; err == nil; {
			_, err = w.Write(make([]byte, n))
		}
	}
	info, err := w.Stat()
	must(t, err)
	must(t, w.Truncate(max(0, info.Size()-int64(pages*os.Getpagesize()))))
}
