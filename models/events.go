package models

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// EventKind is what happened to a generation.
type EventKind string

// The kinds of events.
const (
	Made      EventKind = "made"
	Activated EventKind = "activated"
	Good      EventKind = "good"   // it was marked so
	Bad       EventKind = "bad"    // it was rolled back from
	Pinned    EventKind = "pinned" // and still is
)

// Event is something that happened to a generation: when, who, why.
type Event struct {
	Kind       EventKind `json:"event"`
	Generation int       `json:"generation"`
	Previous   int       `json:"previous,omitempty"` // of Activated: in use until then
	When       time.Time `json:"when,omitzero"`      // by this device's clock, which may be wrong
	Who        string    `json:"who,omitempty"`      // user name; of Made the version of the program
	Why        string    `json:"why,omitempty"`
}

// Events returns what happened to a task's generations, the oldest first. Those
// of one kind are in the order in which they happened, whatever the clock said;
// between kinds the clock decides. Who made a generation that is gone, or gave up
// a pin, is not on record.
//
// Like Generations it returns what it could read even with an error.
func (s *Store) Events(task string) ([]Event, error) {
	generations, madeErr := s.Generations(task)
	if CheckTask(task) != nil {
		return nil, madeErr
	}
	past, err := s.History(task)
	if err != nil {
		return nil, err
	}
	marks, err := s.everyMark(task)
	if err != nil {
		return nil, fmt.Errorf("marks of task %q: %w", task, err)
	}
	pins, pinsErr := s.Pins(task)
	var made, activated, marked, pinned []Event
	for _, g := range generations {
		made = append(made, Event{Kind: Made, Generation: g.Generation, When: g.Created, Who: "edge " + g.Edge, Why: g.Reason})
	}
	for _, a := range past {
		activated = append(activated, Event{Activated, a.Current, a.Previous, a.When, a.Who, a.Why})
	}
	for _, m := range marks {
		kind := Bad
		if m.Good {
			kind = Good
		}
		marked = append(marked, Event{Kind: kind, Generation: m.Generation, When: m.When, Who: m.Who, Why: m.Why})
	}
	for _, p := range pins {
		pinned = append(pinned, Event{Kind: Pinned, Generation: p.Generation, When: p.When, Who: p.Who, Why: p.Why})
	}
	return merge(made, marked, activated, pinned), errors.Join(madeErr, pinsErr)
}

// merge joins lists by time, each in its own order. Of equal times the earlier
// list is first.
func merge(lists ...[]Event) []Event {
	var all []Event
	for {
		first := -1
		for i, l := range lists {
			if len(l) > 0 && (first < 0 || l[0].When.Before(lists[first][0].When)) {
				first = i
			}
		}
		if first < 0 {
			return all
		}
		all = append(all, lists[first][0])
		lists[first] = lists[first][1:]
	}
}

// everyMark returns all marks, the oldest first. A line that a crash tore is
// skipped.
func (s *Store) everyMark(task string) ([]Mark, error) {
	data, err := readTail(s.marksPath(task), maxHistoryBytes)
	if err != nil {
		return nil, err
	}
	var all []Mark
	for line := range bytes.Lines(data) {
		if m, err := parseMark(line); err == nil {
			all = append(all, m)
		}
	}
	return all, nil
}
