package models

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
)

// plan is what is in the store, and what of it is to go.
type plan struct {
	tasks   []taskPlan
	blobs   []blob
	usage   Usage
	notes   []string
	foreign string // a generation whose base nobody can tell: no base goes
	lost    bool   // what Fsck set aside goes
}

// taskPlan is a task's part of a plan.
type taskPlan struct {
	name    string
	entries []entry // in rising order
}

// entry is a generation in a plan.
type entry struct {
	task    string
	n       int
	bytes   int64
	base    digest.Digest // "" if nobody can tell
	created time.Time
	damaged bool
	newer   bool // a newer edge made it

	rule rule
	why  string
}

// rule is why a generation stays.
type rule int

const (
	goes     rule = iota
	amongst       // the newest: goes if the store is beyond its limit
	required      // stays whatever happens
)

func (e entry) goes() bool  { return e.rule == goes }
func (e entry) stays() bool { return e.rule != goes }

func (t taskPlan) anyGoes() bool { return slices.ContainsFunc(t.entries, entry.goes) }

type blob struct {
	digest digest.Digest
	bytes  int64
}

// plan decides what goes, from what the store holds at this moment.
func (s *Store) plan(o GCOptions) (plan, error) {
	p, err := s.inventory()
	if err != nil {
		return p, err
	}
	for i := range p.tasks {
		if note := p.tasks[i].decide(s, o); note != "" {
			p.notes = append(p.notes, note)
		}
	}
	if p.foreign != "" {
		p.notes = append(p.notes, fmt.Sprintf("bases stay: nobody knows the base of %s", p.foreign))
	}
	if p.usage, err = s.Usage(); err != nil {
		return p, err
	}
	p.lost = o.Lost
	if o.Limit > 0 {
		p.shrink(o.Limit)
	}
	return p, nil
}

// inventory lists generations and bases, and decides nothing.
func (s *Store) inventory() (plan, error) {
	var p plan
	tasks, err := s.Tasks()
	if err != nil {
		return p, err
	}
	for _, task := range tasks {
		t := taskPlan{name: task}
		numbers, err := s.numbers(task)
		if err != nil {
			return p, err
		}
		for _, n := range numbers {
			e, err := s.entry(task, n)
			if errors.Is(err, ErrNotFound) {
				continue // gone meanwhile
			}
			if err != nil {
				return p, err
			}
			if e.newer && e.base == "" {
				p.foreign = fmt.Sprintf("generation %d of task %q, which a newer edge made", n, task)
			}
			t.entries = append(t.entries, e)
		}
		p.tasks = append(p.tasks, t)
	}
	p.blobs, err = s.blobs()
	return p, err
}

// entry looks at a generation. One that is damaged is no error.
func (s *Store) entry(task string, n int) (entry, error) {
	e := entry{task: task, n: n, bytes: treeBytes(s.generationDir(task, n))}
	g, err := s.load(task, n)
	switch {
	case err == nil:
		e.base, e.created = g.Base.Digest, g.Created
		return e, nil
	case errors.Is(err, ErrNewer):
		e.newer = true
	case errors.Is(err, ErrDamaged):
		e.damaged = true
	default:
		return e, err
	}
	// What it names as its base, in whatever form the rest is.
	data, err := readLimited(filepath.Join(s.generationDir(task, n), ManifestName), maxManifestBytes)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, err
	}
	var m struct {
		Base struct{ Digest digest.Digest }
	}
	if json.Unmarshal(data, &m) == nil {
		if _, err := digest.Parse(string(m.Base.Digest)); err == nil {
			e.base = m.Base.Digest
		}
	}
	return e, nil
}

