package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// grown makes a store in dir whose task has learned n rounds, each in use after
// the other. Rounds 1 and 2 share a base, as do 3 and 4, and so on.
func grown(t testing.TB, dir string, n int) *Store {
	t.Helper()
	s := open(t, dir)
	s.disk = &rigged{}
	for round := 1; round <= n; round++ {
		_, err := learn(s, lamps, round)
		must(t, err)
	}
	return s
}

// gcTemplate has six generations: 6 in use, 5 before, 1 pinned, 3 good, so that
// 2 and 4 may go, and with them no base; and a base that nobody names.
func gcTemplate(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s := grown(t, dir, 6)
	must(t, s.Pin(t.Context(), lamps, 1, "the reference"))
	must(t, s.MarkGood(t.Context(), lamps, 3, "a week without fault"))
	orphan(t, s)
	must(t, os.MkdirAll(filepath.Join(s.lostDir(), "sha256-old"), 0o755))
	must(t, os.WriteFile(filepath.Join(s.lostDir(), "sha256-old", "x"), []byte("x"), 0o644))
	return dir
}

// orphan stores a base that nobody names.
func orphan(t testing.TB, s *Store) Base {
	t.Helper()
	b := manifestOf(99).Base
	must(t, s.PutBlob(t.Context(), strings.NewReader(string(baseOf(99))), b.Digest, b.Bytes))
	return b
}

func gcOnce(s *Store) error {
	r, err := s.GC(context.Background(), GCOptions{Newest: 1, Lost: true})
	if err == nil && len(r.Notes) > 0 {
		err = fmt.Errorf("notes: %q", r.Notes)
	}
	return err
}

func gcDone(s *Store) error {
	_, lostErr := os.Stat(s.lostDir())
	_, baseErr := s.BlobPath(manifestOf(99).Base.Digest)
	if !errors.Is(lostErr, os.ErrNotExist) || !errors.Is(baseErr, ErrNotFound) {
		return fmt.Errorf("lost things: %v, base that nobody names: %v", lostErr, baseErr)
	}
	return numbersAre(s, 1, 3, 5, 6)
}

func gcSafe(s *Store) error {
	numbers, err := s.numbers(lamps)
	for _, n := range []int{1, 3, 5, 6} {
		if !slices.Contains(numbers, n) {
			err = errors.Join(err, fmt.Errorf("generation %d is gone", n))
		}
	}
	good, goodErr := s.Good(lamps)
	if goodErr != nil || len(good) != 1 {
		err = errors.Join(err, fmt.Errorf("good: %+v, %w", good, goodErr))
	}
	return errors.Join(err, wholeStore(s), pinsAre(s, 1))
}

func numbersAre(s *Store, want ...int) error {
	if numbers, err := s.numbers(lamps); err != nil || !slices.Equal(numbers, want) {
		return fmt.Errorf("generations %v, %v, want %v", numbers, err, want)
	}
	return nil
}

// collect collects and checks what is left.
func collect(t *testing.T, s *Store, o GCOptions, want ...int) GCReport {
	t.Helper()
	before, err := s.Usage()
	must(t, err)
	dry := o
	dry.DryRun = true
	foretold, err := s.GC(t.Context(), dry)
	must(t, err)
	if after, err := s.Usage(); err != nil || after != before {
		t.Errorf("a dry run changed %+v to %+v, %v", before, after, err)
	}
	r, err := s.GC(t.Context(), o)
	must(t, err)
	must(t, numbersAre(s, want...))
	must(t, wholeStore(s))
	after, err := s.Usage()
	must(t, err)
	if r.Freed != before.Total()-after.Total() || r.Bytes != after.Total() {
		t.Errorf("said %d freed and %d left, measured %d and %d", r.Freed, r.Bytes, before.Total()-after.Total(), after.Total())
	}
	if foretold.Freed != r.Freed || len(foretold.Removed) != len(r.Removed) || len(foretold.Kept) != len(r.Kept) || foretold.Bytes != r.Bytes {
		t.Errorf("foretold %+v, done %+v", foretold, r)
	}
	if left := leftovers(t, s); len(left) > 0 {
		t.Errorf("garbage stays: %v", left)
	}
	return r
}

