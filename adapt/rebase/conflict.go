package rebase

import (
	"fmt"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
)

// ConflictKind is in what device and release do not agree.
type ConflictKind string

// The kinds of conflict.
const (
	// Spelling is one name written in two ways.
	Spelling ConflictKind = "spelling"
	// Meaning is one name for what looks like two things: the published head takes
	// most of the device's own samples of the class for another class.
	Meaning ConflictKind = "meaning"
)

// Conflict is a class about which device and release do not agree. The device's
// word holds: its samples, and its spelling.
type Conflict struct {
	Kind   ConflictKind `json:"kind"`
	Device string       `json:"device"` // the class, as the device names it
	Server string       `json:"server"` // as the release spells it, or what its head takes the samples for
	// Apart is true of spellings that could not be united: the new head knows both
	// classes.
	Apart bool `json:"apart,omitempty"`
	// Images is how many of the Of samples that the device trains the class with
	// the published head takes for Server, of a conflict of Meaning.
	Images int `json:"images,omitempty"`
	Of     int `json:"of,omitempty"`
}

// String is the conflict as a sentence.
func (c Conflict) String() string {
	switch {
	case c.Kind == Meaning:
		return fmt.Sprintf("the published head takes %d of %d samples of %q for %q: the device's samples decide, and what the release knows of the class is left out", c.Images, c.Of, c.Device, c.Server)
	case c.Apart:
		return fmt.Sprintf("the release's class %q may be the device's %q: it stays a class of its own", c.Server, c.Device)
	}
	return fmt.Sprintf("the release's class %q is taken for the device's %q, whose spelling stays", c.Server, c.Device)
}

// minMeaning is how many samples of a class a conflict of Meaning takes: of fewer
// chance may mislead most.
const minMeaning = 3

// meanings compares what the published head makes of the device's training
// samples with their labels. labels are the new head's, and of set.
func meanings(server *head.Head, names []string, set adapt.Set, labels []string) []Conflict {
	of := make([]int, len(labels))
	seen := make([]map[string]int, len(labels))
	scorer := server.Scorer()
	for i, label := range set.Labels {
		if seen[label] == nil {
			seen[label] = map[string]int{}
		}
		top, _ := adapt.Top(scorer(set.Row(i)))
		seen[label][names[top]]++
		of[label]++
	}
	var conflicts []Conflict
	for class, label := range labels {
		if of[class] < minMeaning || !slices.Contains(names, label) {
			continue
		}
		for as, images := range seen[class] {
			if as != label && 2*images > of[class] { // of one class at most
				conflicts = append(conflicts, Conflict{Kind: Meaning, Device: label, Server: as, Images: images, Of: of[class]})
			}
		}
	}
	return conflicts
}
