package adapt

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// minImages is how many images a class needs: one to learn from, one to measure.
const minImages = 2

// Check says why the folder cannot train a head, as far as names tell. It may be
// called as soon as List has returned, before the images are read; Settle calls
// it too. Its errors carry what to do.
func (d *Dataset) Check() error {
	if len(d.Labels) == 0 {
		err := fmt.Errorf("%s: no class folder with images in it", d.Dir)
		return hint.Wrap(err, layoutHint)
	}
	for label, name := range d.Labels {
		if len(d.lost[label]) == 0 && !slices.ContainsFunc(d.Samples, func(s Sample) bool { return s.Label == label }) {
			return hint.Wrap(fmt.Errorf("%s: empty class: the folder %q holds no file", d.Dir, name),
				"put images into the folder, or remove it")
		}
	}
	if len(d.Labels) == 1 {
		return hint.Wrap(fmt.Errorf("%s: one class only: %q", d.Dir, d.Labels[0]),
			"a classifier needs something to tell apart: add a folder with other images, like background")
	}
	if !d.Folders {
		return nil
	}
	trained, where := make([]bool, len(d.Labels)), make([]string, len(d.Labels))
	for _, s := range d.Samples {
		if s.Split == SplitTrain {
			trained[s.Label] = true
		} else if where[s.Label] == "" {
			where[s.Label] = filepath.Dir(s.Path)
		}
	}
	for label, name := range d.Labels {
		if !trained[label] && where[label] != "" {
			return hint.Wrap(fmt.Errorf("%s: class %q has images in %s, but none to train with", d.Dir, name, where[label]),
				"put images of the class into a folder of the same name in train, or remove it elsewhere")
		}
	}
	return nil
}

// Settle decides what each image is used for, once Read or Reject has been
// called for every sample.
//
// Rejected samples are moved to Skipped. Of several images with the same label
// and the same bytes one is kept: the first by path, one in test before one in
// val before one in train; the others become Duplicates. The same bytes under
// different labels become a Conflict and none is kept. Where there is no val
// folder, o.ValFraction of the training images of each class is then moved to
// SplitVal, chosen by o.Seed and the images' contents alone.
//
// Settle fails if the fraction is out of range, if Check would, if a class is
// left without images to train with or with fewer than two for training and
// validation, or if a val folder is left without any. The dataset is then of use
// for explaining only.
func (d *Dataset) Settle(o SplitOptions) error {
	fraction, err := o.fraction()
	if err != nil {
		return err
	}
	if err := d.pruneRead(); err != nil {
		return err
	}
	listed := make([]int, len(d.Labels))
	for _, s := range d.Samples {
		listed[s.Label]++
	}
	d.dropCopies()
	if err := d.checkLost(listed); err != nil {
		return err
	}
	if err := d.Check(); err != nil {
		return err
	}
	if err := d.checkCounts(); err != nil {
		return err
	}
	if !d.valFolder {
		d.divide(o.Seed, fraction)
	}
	return nil
}

// pruneRead moves rejected samples to Skipped, and fails if one was overlooked.
func (d *Dataset) pruneRead() error {
	d.Prune()
	for _, s := range d.Samples {
		if s.Digest == "" {
			return fmt.Errorf("%s: %s has been neither read nor rejected", d.Dir, s.Path)
		}
	}
	return nil
}

// dropCopies removes duplicates and conflicts from the samples.
func (d *Dataset) dropCopies() {
	first := make(map[digest.Digest]int, len(d.Samples))
	copies := map[digest.Digest][]int{} // all samples of contents that occur more than once
	var order []digest.Digest
	for i, s := range d.Samples {
		j, again := first[s.Digest]
		switch {
		case !again:
			first[s.Digest] = i
		case copies[s.Digest] == nil:
			copies[s.Digest] = []int{j, i}
			order = append(order, s.Digest)
		default:
			copies[s.Digest] = append(copies[s.Digest], i)
		}
	}
	drop := make([]bool, len(d.Samples))
	for _, content := range order {
		d.settleCopies(copies[content], drop)
	}
	keep := d.Samples[:0]
	for i, s := range d.Samples {
		if !drop[i] {
			keep = append(keep, s)
		}
	}
	clear(d.Samples[len(keep):])
	d.Samples = keep
	slices.SortFunc(d.Duplicates, func(a, b Duplicate) int { return strings.Compare(a.Path, b.Path) })
}

