package models

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
)

// checkRecords looks for torn lines in what was appended line by line, for an
// activation that is in active.json alone, and at the count of starts.
func (f *fsck) checkRecords(task string) error {
	for _, path := range []string{f.s.historyPath(task), f.s.marksPath(task)} {
		if err := f.checkLines(task, path); err != nil {
			return err
		}
	}
	recorded, err := f.s.lastRecorded(task)
	if err != nil {
		return err
	}
	if active, err := f.s.Active(task); err == nil && active.Number > recorded.Number {
		x := Finding{Task: task, Note: true, What: fmt.Sprintf("activation %d is not in the history yet", active.Number), Repair: "record it"}
		if err := f.found(x, func() error { return f.s.record(task, active) }); err != nil {
			return err
		}
	}
	data, err := readLimited(f.s.startsPath(task), maxStartsBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(data) > maxStartsBytes || !json.Valid(data) {
		x := Finding{Task: task, Note: true, What: "starts.json is damaged", Repair: "remove it", Lost: "the count of failed starts"}
		return f.found(x, func() error {
			return errors.Join(f.s.disk.Remove(f.s.startsPath(task)), f.s.disk.SyncDir(f.s.taskDir(task)))
		})
	}
	return nil
}

// checkLines takes out of a record what is no JSON. What is JSON stays, known or
// not.
func (f *fsck) checkLines(task, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size() > maxHistoryBytes {
		return err // of one that long readers see the end, and skip what is torn
	}
	data, err := readLimited(path, maxHistoryBytes)
	if err != nil {
		return err
	}
	var whole []byte
	torn := 0
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case json.Valid(line):
			whole = append(append(whole, line...), '\n')
		default:
			torn++
		}
	}
	if torn == 0 {
		return nil
	}
	x := Finding{
		Task: task, Note: true, What: fmt.Sprintf("torn lines in %s: %d", info.Name(), torn),
		Repair: "take them out", Lost: "what these lines said",
	}
	return f.found(x, func() error { return f.s.replace(path, whole) })
}

// checkCounter sees that no number is given twice.
func (f *fsck) checkCounter(task string, numbers []int) error {
	data, err := readLimited(f.s.counterPath(task), 64)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	counter, parseErr := strconv.Atoi(string(bytes.TrimSpace(data)))
	if parseErr != nil || counter > maxNumber {
		counter = 0
	}
	past, err := f.s.History(task)
	if err != nil {
		return err
	}
	marks, err := f.s.marks(task)
	if err != nil {
		return err
	}
	highest := slices.Max(append(numbers, counter))
	for _, a := range past {
		highest = max(highest, a.Current, a.Previous)
	}
	for _, m := range marks {
		highest = max(highest, m.Generation)
	}
	if highest == counter {
		return nil
	}
	x := Finding{
		Task: task, What: fmt.Sprintf("the counter of generations is damaged, missing or behind: at least %d were made", highest),
		Repair: fmt.Sprintf("set it to %d", highest),
	}
	return f.found(x, func() error { return f.s.claimNumber(task, highest) })
}

// checkPins sees that the pins can be read and that what they keep is there.
func (f *fsck) checkPins(task string, all []condition) error {
	pins, err := f.s.Pins(task)
	if errors.Is(err, ErrDamaged) {
		x := Finding{
			Task: task, What: err.Error(), Repair: "set it aside", Lost: "which generations were pinned",
			Next: "pin them again: edge models pin N --task " + task,
		}
		return f.found(x, func() error {
			_, err := f.s.setAside(f.s.pinsPath(task), "pins-"+task+".json")
			return err
		})
	}
	if err != nil {
		return err
	}
	var kept []Pin
	for _, p := range pins {
		i := slices.IndexFunc(all, func(c condition) bool { return c.n == p.Generation })
		switch {
		case i < 0 || all[i].lost() && all[i].heir == 0:
			x := Finding{Task: task, Generation: p.Generation, What: "it is pinned, and it is damaged or missing", Repair: "take the pin away"}
			if err := f.found(x, func() error { return nil }); err != nil {
				return err
			}
			continue
		case all[i].heir > 0:
			p.Generation = all[i].heir
		}
		kept = append(kept, p)
	}
	if !f.o.Repair || slices.Equal(pins, kept) {
		return nil
	}
	slices.SortFunc(kept, func(a, b Pin) int { return cmp.Compare(a.Generation, b.Generation) })
	kept = slices.CompactFunc(kept, func(a, b Pin) bool { return a.Generation == b.Generation })
	return f.s.writePins(task, kept)
}
