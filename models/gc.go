package models

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/fsops"
)

// DefaultNewest is how many of a task's newest generations GC keeps.
const DefaultNewest = 3

// GCOptions say what GC keeps beside what it always keeps.
type GCOptions struct {
	// Newest generations of each task are kept, by number. Zero: DefaultNewest.
	Newest int
	// Limit is how many bytes the store may take. Beyond it, what Fsck set aside
	// goes, and then the oldest of the newest generations, but the very newest of
	// each task. Zero: no limit.
	Limit int64
	// Lost removes what Fsck set aside.
	Lost bool
	// DryRun changes nothing, and takes no lock.
	DryRun bool
}

// GCItem is a generation, or a base that no generation names, and what becomes
// of it.
type GCItem struct {
	Task       string        `json:"task,omitempty"`
	Generation int           `json:"generation,omitempty"` // zero: a base
	Base       digest.Digest `json:"base,omitempty"`       // that the generation names, or the base itself
	Bytes      int64         `json:"bytes"`                // of a generation without its base
	Why        string        `json:"why"`                  // it goes or stays, in words
}

// GCReport is what GC removed and kept; of a dry run, what it would.
type GCReport struct {
	Removed []GCItem `json:"removed"` // generations, then bases
	Kept    []GCItem `json:"kept"`
	Notes   []string `json:"notes,omitempty"` // what stays for now, and why
	Freed   int64    `json:"freed"`           // bytes
	Bytes   int64    `json:"bytes"`           // that the store takes then
	Limit   int64    `json:"limit,omitempty"`
	DryRun  bool     `json:"dry_run,omitempty"`
}

// Over is by how many bytes the store is beyond its limit all the same.
func (r GCReport) Over() int64 {
	if r.Limit == 0 {
		return 0
	}
	return max(0, r.Bytes-r.Limit)
}

// GC removes generations that nobody needs, and the bases that none is left to
// name. It keeps, of each task, the generation in use and the previous one, the
// one that was marked good last and the one a rollback would go to, the pinned,
// and the newest; what a newer edge made; what is being made; and a task whose
// pointers or pins are damaged as it is.
//
// A generation goes in one step for any reader. A process killed at any instant,
// or a power cut, leaves it whole or gone; what it left is swept by the next
// write, and bases by the next GC. GC waits for other changes until ctx ends.
// The report tells what was done with an error, too.
func (s *Store) GC(ctx context.Context, o GCOptions) (GCReport, error) {
	if o.Newest < 0 || o.Limit < 0 {
		return GCReport{}, fmt.Errorf("collect: newest %d, limit %d: want 0 or more", o.Newest, o.Limit)
	}
	if o.Newest == 0 {
		o.Newest = DefaultNewest
	}
	r := GCReport{Removed: []GCItem{}, Kept: []GCItem{}, Limit: o.Limit, DryRun: o.DryRun}
	if err := s.collect(ctx, o, &r); err != nil {
		return r, fmt.Errorf("collect: %w", s.explain(err))
	}
	return r, nil
}

func (s *Store) collect(ctx context.Context, o GCOptions, r *GCReport) error {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	p, err := s.plan(o)
	if err != nil {
		return err
	}
	r.Notes = p.notes
	if o.DryRun {
		return s.pretend(p, r)
	}
	if err := s.sweepNow(); err != nil {
		return err
	}
	for i, t := range p.tasks {
		if err := s.collectTask(ctx, o, &p.tasks[i], r); err != nil {
			return fmt.Errorf("task %q: %w", t.name, err)
		}
	}
	if err := s.collectBases(ctx, p.lost, r); err != nil {
		return err
	}
	usage, err := s.Usage()
	r.Bytes = usage.Total()
	return err
}

// pretend reports what would be done.
func (s *Store) pretend(p plan, r *GCReport) error {
	for _, t := range p.tasks {
		for _, e := range t.entries {
			r.add(e, e.stays())
		}
	}
	held, err := s.making(nil)
	if err != nil {
		return err
	}
	if len(held) > 0 {
		r.Notes = append(r.Notes, basesStay(held))
	} else {
		for _, b := range p.orphans(entry.stays) {
			r.addBase(b)
		}
	}
	if p.lost {
		r.Freed += p.usage.Lost
	}
	r.Bytes = p.usage.Total() - r.Freed
	return nil
}

func (r *GCReport) add(e entry, stays bool) {
	item := GCItem{e.task, e.n, e.base, e.bytes, e.why}
	if stays {
		r.Kept = append(r.Kept, item)
		return
	}
	r.Removed = append(r.Removed, item)
	r.Freed += e.bytes
}

