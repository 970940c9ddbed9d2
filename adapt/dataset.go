package adapt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// Split is what an image is used for.
type Split string

// The splits. SplitTest images take no part in training or in choosing a head.
const (
	SplitTrain Split = "train"
	SplitVal   Split = "val"
	SplitTest  Split = "test"
)

// Sample is one labelled image.
type Sample struct {
	Path   string        // relative to the dataset's Dir
	Label  int           // index into the dataset's Labels
	Split  Split         // until Settle, train stands for train or val where there is no val folder
	Digest digest.Digest // of the file; empty until Read tells it
	Bytes  int64         // length of the file when it was listed

	rejected string // why the image cannot be used, or ""
}

// Skip is a file, or a whole folder, that is not used.
type Skip struct {
	Path   string `json:"path"` // relative to the dataset's Dir
	Reason string `json:"reason"`
	Folder bool   `json:"folder,omitempty"` // a folder, which Images does not count
}

// Duplicate is an image that is not used because another one with the same
// label has the same bytes.
type Duplicate struct {
	Path string `json:"path"`
	Of   string `json:"of"` // the one that is used
	// Leak is true where the two stood in different splits. The one that is used
	// stands in test, or else in val: what measures a head must not train it.
	Leak bool `json:"leak,omitempty"`
}

// Conflict is the same bytes under two or more labels. None of the images is
// used, since nobody knows which label is right.
type Conflict struct {
	Paths  []string `json:"paths"`
	Labels []string `json:"labels"` // of each path
}

// Dataset is a folder of labelled images: what is in it, what is used for what,
// and what is not used and why. It holds no image's content.
//
// List fills it, whoever reads the images calls Read or Reject once for each
// sample, and Settle decides the rest.
type Dataset struct {
	Dir        string
	Labels     []string // sorted by their bytes
	Samples    []Sample // sorted by path
	Skipped    []Skip   // sorted by path
	Duplicates []Duplicate
	Conflicts  []Conflict
	Folders    bool // train, val and test folders were found and are honoured

	valFolder bool     // one of them is val
	lost      [][]Skip // by label: what was skipped of the class
}

// Images counts images. Total is what was found: Train, Val, Test, Skipped,
// Duplicates, and the images in conflicts.
type Images struct {
	Total      int `json:"total"`
	Train      int `json:"train"`
	Val        int `json:"val"`
	Test       int `json:"test"`
	Skipped    int `json:"skipped"`
	Duplicates int `json:"duplicates"`
}

// Images counts the images of the dataset as they stand.
func (d *Dataset) Images() Images {
	n := Images{
		Train: d.Count(SplitTrain), Val: d.Count(SplitVal), Test: d.Count(SplitTest),
		Duplicates: len(d.Duplicates),
	}
	for _, s := range d.Skipped {
		if !s.Folder {
			n.Skipped++
		}
	}
	n.Total = len(d.Samples) + n.Skipped + n.Duplicates
	for _, c := range d.Conflicts {
		n.Total += len(c.Paths)
	}
	return n
}

// Count returns the number of samples in a split.
func (d *Dataset) Count(split Split) (n int) {
	for i := range d.Samples {
		if d.Samples[i].Split == split {
			n++
		}
	}
	return n
}

// Read says that sample i, an index into Samples, can be used and has this
// content. Read and Reject may be called concurrently for different samples.
func (d *Dataset) Read(i int, content digest.Digest) { d.Samples[i].Digest = content }

// Reject says that sample i cannot be used. It keeps its place in Samples until
// Prune or Settle, so that indices stay valid.
func (d *Dataset) Reject(i int, reason error) { d.Samples[i].rejected = reason.Error() }

// Prune moves rejected samples from Samples to Skipped. Settle does so itself.
func (d *Dataset) Prune() {
	keep := d.Samples[:0]
	for _, s := range d.Samples {
		if s.rejected == "" {
			keep = append(keep, s)
			continue
		}
		skip := Skip{Path: s.Path, Reason: s.rejected}
		d.Skipped = append(d.Skipped, skip)
		if s.Label < len(d.lost) {
			d.lost[s.Label] = append(d.lost[s.Label], skip)
		}
	}
	clear(d.Samples[len(keep):])
	d.Samples = keep
	sortSkips(d.Skipped)
}

func sortSkips(s []Skip) {
	slices.SortFunc(s, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
}

// Relabel makes labels the dataset's labels, and the samples' labels indices
// into them: the way to measure a head, whose labels are given. The folder may
// lack some of them. A class that is none of them is an error, and the dataset
// is unchanged.
func (d *Dataset) Relabel(labels []string) error {
	index := make(map[string]int, len(labels))
	for i, label := range labels {
		index[label] = i
	}
	to := make([]int, len(d.Labels))
	for i, label := range d.Labels {
		n, ok := index[label]
		if !ok {
			return hint.Wrap(fmt.Errorf("%s: class %q is none of the task's: %s", d.Dir, label, quoted(labels)),
				"name the folders as the task's classes are named")
		}
		to[i] = n
	}
	lost := make([][]Skip, len(labels))
	for i, skips := range d.lost {
		lost[to[i]] = skips
	}
	for i := range d.Samples {
		d.Samples[i].Label = to[d.Samples[i].Label]
	}
	d.Labels, d.lost = slices.Clone(labels), lost
	return nil
}

// Clone returns a copy that Relabel changes without changing d.
func (d *Dataset) Clone() *Dataset {
	c := *d
	c.Samples = slices.Clone(d.Samples)
	return &c
}

// quoted lists names for a message, and not hundreds of them.
func quoted(names []string) string {
	const most = 12
	var b strings.Builder
	for i, name := range names {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(names)-most)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", name)
	}
	return b.String()
}
