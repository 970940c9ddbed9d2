package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
)

// The sentences that the terminal and the page share.

// label returns the name of a class, fit to show.
func (r *Run) label(class int) string {
	if class < 0 || class >= len(r.Labels) {
		return fmt.Sprintf("class %d", class)
	}
	return clean(r.Labels[class])
}

func imagesText(i adapt.Images, conflicts int) string {
	parts := []string{fmt.Sprintf("%d train", i.Train), fmt.Sprintf("%d validation", i.Val)}
	if i.Test > 0 {
		parts = append(parts, fmt.Sprintf("%d test", i.Test))
	}
	parts = append(parts, fmt.Sprintf("%d skipped", i.Skipped), plural(i.Duplicates, "duplicate", "duplicates"))
	if conflicts > 0 {
		parts = append(parts, plural(conflicts, "conflict", "conflicts"))
	}
	return plural(i.Total, "image", "images") + " found: " + strings.Join(parts, ", ")
}

func (c Cache) sentence() string {
	return fmt.Sprintf("features of %d of %s were there already", c.Hits, plural(c.Hits+c.Misses, "image", "images"))
}

func (c Calibration) sentence() string {
	scores := "scores are the head's own"
	if c.Temperature != 1 {
		scores = fmt.Sprintf("temperature %.2f", c.Temperature)
	}
	if c.Unknown {
		return scores + ", pictures of none of the classes are called unknown"
	}
	return scores + ", nothing is called unknown: " + clean(c.Note)
}

func secondsText(r *Run) string {
	rest := max(0, r.Seconds.Total-r.Seconds.Features-r.Seconds.Train)
	return fmt.Sprintf("%s: features %s, training %s, the rest %s",
		duration(r.Seconds.Total), duration(r.Seconds.Features), duration(r.Seconds.Train), duration(rest))
}

func skipText(s adapt.Skip) string {
	kind := ""
	if s.Folder {
		kind = "folder "
	}
	return kind + clean(s.Path) + ": " + clean(s.Reason)
}

func duplicateText(d adapt.Duplicate) string {
	text := clean(d.Path) + " of " + clean(d.Of)
	if d.Leak {
		text += ", which is in another split"
	}
	return text
}

func conflictText(c adapt.Conflict) string {
	var paths []string
	for _, p := range c.Paths {
		paths = append(paths, clean(p))
	}
	return strings.Join(paths, " = ") + ": the same bytes under " + strings.Join(labelsOf(c), " and ") + ", so none is used"
}

// labelsOf returns each label of a conflict once.
func labelsOf(c adapt.Conflict) []string {
	var labels []string
	for _, l := range c.Labels {
		if name := clean(l); !slices.Contains(labels, name) {
			labels = append(labels, name)
		}
	}
	return labels
}

func shortDigest(d digest.Digest) string {
	if d == "" {
		return ""
	}
	return "(sha256:" + d.Short() + ")"
}
