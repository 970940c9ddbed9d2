package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
)

// FsckOptions say how Fsck goes about.
type FsckOptions struct {
	// Repair what can be repaired. Otherwise nothing is changed, and no lock taken.
	Repair bool
	// Progress is told how many bytes of how many were compared, from the calling
	// goroutine; nil means nobody asks.
	Progress func(done, total int64)
}

// Finding is something that is not as it was written.
type Finding struct {
	Task       string `json:"task,omitempty"`
	Generation int    `json:"generation,omitempty"`
	What       string `json:"what"`
	// Note says that nothing is damaged: things lie about.
	Note bool `json:"note,omitempty"`
	// Repair is what Fsck does about it, "" if it can do nothing.
	Repair   string `json:"repair,omitempty"`
	Repaired bool   `json:"repaired"`
	// Lost is what cannot be had back, whether Fsck repairs or not.
	Lost string `json:"lost,omitempty"`
	// Next is what the person can do.
	Next string `json:"next,omitempty"`
}

// FsckReport is what Fsck looked at and found.
type FsckReport struct {
	Tasks       int       `json:"tasks"`
	Generations int       `json:"generations"`
	Bases       int       `json:"bases"`
	Bytes       int64     `json:"bytes"` // compared with their digests
	Findings    []Finding `json:"findings"`
}

// Damage counts the findings that are no notes and were not repaired.
func (r FsckReport) Damage() (n int) {
	for _, f := range r.Findings {
		if !f.Note && !f.Repaired {
			n++
		}
	}
	return n
}

// Fsck reads the whole store and compares all of it with its digests: bases,
// generations, pointers and records. Told to repair, it
//
//   - writes labels anew from the manifest,
//   - makes a new generation of what is whole of one whose head and base are,
//   - points to a whole generation where the one in use is not: to the one that
//     was marked good last, else the previous, else the newest,
//   - corrects the counter, takes torn lines out of the records,
//   - sets aside, in STORE/lost, what cannot be used any more.
//
// It says what is lost. It repairs one task after the other under the task's
// lock, for which it waits until ctx ends; done again after a crash, it completes
// what it began. Without repairing it looks at a store that others may change
// meanwhile. The report tells what was found with an error, too.
func (s *Store) Fsck(ctx context.Context, o FsckOptions) (FsckReport, error) {
	f := &fsck{s: s, o: o, bases: make(map[digest.Digest]error), named: make(map[digest.Digest]bool)}
	f.r.Findings = []Finding{}
	if err := f.run(ctx); err != nil {
		return f.r, fmt.Errorf("check the store: %w", s.explain(err))
	}
	return f.r, nil
}

// fsck is one run of Fsck.
type fsck struct {
	s       *Store
	o       FsckOptions
	r       FsckReport
	total   int64
	bases   map[digest.Digest]error // what is wrong with each that is there; nil: nothing
	named   map[digest.Digest]bool  // by a generation
	foreign bool                    // a newer edge's generation: nobody knows which base it names
}