func (r *GCReport) addBase(b blob) {
	r.Removed = append(r.Removed, GCItem{Base: b.digest, Bytes: b.bytes, Why: "no generation names it"})
	r.Freed += b.bytes
}

func basesStay(held []string) string {
	return fmt.Sprintf("bases stay: something is being made (%s)", purpose(held[0]))
}

// collectTask removes what is to go of a task, after looking again at what must
// stay.
func (s *Store) collectTask(ctx context.Context, o GCOptions, t *taskPlan, r *GCReport) error {
	if !t.anyGoes() {
		for _, e := range t.entries {
			r.add(e, true)
		}
		return nil
	}
	taken, err := s.takeAll(ctx, o, t, r)
	for _, sc := range taken {
		if err != nil {
			sc.keep() // for the sweeper: it may not be durable yet that it was taken
		}
		err = errors.Join(err, sc.discard())
	}
	return err
}

// takeAll takes what is to go of a task out of its folder, durably.
func (s *Store) takeAll(ctx context.Context, o GCOptions, t *taskPlan, r *GCReport) (taken []*scratch, err error) {
	lock, err := s.lockTask(ctx, t.name)
	if err != nil {
		return nil, err
	}
	defer lock.release()
	t.reconsider(s, o)
	for _, e := range t.entries {
		if e.goes() {
			sc, err := s.take(e)
			switch {
			case errors.Is(err, unix.EWOULDBLOCK):
				e.rule, e.why = required, "is being made"
			case errors.Is(err, fs.ErrNotExist):
				continue // another GC was faster
			case err != nil:
				return taken, err
			default:
				taken = append(taken, sc)
			}
		}
		r.add(e, e.stays())
	}
	if len(taken) == 0 {
		return nil, nil
	}
	return taken, s.syncTaken(taken[0].dir)
}

// take moves a generation to tmp/, where it is a scratch like any other: nothing
// new is made, since the disk may be full. The error is EWOULDBLOCK if its maker
// still holds it.
func (s *Store) take(e entry) (*scratch, error) {
	dir := s.generationDir(e.task, e.n)
	owner, err := hold(dir)
	if err != nil {
		return nil, err
	}
	to := filepath.Join(s.tmpDir(), fmt.Sprintf("%s%s-%d-%s", takenPrefix, e.task, e.n, rand.Text()))
	if err := s.disk.Rename(dir, to); err != nil {
		owner.Close()
		return nil, err
	}
	return &scratch{disk: s.disk, dir: to, owner: owner}, nil
}

const takenPrefix = "gc-"

// syncTaken makes durable that what take moved to dir is no longer in its task's
// folder. Of any other scratch it does nothing.
func (s *Store) syncTaken(dir string) error {
	name, ok := strings.CutPrefix(filepath.Base(dir), takenPrefix)
	if !ok {
		return nil
	}
	for range 2 { // the random part and the number, neither of which has a hyphen
		name = name[:max(0, strings.LastIndexByte(name, '-'))]
	}
	if err := s.disk.SyncDir(s.tmpDir()); err != nil {
		return err
	}
	if CheckTask(name) != nil {
		return nil //nolint:nilerr // a name of another kind of folder
	}
	if err := s.disk.SyncDir(s.numbersDir(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// collectBases removes the bases that no generation names, unless something is
// being made that may come to name one, and what Fsck set aside if lost says so.
func (s *Store) collectBases(ctx context.Context, lost bool, r *GCReport) error {
	q, err := s.alone(ctx)
	if err != nil {
		return err
	}
	defer q.release()
	held, err := s.making(nil)
	if err != nil {
		return err
	}
	// In this order: what is not being made any more has its generation by now.
	now, err := s.inventory()
	if err != nil {
		return err
	}
	if lost {
		r.Freed += treeBytes(s.lostDir())
		if err := errors.Join(fsops.RemoveTree(s.disk, s.lostDir()), s.disk.SyncDir(s.dir)); err != nil {
			return err
		}
	}
	if len(now.blobs) == 0 {
		return nil
	}
	orphans := now.orphans(all)
	if len(orphans) > 0 && len(held) > 0 {
		r.Notes = append(r.Notes, basesStay(held))
		return nil
	}
	for _, t := range now.tasks {
		if err := s.disk.SyncDir(s.numbersDir(t.name)); err != nil {
			return err
		}
	}
	for _, b := range orphans {
		if err := s.disk.Remove(filepath.Join(s.blobDir(), b.digest.Hex())); err != nil {
			return err
		}
		r.addBase(b)
	}
	// Also for what a process that died removed before.
	return s.disk.SyncDir(s.blobDir())
}
