package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/adapt/rebase"
)

// Rebase is how a head for a new base compares with the one that was in use. Its
// JSON has the fields of the outcome beside its own.
type Rebase struct {
	*rebase.Outcome
	Release int `json:"release,omitempty"` // that brought the base; 0: none
	// From is the base of the head that was in use, and Generation its number; 0:
	// nothing was.
	From       Base `json:"from,omitzero"`
	Generation int  `json:"from_generation,omitempty"`

	// Thumbnails are small pictures of flipped images, JPEG, by their paths. Those
	// without one are shown by name.
	Thumbnails map[string][]byte `json:"-"`
}

// WorstFlips returns at most limit of the flips: those that lose an image first,
// then those that gain one, each with the surest first, and equal scores by path.
// A caller that makes thumbnails need only make them for these.
func WorstFlips(flips []rebase.Flip, limit int) []rebase.Flip {
	rank := func(f rebase.Flip) int {
		switch {
		case f.Lost():
			return 0
		case f.Gained():
			return 1
		}
		return 2
	}
	sorted := slices.Clone(flips)
	slices.SortStableFunc(sorted, func(a, b rebase.Flip) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.After.Score, a.After.Score), cmp.Compare(a.Path, b.Path))
	})
	return sorted[:min(limit, len(sorted))]
}

// headline says what became of it.
func (r *Rebase) headline() string {
	if r.Verdict.Activate {
		return "The new head takes the place of the one in use."
	}
	return "The new head is refused: what was in use stays."
}

// flipCounts says how many images flipped, and which way.
func (r *Rebase) flipCounts() string {
	lost, gained := 0, 0
	for _, f := range r.Flipped {
		switch {
		case f.Lost():
			lost++
		case f.Gained():
			gained++
		}
	}
	if len(r.Flipped) == 0 {
		if r.Compared == 0 {
			return "No image was compared."
		}
		return fmt.Sprintf("None: both heads say the same of %s.", plural(r.Compared, "held-out image", "held-out images"))
	}
	return fmt.Sprintf("%d of %s: %d right before and wrong now, %d wrong before and right now, %d wrong in another way.",
		len(r.Flipped), plural(r.Compared, "held-out image", "held-out images"), lost, gained, len(r.Flipped)-lost-gained)
}

// notes are the changes and conflicts, a sentence each, fit to show.
func (r *Rebase) notes() []string {
	var notes []string
	add := func(words string, labels []string) {
		if len(labels) == 0 {
			return
		}
		const most = 20
		var names []string
		for _, label := range labels[:min(most, len(labels))] {
			names = append(names, clean(label))
		}
		if more := len(labels) - most; more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		notes = append(notes, words+": "+strings.Join(names, ", ")+".")
	}
	add("Classes that would be lost", r.Lost)
	add("New classes", r.Added)
	if r.Costly != nil {
		add("Classes of the release that are left out, since a head that knows them too tells the device's own less well ("+r.Costly.Reason+")", r.LeftOut)
	} else {
		add("Classes of the release that are left out, since neither samples nor exemplars show them", r.LeftOut)
	}
	for _, c := range r.Conflicts {
		notes = append(notes, "Conflict: "+clean(c.String())+".")
	}
	if r.Unknown > 0 {
		notes = append(notes, fmt.Sprintf("%s not compared: the head in use does not know the class, or the file was gone.", plural(r.Unknown, "held-out image was", "held-out images were")))
	}
	return notes
}
