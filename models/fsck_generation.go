package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
)

// condition is how a generation was found.
type condition struct {
	Generation
	n     int
	bad   []string // own files that are not as committed
	wrong error    // the first thing that is, of the files; nil: none
	base  error    // what is wrong with the base; nil: nothing
	known bool     // the manifest can be read, so that the fields above count
	newer bool     // a newer edge made it
	heir  int      // the generation that was made of what is whole of it; zero: none
}

func (c condition) whole() bool { return c.known && c.wrong == nil && c.base == nil }

// lost reports whether it cannot be used again: a base may come back.
func (c condition) lost() bool { return !c.newer && (!c.known || c.wrong != nil) }

// labelsAlone reports whether nothing but the labels is damaged, which the
// manifest has, too.
func (c condition) labelsAlone() bool { return slices.Equal(c.bad, []string{LabelsName}) }

// salvageable reports whether a generation can be made of the rest.
func (c condition) salvageable() bool {
	return c.known && c.base == nil && len(c.bad) > 0 && !c.labelsAlone() && !slices.Contains(c.bad, HeadName)
}

// examine looks at generation n, and changes nothing.
func (f *fsck) examine(ctx context.Context, task string, n int) (condition, error) {
	c := condition{n: n}
	c.dir = f.s.generationDir(task, n)
	wrong, fatal := damage(f.examineManifest(&c, task))
	if errors.Is(fatal, ErrNewer) {
		c.newer = true
		e, err := f.s.entry(task, n)
		if err != nil {
			return c, err
		}
		f.named[e.base] = true
		f.foreign = f.foreign || e.base == ""
		f.note(Finding{Task: task, Generation: n, What: "a newer edge made it", Next: "install a newer edge, or activate another generation"})
		return c, nil
	}
	if wrong != nil || fatal != nil {
		c.wrong = wrong
		return c, fatal
	}
	c.known = true
	f.named[c.Base.Digest] = true
	c.Generation.base = filepath.Join(f.s.blobDir(), c.Base.Digest.Hex())
	for _, file := range c.Files {
		wrong, fatal := f.verify(ctx, c.Path(file.Name), file)
		if fatal != nil {
			return c, fatal
		}
		if wrong != nil {
			c.bad = append(c.bad, file.Name)
			c.wrong = errors.Join(c.wrong, wrong)
		}
	}
	wrong, looked := f.bases[c.Base.Digest]
	switch {
	case !looked: // missing, or put there meanwhile
		c.base, fatal = f.verify(ctx, c.Generation.base, c.Base.file())
	case wrong != nil:
		c.base = wrong
	default:
		c.base, fatal = damage(checkSize(c.Generation.base, c.Base.file()))
	}
	return c, errors.Join(fatal, f.strays(c))
}

// examineManifest reads the manifest, which no digest covers: what it says of
// itself must be so.
func (f *fsck) examineManifest(c *condition, task string) error {
	data, err := readLimited(c.Path(ManifestName), maxManifestBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", ManifestName, ErrDamaged)
	}
	if err != nil {
		return err
	}
	if c.Manifest, err = ParseManifest(data); err != nil {
		return err
	}
	if c.Task != task || c.Manifest.Generation != c.n {
		return fmt.Errorf("%w: its manifest belongs to generation %d of task %q", ErrDamaged, c.Manifest.Generation, c.Task)
	}
	labels, err := EncodeLabels(c.Labels)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if file, _ := c.File(LabelsName); file.Digest != digest.Of(labels) {
		return fmt.Errorf("%w: %s has other labels than %s", ErrDamaged, ManifestName, LabelsName)
	}
	return nil
}

// strays notes what lies in the folder of a generation and is not of it.
func (f *fsck) strays(c condition) error {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if _, ok := c.File(e.Name()); !ok && e.Name() != ManifestName {
			f.note(Finding{Task: c.Task, Generation: c.n, What: fmt.Sprintf("%s is not of the generation", e.Name())})
		}
	}
	return err
}