func TestGCKeepsTheNewest(t *testing.T) {
	s := grown(t, t.TempDir(), 8)
	r := collect(t, s, GCOptions{}, 6, 7, 8)
	// Bases of rounds 1 to 4 go; that of 5 and 6 stays.
	if len(r.Removed) != 5+2 || len(r.Kept) != 3 {
		t.Errorf("removed %+v, kept %+v", r.Removed, r.Kept)
	}
	if why := r.Kept[2].Why; why != "in use" {
		t.Errorf("generation 8 stays, for it is %q", why)
	}
	if blobs, err := s.blobs(); err != nil || len(blobs) != 2 {
		t.Errorf("bases: %+v, %v", blobs, err)
	}
	collect(t, s, GCOptions{}, 6, 7, 8)
	collect(t, s, GCOptions{Newest: 1}, 7, 8)
	n, err := learn(s, lamps, 9)
	if err != nil || n != 9 {
		t.Errorf("the next is %d, %v", n, err)
	}
}

func TestGCKeepsWhatIsNeeded(t *testing.T) {
	s := grown(t, t.TempDir(), 8)
	ctx := t.Context()
	must(t, s.Pin(ctx, lamps, 1, ""))
	must(t, s.MarkGood(ctx, lamps, 2, ""))
	must(t, s.MarkGood(ctx, lamps, 3, ""))
	must(t, s.MarkGood(ctx, lamps, 5, ""))
	activate(t, s, 4, 5)
	// 5 in use and good, 4 before, 3 where a rollback would go, 1 pinned, 8 newest.
	r := collect(t, s, GCOptions{Newest: 1}, 1, 3, 4, 5, 8)
	var why []string
	for _, k := range r.Kept {
		why = append(why, fmt.Sprint(k.Generation, ": ", k.Why))
	}
	if got := strings.Join(why, "; "); got != "1: pinned; 3: good; 4: previous; 5: in use, good; 8: newest" {
		t.Error(got)
	}
	must(t, s.Unpin(ctx, lamps, 1))
	collect(t, s, GCOptions{Newest: 1}, 3, 4, 5, 8)
	rollBack(t, s, 5, 3)
}