func (f *fsck) run(ctx context.Context) error {
	if _, err := os.Stat(f.s.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	usage, err := f.s.Usage()
	if err != nil {
		return err
	}
	f.total = usage.Bases + usage.Generations
	if err := f.checkScratches(); err != nil {
		return err
	}
	if err := f.checkBases(ctx); err != nil {
		return err
	}
	entries, err := os.ReadDir(filepath.Join(f.s.dir, "tasks"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if CheckTask(e.Name()) != nil || !e.IsDir() {
			f.note(Finding{What: fmt.Sprintf("tasks/%s is no task of edge's", e.Name())})
			continue
		}
		if err := f.checkTask(ctx, e.Name()); err != nil {
			return fmt.Errorf("task %q: %w", e.Name(), err)
		}
	}
	for _, d := range slices.Sorted(maps.Keys(f.bases)) {
		if f.bases[d] == nil && !f.named[d] && !f.foreign {
			f.note(Finding{What: fmt.Sprintf("base %s is named by no generation", d.Short()), Next: "edge models gc"})
		}
	}
	if usage.Lost > 0 {
		f.note(Finding{What: fmt.Sprintf("%d bytes in lost/ were set aside before", usage.Lost), Next: "edge models gc --lost"})
	}
	slices.SortStableFunc(f.r.Findings, func(a, b Finding) int { return compareBool(a.Note, b.Note) })
	if f.o.Progress != nil {
		f.o.Progress(f.total, f.total) // manifests were read beside
	}
	return nil
}

// found adds a finding, and repairs it if told to. fix nil: nothing can be done.
func (f *fsck) found(x Finding, fix func() error) error {
	if fix == nil {
		x.Repair = ""
	} else if f.o.Repair {
		if err := fix(); err != nil {
			f.r.Findings = append(f.r.Findings, x)
			return err
		}
		x.Repaired = true
	}
	f.r.Findings = append(f.r.Findings, x)
	return nil
}

func (f *fsck) note(x Finding) {
	x.Note = true
	f.r.Findings = append(f.r.Findings, x)
}

// verify compares a file and counts it. The error says what is wrong with the
// file; fatal says that nobody can tell.
func (f *fsck) verify(ctx context.Context, path string, file File) (wrong, fatal error) {
	err := verifyFile(ctx, path, file)
	f.r.Bytes += file.Bytes
	if f.o.Progress != nil {
		f.o.Progress(min(f.r.Bytes, f.total), f.total)
	}
	return damage(err)
}

// damage tells an error that is damage from one that is of another kind.
func damage(err error) (wrong, fatal error) {
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, ErrDamaged):
		return err, nil
	case errors.Is(err, unix.EIO), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EUCLEAN):
		return fmt.Errorf("%w: %w", ErrDamaged, err), nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: gone", ErrDamaged), nil
	}
	return nil, err
}

// checkBases compares every base with its name.
func (f *fsck) checkBases(ctx context.Context) error {
	entries, err := os.ReadDir(f.s.blobDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var bad []File
	for _, e := range entries {
		d, err := digest.Parse("sha256:" + e.Name())
		if err != nil {
			f.note(Finding{What: fmt.Sprintf("blobs/sha256/%s is no base of edge's", e.Name())})
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f.r.Bases++
		file := Base{Digest: d, Bytes: info.Size()}.file()
		wrong, fatal := f.verify(ctx, filepath.Join(f.s.blobDir(), d.Hex()), file)
		if fatal != nil {
			return fatal
		}
		if f.bases[d] = wrong; wrong != nil {
			bad = append(bad, file)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	if f.o.Repair {
		q, err := f.s.alone(ctx) // nobody puts a whole one in its place meanwhile
		if err != nil {
			return err
		}
		defer q.release()
	}
	held, err := f.s.making(nil)
	if err != nil {
		return err
	}
	for _, file := range bad {
		if err := f.badBase(ctx, file, held); err != nil {
			return err
		}
	}
	return nil
}

// badBase sets a damaged base aside, so that a whole one can come in its place.
func (f *fsck) badBase(ctx context.Context, file File, held []string) error {
	x := Finding{
		What: f.bases[file.Digest].Error(), Repair: "set it aside, so that it can be stored anew", Lost: file.Name,
		Next: "generations on it serve again when it is back: fetch the release or import the bundle that brings it, or adapt with it as --base",
	}
	path := filepath.Join(f.s.blobDir(), file.Digest.Hex())
	return f.found(x, func() error {
		if slices.ContainsFunc(held, func(name string) bool { return purpose(name) == "blob" }) {
			return fmt.Errorf("%s cannot be set aside while a base is being stored: %w", file.Name, ErrLocked)
		}
		if wrong, fatal := damage(verifyFile(ctx, path, file)); wrong == nil {
			f.bases[file.Digest] = nil
			return fatal
		}
		_, err := f.s.setAside(path, "base-"+file.Digest.Hex())
		return err
	})
}

// checkScratches looks for what dead processes left half-made, before repairing
// makes anything.
func (f *fsck) checkScratches() error {
	held, err := f.s.making(nil)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(f.s.tmpDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dead := len(entries) - len(held)
	if dead <= 0 {
		return nil
	}
	x := Finding{What: fmt.Sprintf("half-made things in tmp/ whose makers are gone: %d", dead), Note: true, Repair: "remove them"}
	return f.found(x, f.s.sweepNow)
}

// compareBool has false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