// settleCopies decides about samples of the same content, in order of paths.
func (d *Dataset) settleCopies(same []int, drop []bool) {
	kept := same[0]
	var conflict Conflict
	for _, i := range same {
		s := d.Samples[i]
		if s.Split.precedence() > d.Samples[kept].Split.precedence() {
			kept = i
		}
		conflict.Paths = append(conflict.Paths, s.Path)
		conflict.Labels = append(conflict.Labels, d.Labels[s.Label])
		drop[i] = true
	}
	if len(slices.Compact(slices.Sorted(slices.Values(conflict.Labels)))) > 1 {
		d.Conflicts = append(d.Conflicts, conflict)
		return
	}
	drop[kept] = false
	for _, i := range same {
		if i != kept {
			d.Duplicates = append(d.Duplicates, Duplicate{
				Path: d.Samples[i].Path, Of: d.Samples[kept].Path,
				Leak: d.Samples[i].Split != d.Samples[kept].Split,
			})
		}
	}
}

// precedence orders splits by which copy of an image is kept.
func (s Split) precedence() int {
	switch s {
	case SplitTest:
		return 2
	case SplitVal:
		return 1
	}
	return 0
}

// checkLost explains a class that had files, none of which is left.
// listed is how many samples each class had that could be read.
func (d *Dataset) checkLost(listed []int) error {
	left := make([]int, len(d.Labels))
	for _, s := range d.Samples {
		left[s.Label]++
	}
	for label, name := range d.Labels {
		switch {
		case left[label] > 0:
		case listed[label] > 0:
			return hint.Wrap(fmt.Errorf("%s: class %q: every image of it also stands under another label", d.Dir, name),
				"keep each image in one class folder only")
		case len(d.lost[label]) > 0:
			return hint.Wrap(fmt.Errorf("%s: class %q: no image can be used: %s", d.Dir, name, explained(d.lost[label])),
				"replace the files by images that open in a viewer, or remove the folder")
		}
	}
	return nil
}

// explained names the first of the skipped files with their reasons.
func explained(skips []Skip) string {
	const most = 3
	var parts []string
	for i, s := range skips {
		if i == most {
			parts = append(parts, fmt.Sprintf("and %d more", len(skips)-most))
			break
		}
		parts = append(parts, fmt.Sprintf("%q: %s", s.Path, s.Reason))
	}
	return strings.Join(parts, "; ")
}

// checkCounts says which class has too few images.
func (d *Dataset) checkCounts() error {
	train, val := make([]int, len(d.Labels)), 0
	for _, s := range d.Samples {
		switch s.Split {
		case SplitTrain:
			train[s.Label]++
		case SplitVal:
			val++
		}
	}
	if d.valFolder && val == 0 {
		return hint.Wrap(fmt.Errorf("%s: the val folder holds no image that can be used", d.Dir),
			"put images into it, or remove it to have a part of the training images held back")
	}
	for label, name := range d.Labels {
		n := train[label]
		switch {
		case n >= minImages || n > 0 && d.valFolder:
		case n == 1:
			return hint.Wrap(fmt.Errorf("%s: class %q: 1 image that can be used, at least %d are needed to train and to validate", d.Dir, name, minImages),
				"add images to the class; ten or more of each are a good start")
		default:
			return hint.Wrap(fmt.Errorf("%s: class %q: no image to train with", d.Dir, name), "add images to the class in train")
		}
	}
	return nil
}