func TestGCWithinALimit(t *testing.T) {
	s := grown(t, t.TempDir(), 8)
	usage, err := s.Usage()
	must(t, err)
	collect(t, s, GCOptions{Newest: 8, Limit: usage.Total()}, 1, 2, 3, 4, 5, 6, 7, 8)
	r := collect(t, s, GCOptions{Newest: 8, Limit: usage.Total() - 1}, 2, 3, 4, 5, 6, 7, 8)
	if r.Over() != 0 || !strings.Contains(r.Removed[0].Why, "limit") {
		t.Errorf("%+v", r)
	}
	must(t, s.Pin(t.Context(), lamps, 3, ""))
	r = collect(t, s, GCOptions{Newest: 8, Limit: 1}, 3, 7, 8)
	if r.Over() != r.Bytes-1 {
		t.Errorf("over by %d of %d", r.Over(), r.Bytes)
	}
	for _, o := range []GCOptions{{Newest: -1}, {Limit: -1}} {
		if _, err := s.GC(t.Context(), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

// The oldest by the time of their making, whatever the task.
func TestGCLimitCountsAllTasks(t *testing.T) {
	s := grown(t, t.TempDir(), 3)
	for n := 1; n <= 3; n++ {
		d, err := s.Begin("valves")
		must(t, err)
		must(t, d.WriteFile(HeadName, headOf(n)))
		m := manifestOf(1)
		m.Created = time.Date(2001, 1, n, 0, 0, 0, 0, time.UTC)
		_, err = d.Commit(t.Context(), m)
		must(t, err)
		must(t, d.Discard())
	}
	usage, err := s.Usage()
	must(t, err)
	r := collect(t, s, GCOptions{Limit: usage.Total() - int64(len(headOf(1))) - 10}, 1, 2, 3)
	if len(r.Removed) != 1 || r.Removed[0].Task != "valves" || r.Removed[0].Generation != 1 {
		t.Errorf("removed %+v", r.Removed)
	}
}

func TestGCLeavesWhatIsBeingMade(t *testing.T) {
	s := grown(t, t.TempDir(), 3)
	other := open(t, s.Dir())
	named := orphan(t, s)

	guard, err := other.Guard()
	must(t, err)
	r := collect2(t, s)
	if _, err := s.BlobPath(named.Digest); err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "guard") {
		t.Errorf("guarded: %v, notes %q", err, r.Notes)
	}
	must(t, guard.Release())
	must(t, guard.Release())

	// A draft guards its base, and then itself until it is activated.
	m := manifestOf(99)
	d, err := other.Begin(lamps)
	must(t, err)
	collect2(t, s)
	must(t, d.WriteFile(HeadName, headOf(99)))
	g, err := d.Commit(t.Context(), m)
	must(t, err)
	for round := 5; round <= 8; round++ { // others come after it
		_, err := commit(s, lamps, round)
		must(t, err)
	}
	if r = collect2(t, s); !strings.Contains(fmt.Sprint(r.Kept), "being made") {
		t.Errorf("kept %+v", r.Kept)
	}
	must(t, other.Activate(t.Context(), lamps, g.Generation, ""))
	must(t, d.Discard())
	wantCurrent(t, s, g.Generation)
	collect2(t, s)
	wantCurrent(t, s, g.Generation)
}

func collect2(t *testing.T, s *Store) GCReport {
	t.Helper()
	r, err := s.GC(t.Context(), GCOptions{Newest: 1})
	must(t, err)
	return r
}

func TestGCLeavesWhatItDoesNotKnow(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(s *Store) error
		note string
		want []int
	}{
		"a newer edge's": {func(s *Store) error {
			return rewrite(s.generationDir(lamps, 1)+"/"+ManifestName, replaced(`"format": 1`, `"format": 2`))
		}, "", []int{1, 4, 5}},
		"a newer edge's base": {func(s *Store) error {
			return rewrite(s.generationDir(lamps, 1)+"/"+ManifestName, func([]byte) []byte { return []byte(`{"format":2,"base":"elsewhere"}`) })
		}, "nobody knows the base", []int{1, 4, 5}},
		"pointers":        {func(s *Store) error { return os.WriteFile(s.activePath(lamps), []byte("{"), 0o644) }, "stays as it is", []int{1, 2, 3, 4, 5}},
		"no pointers":     {func(s *Store) error { return os.Remove(s.activePath(lamps)) }, "stays as it is", []int{1, 2, 3, 4, 5}},
		"pins":            {func(s *Store) error { return os.WriteFile(s.pinsPath(lamps), []byte("["), 0o644) }, "stays as it is", []int{1, 2, 3, 4, 5}},
		"damaged and old": {func(s *Store) error { return os.Remove(s.generationDir(lamps, 1) + "/" + HeadName) }, "", []int{4, 5}},
	} {
		t.Run(name, func(t *testing.T) {
			s := grown(t, t.TempDir(), 5)
			must(t, c.harm(s))
			r, err := s.GC(t.Context(), GCOptions{Newest: 1})
			must(t, err)
			must(t, numbersAre(s, c.want...))
			if got := strings.Join(r.Notes, "; "); !strings.Contains(got, c.note) || c.note == "" && got != "" {
				t.Errorf("notes: %s", got)
			}
			if strings.Contains(name, "newer") {
				if _, err := s.BlobPath(manifestOf(1).Base.Digest); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A damaged generation does not take the place of a whole one.
func TestGCCountsWholeGenerations(t *testing.T) {
	s := grown(t, t.TempDir(), 6)
	activate(t, s, 1, 2)
	for _, n := range []int{5, 6} {
		must(t, os.Remove(s.generationDir(lamps, n)+"/"+HeadName))
	}
	_, err := s.GC(t.Context(), GCOptions{Newest: 1})
	must(t, err)
	must(t, numbersAre(s, 1, 2, 4, 5, 6))
}

func TestGCWhileLocked(t *testing.T) {
	s := grown(t, t.TempDir(), 3)
	lock, err := s.lockTask(t.Context(), lamps)
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.GC(ctx, GCOptions{Newest: 1}); !errors.Is(err, ErrLocked) || hint.Of(err) == "" {
		t.Errorf("a locked task: %v", err)
	}
	lock.release()
	q, err := s.share()
	must(t, err)
	if _, err := s.alone(ctx); !errors.Is(err, ErrLocked) || !errors.Is(err, context.Canceled) {
		t.Errorf("no quiet: %v", err)
	}
	q.release()
	must(t, numbersAre(s, 1, 2, 3))
}

// full is a disk on which nothing new finds room.
type full struct{ osDisk }

func noRoom(path string) error { return &os.PathError{Op: "open", Path: path, Err: unix.ENOSPC} }

func (full) Mkdir(path string, _ os.FileMode) error          { return noRoom(path) }
func (full) Create(path string, _ os.FileMode) (file, error) { return nil, noRoom(path) }
func (full) Append(path string, _ os.FileMode) (file, error) { return nil, noRoom(path) }

func TestGCOnAFullDisk(t *testing.T) {
	s := grown(t, t.TempDir(), 5)
	must(t, os.Mkdir(filepath.Join(s.tmpDir(), "draft-dead"), 0o755))
	s.disk = full{}
	collect(t, s, GCOptions{Newest: 1}, 4, 5)
}

func TestGCOfNothing(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store"))
	for _, dry := range []bool{true, false} {
		if r, err := s.GC(t.Context(), GCOptions{DryRun: dry}); err != nil || len(r.Removed) > 0 || len(r.Kept) > 0 || len(r.Notes) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Error("collecting made a folder")
	}
}
