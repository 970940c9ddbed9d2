package adapt

import (
	"slices"

	"github.com/edge-adapt/edge/internal/digest"
)

// Resettle decides like Settle what each image is used for, for a head that is
// to be compared with one that was trained before: was holds what that one used
// its images for, by content. What it learned from is never measured on, and
// what it was measured on is held back again, so that both heads can be asked
// about images that neither has seen. Images that was does not know are divided
// as Settle divides, until o.ValFraction of the class is held back.
//
// Where Settle fails because a class has too few images, Resettle goes on with
// what there is: a class of one image is trained with it and not measured; one
// without an image to train with leaves Labels, and its images are skipped. There
// may be one class, or none, in the end.
//
// It fails if the fraction is out of range, and if a sample was neither read nor
// rejected.
func (d *Dataset) Resettle(o SplitOptions, was map[digest.Digest]Split) error {
	fraction, err := o.fraction()
	if err != nil {
		return err
	}
	if err := d.pruneRead(); err != nil {
		return err
	}
	d.dropCopies()
	for i := range d.Samples {
		s := &d.Samples[i]
		switch before, known := was[s.Digest]; {
		case !known:
		case before == SplitTrain:
			s.Split = SplitTrain
		case s.Split == SplitTrain:
			s.Split = before
		}
	}
	for _, class := range d.ranked(o.Seed) {
		d.hold(class, fraction, was)
	}
	d.dropUntrained()
	return nil
}

// hold completes what of a class, in order of rank, is held back and what is
// trained with.
func (d *Dataset) hold(class []int, fraction float64, was map[digest.Digest]Split) {
	var train, val int
	for _, i := range class {
		switch d.Samples[i].Split {
		case SplitTrain:
			train++
		case SplitVal:
			val++
		}
	}
	if train == 0 && val > 0 {
		d.trainLast(class)
		return
	}
	if d.valFolder {
		return
	}
	want := held(train+val, fraction)
	for _, i := range class {
		s := &d.Samples[i]
		if _, known := was[s.Digest]; val < want && train > 1 && s.Split == SplitTrain && !known {
			s.Split = SplitVal
			train, val = train-1, val+1
		}
	}
}

// trainLast trains with the last of a class that was held back, where nothing
// has learned from the class yet.
func (d *Dataset) trainLast(class []int) {
	for _, i := range slices.Backward(class) {
		if s := &d.Samples[i]; s.Split == SplitVal {
			s.Split = SplitTrain
			return
		}
	}
}

// dropUntrained removes the classes that no image trains, and their images.
func (d *Dataset) dropUntrained() {
	trained := make([]bool, len(d.Labels))
	for _, s := range d.Samples {
		trained[s.Label] = trained[s.Label] || s.Split == SplitTrain
	}
	to, labels, lost := make([]int, len(d.Labels)), []string(nil), [][]Skip(nil)
	for label, name := range d.Labels {
		if trained[label] {
			to[label] = len(labels)
			labels, lost = append(labels, name), append(lost, d.lost[label])
		}
	}
	keep := d.Samples[:0]
	for _, s := range d.Samples {
		if !trained[s.Label] {
			d.Skipped = append(d.Skipped, Skip{Path: s.Path, Reason: "its class has no image to train with"})
			continue
		}
		s.Label = to[s.Label]
		keep = append(keep, s)
	}
	clear(d.Samples[len(keep):])
	d.Samples, d.Labels, d.lost = keep, labels, lost
	sortSkips(d.Skipped)
}