// blobs lists the bases. What is not named by a digest is none.
func (s *Store) blobs() ([]blob, error) {
	files, err := os.ReadDir(s.blobDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var blobs []blob
	for _, f := range files {
		d, err := digest.Parse("sha256:" + f.Name())
		if err != nil || !f.Type().IsRegular() {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, blob{d, info.Size()})
	}
	return blobs, nil
}

// orphans returns the bases that none of the generations that count names; none
// if nobody knows what one of them names.
func (p plan) orphans(counts func(entry) bool) []blob {
	if p.foreign != "" {
		return nil
	}
	named := make(map[digest.Digest]bool)
	for _, t := range p.tasks {
		for _, e := range t.entries {
			named[e.base] = named[e.base] || counts(e)
		}
	}
	return slices.DeleteFunc(slices.Clone(p.blobs), func(b blob) bool { return named[b.digest] })
}

func all(entry) bool { return true }

// decide gives each entry its rule. The note says why the task stays as it is.
func (t *taskPlan) decide(s *Store, o GCOptions) (note string) {
	keep, err := s.required(t.name)
	if err != nil {
		for i := range t.entries {
			t.entries[i].rule, t.entries[i].why = required, "its task is damaged"
		}
		return fmt.Sprintf("task %s stays as it is: %v", t.name, err)
	}
	whole := 0
	for i := range slices.Backward(t.entries) {
		e := &t.entries[i]
		reasons := keep[e.n]
		switch {
		case len(reasons) > 0:
			e.rule, e.why = required, strings.Join(reasons, ", ")
		case e.newer:
			e.rule, e.why = required, "a newer edge made it"
		case i == len(t.entries)-1:
			e.rule, e.why = required, "newest"
		case whole < o.Newest:
			e.rule, e.why = amongst, fmt.Sprintf("among the newest %d", o.Newest)
		default:
			e.rule, e.why = goes, "old"
		}
		if !e.damaged && !e.newer {
			whole++
		}
	}
	return ""
}

// reconsider takes from what is to go what must stay by now. Needs the task's
// lock.
func (t *taskPlan) reconsider(s *Store, o GCOptions) {
	again := taskPlan{t.name, slices.Clone(t.entries)}
	again.decide(s, o)
	for i, e := range again.entries {
		if e.rule == required {
			t.entries[i].rule, t.entries[i].why = e.rule, e.why
		}
	}
}

// required says which generations of a task stay whatever happens, and why. An
// error means that nobody knows.
func (s *Store) required(task string) (map[int][]string, error) {
	active, err := s.pointers(task)
	if err != nil {
		return nil, err
	}
	if !active.stand && active.Current > 0 {
		return nil, fmt.Errorf("active.json is %w or gone", ErrDamaged)
	}
	if _, err := s.Active(task); errors.Is(err, ErrDamaged) {
		return nil, err
	}
	pins, err := s.Pins(task)
	if err != nil {
		return nil, err
	}
	marks, err := s.Good(task)
	if err != nil {
		return nil, err
	}
	keep := make(map[int][]string)
	say := func(n int, why string) { keep[n] = append(keep[n], why) }
	say(active.Current, "in use")
	say(active.Previous, "previous")
	for _, p := range pins {
		say(p.Generation, "pinned")
	}
	// The last good one, and where a rollback from it would go.
	for _, m := range slices.Backward(marks) {
		if _, err := s.load(task, m.Generation); err != nil {
			continue
		}
		say(m.Generation, "good")
		if m.Generation != active.Current {
			break
		}
	}
	return keep, nil
}

// shrink lets go of more until the store is within limit bytes, or nothing is
// left that may go.
func (p *plan) shrink(limit int64) {
	after := func() int64 {
		total := p.usage.Total()
		if p.lost {
			total -= p.usage.Lost
		}
		for _, t := range p.tasks {
			for _, e := range t.entries {
				if e.goes() {
					total -= e.bytes
				}
			}
		}
		for _, b := range p.orphans(entry.stays) {
			total -= b.bytes
		}
		return total
	}
	if after() > limit {
		p.lost = true
	}
	var spare []*entry
	for i := range p.tasks {
		for j := range p.tasks[i].entries {
			if e := &p.tasks[i].entries[j]; e.rule == amongst {
				spare = append(spare, e)
			}
		}
	}
	slices.SortStableFunc(spare, func(a, b *entry) int { return a.created.Compare(b.created) })
	for _, e := range spare {
		if after() <= limit {
			return
		}
		e.rule, e.why = goes, "the store is beyond its limit"
	}
}
