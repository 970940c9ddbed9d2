package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// checkTask examines a task, its generations first: what points to them follows.
func (f *fsck) checkTask(ctx context.Context, task string) error {
	if f.o.Repair {
		lock, err := f.s.lockTask(ctx, task)
		if err != nil {
			return err
		}
		defer lock.release()
	}
	numbers, err := f.s.numbers(task)
	if err != nil {
		return err
	}
	f.r.Tasks++
	if err := f.settle(task, numbers); err != nil {
		return err
	}
	if err := f.foreignNames(task, len(numbers)); err != nil {
		return err
	}
	var all []condition
	for _, n := range numbers {
		f.r.Generations++
		c, err := f.examine(ctx, task, n)
		if err != nil {
			return err
		}
		if _, err := os.Stat(c.dir); errors.Is(err, fs.ErrNotExist) {
			f.r.Generations--
			continue // collected meanwhile
		}
		all = append(all, c)
	}
	if err := f.checkRecords(task); err != nil {
		return err
	}
	if err := f.checkCounter(task, numbers); err != nil { // before a number is given
		return err
	}
	for i := range all {
		if err := f.mend(ctx, &all[i], all); err != nil {
			return err
		}
	}
	if err := f.checkPins(task, all); err != nil {
		return err
	}
	current, err := f.checkPointers(task, all)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := f.dispose(task, c, c.n == current); err != nil {
			return err
		}
	}
	return nil
}

// settle makes durable what is there, which somebody may have renamed and died:
// what is found whole must not be damaged again after a power cut.
func (f *fsck) settle(task string, numbers []int) error {
	if !f.o.Repair {
		return nil
	}
	dirs := []string{f.s.dir, f.s.lostDir(), f.s.taskDir(task)}
	if len(numbers) > 0 {
		dirs = append(dirs, f.s.numbersDir(task), f.s.blobDir())
	}
	for _, n := range numbers {
		dirs = append(dirs, f.s.generationDir(task, n))
	}
	for _, dir := range dirs {
		if err := f.s.disk.SyncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// foreignNames notes what lies among the generations and is none.
func (f *fsck) foreignNames(task string, generations int) error {
	entries, err := os.ReadDir(f.s.numbersDir(task))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if n := len(entries) - generations; n > 0 {
		f.note(Finding{Task: task, What: fmt.Sprintf("things among the generations that are none: %d", n)})
	}
	return nil
}

// checkPointers sees that the generation in use, and the one before, are whole,
// and returns the one that is in use then.
func (f *fsck) checkPointers(task string, all []condition) (current int, err error) {
	active, err := f.s.pointers(task)
	if err != nil {
		return 0, err
	}
	_, activeErr := f.s.Active(task)
	if active.Current == 0 && errors.Is(activeErr, ErrNotFound) {
		return 0, nil // nothing was ever activated
	}
	is := func(n int) condition {
		i := slices.IndexFunc(all, func(c condition) bool { return c.n == n })
		if i < 0 {
			return condition{wrong: fmt.Errorf("generation %d is missing: %w", n, ErrDamaged)}
		}
		return all[i]
	}
	now := is(active.Current)
	x := Finding{Task: task}
	switch {
	case !active.stand:
		x.What = fmt.Sprintf("active.json is missing, which said that generation %d is in use", active.Current)
		if errors.Is(activeErr, ErrDamaged) {
			x.What = activeErr.Error()
		}
	case now.newer:
		return active.Current, nil
	case !now.whole():
		x.What = fmt.Sprintf("generation %d is in use and is damaged or missing", active.Current)
	case active.Previous > 0 && !is(active.Previous).newer && !is(active.Previous).whole():
		x.What = fmt.Sprintf("generation %d, in use before, is damaged or missing", active.Previous)
	default:
		return active.Current, nil
	}
	choice, err := f.refuges(task, active.Activation, all)
	if err != nil {
		return 0, err
	}
	if len(choice) == 0 {
		x.Next = "nothing whole is left to use instead: train again, or fetch a release"
		x.Lost = "what the task has learned"
		return active.Current, f.found(x, nil)
	}
	previous := 0
	switch {
	case active.Previous != choice[0] && slices.Contains(choice, active.Previous):
		previous = active.Previous
	case len(choice) > 1:
		previous = choice[1]
	}
	x.Repair = fmt.Sprintf("use generation %d", choice[0])
	if choice[0] == active.Current {
		x.Repair = fmt.Sprintf("note generation %d as the one before", previous)
		if !active.stand {
			x.Repair = fmt.Sprintf("write it anew for generation %d", choice[0])
		}
	}
	return choice[0], f.found(x, func() error {
		return f.s.appoint(task, active, choice[0], previous, clip("fsck: "+x.What))
	})
}

// refuges returns the whole generations in the order in which they are to be
// used: what is in use or was made of it, what was marked good, the latest mark
// first, what was in use before, and the others, the newest first. What was rolled
// back from comes last.
func (f *fsck) refuges(task string, active Activation, all []condition) ([]int, error) {
	marks, err := f.s.marks(task)
	if err != nil {
		return nil, err
	}
	heir := func(n int) int {
		for _, c := range all {
			if c.n == n {
				return c.heir
			}
		}
		return 0
	}
	var order, bad []int
	order = append(order, active.Current, heir(active.Current))
	for _, m := range slices.Backward(marks) {
		if m.Good {
			order = append(order, m.Generation, heir(m.Generation))
		} else {
			bad = append(bad, m.Generation)
		}
	}
	order = append(order, active.Previous, heir(active.Previous))
	for _, c := range slices.Backward(all) {
		order = append(order, c.n, c.heir)
	}
	whole := make(map[int]bool)
	for _, c := range all {
		whole[c.n] = whole[c.n] || c.whole()
		whole[c.heir] = true
	}
	var first, then []int
	for _, n := range order {
		switch {
		case n == 0 || !whole[n] || slices.Contains(first, n) || slices.Contains(then, n):
		case n != active.Current && slices.Contains(bad, n):
			then = append(then, n)
		default:
			first = append(first, n)
		}
	}
	return append(first, then...), nil
}