// mend makes whole what can be made whole of a generation, and leaves c as it is
// then, or would be. Needs the task's lock if it repairs.
func (f *fsck) mend(ctx context.Context, c *condition, all []condition) error {
	if c.whole() || c.newer || !c.known {
		return nil
	}
	x := Finding{Task: c.Task, Generation: c.n, What: fmt.Sprint(c.wrong)}
	if c.labelsAlone() {
		x.Repair = "write it from the manifest"
		if err := f.found(x, func() error { return f.writeLabels(*c) }); err != nil {
			return err
		}
		c.wrong, c.bad = nil, nil
	}
	switch {
	case c.base != nil && c.wrong == nil:
		x.What, x.Repair = "its "+c.base.Error(), ""
		x.Next = "it serves again when the base is back: fetch the release or import the bundle that brings it, or adapt with it as --base"
		return f.found(x, nil)
	case c.salvageable():
		x.Repair = "make a new generation of the rest"
		x.Lost = strings.Join(slices.DeleteFunc(slices.Clone(c.bad), func(name string) bool { return name == LabelsName }), ", ")
		if c.heir = heirOf(c.n, all); c.heir > 0 {
			return f.found(x, func() error { return nil })
		}
		heir, err := f.s.nextNumber(c.Task)
		if err != nil {
			return err
		}
		for _, other := range all {
			heir = max(heir, other.heir+1)
		}
		c.heir = heir
		return f.found(x, func() (err error) {
			c.heir, err = f.salvage(ctx, *c)
			return err
		})
	}
	return nil
}

func (f *fsck) writeLabels(c condition) error {
	data, err := EncodeLabels(c.Labels)
	if err != nil {
		return err
	}
	return f.s.replaceAs(c.Path(LabelsName), data, 0o444)
}

func salvagedFrom(n int) string { return fmt.Sprintf("salvaged from generation %d, without", n) }

// heirOf returns the generation that an earlier run made of what was whole of
// generation n.
func heirOf(n int, all []condition) int {
	for _, c := range all {
		if c.whole() && c.Parent == n && strings.HasPrefix(c.Reason, salvagedFrom(n)) {
			return c.n
		}
	}
	return 0
}

// salvage makes a new generation of the files of c that are whole. Needs the
// task's lock.
func (f *fsck) salvage(ctx context.Context, c condition) (int, error) {
	d, err := f.s.Begin(c.Task)
	if err != nil {
		return 0, err
	}
	defer d.Discard() //nolint:errcheck // what stays is swept later
	for _, file := range c.Files {
		if file.Name == LabelsName || slices.Contains(c.bad, file.Name) {
			continue
		}
		if err := copyInto(ctx, d, c.Path(file.Name), file); err != nil {
			return 0, err
		}
	}
	m := c.Manifest
	m.Parent, m.Reason = c.n, clip(fmt.Sprintf("%s %s: %s", salvagedFrom(c.n), strings.Join(c.bad, ", "), c.Reason))
	base, err := d.complete(m)
	if err != nil {
		return 0, err
	}
	g, err := d.number(m, base)
	return g.Generation, err
}

// copyInto copies a file into a draft and compares it once more.
func copyInto(ctx context.Context, d *Draft, path string, want File) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := d.Create(want.Name)
	if err != nil {
		return err
	}
	got, _, err := digest.OfReader(io.TeeReader(contextReader{ctx, r}, w))
	if err == nil && got != want.Digest {
		err = fmt.Errorf("%s is %w", want.Name, ErrDamaged)
	}
	return errors.Join(err, w.Close())
}

// dispose sets aside a generation that is of no use any more. Needs the task's
// lock if it repairs.
func (f *fsck) dispose(task string, c condition, inUse bool) error {
	if !c.lost() {
		return nil
	}
	x := Finding{Task: task, Generation: c.n, What: c.wrong.Error(), Repair: "set it aside", Lost: fmt.Sprintf("generation %d", c.n)}
	fix := func() error {
		_, err := f.s.setAside(c.dir, fmt.Sprintf("generation-%s-%d", task, c.n))
		return err
	}
	switch {
	case c.heir > 0 && f.o.Repair:
		return fix() // its finding is there already
	case c.heir > 0:
		return nil
	case inUse:
		x.Next = "nothing whole is left to use instead: train again, or fetch a release"
		return f.found(x, nil)
	}
	return f.found(x, fix)
}
