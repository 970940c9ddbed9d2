package models

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/fsops"
)

// Draft is a generation in the making. Nobody sees it before Commit.
//
// A Draft is used by one goroutine, and ends with Commit or Discard:
//
//	d, err := store.Begin(task)
//	…
//	defer d.Discard()
//
// Until Discard GC leaves the new generation alone, so that it can be activated
// first, and all bases.
type Draft struct {
	store   *Store
	task    string
	scratch *scratch
	files   []File
	open    int   // files that Create gave out and that are not closed
	err     error // the first that went wrong
	spent   bool
}

// Begin starts a generation of task. It makes a folder, so that a store that
// cannot be written to shows itself before any work is done.
func (s *Store) Begin(task string) (*Draft, error) {
	if err := CheckTask(task); err != nil {
		return nil, err
	}
	sc, err := s.newScratch("draft")
	if err != nil {
		return nil, fmt.Errorf("begin a generation of task %q: %w", task, s.explain(err))
	}
	return &Draft{store: s, task: task, scratch: sc}, nil
}

// Path returns where the draft's file of that name lies until Commit.
func (d *Draft) Path(name string) string { return filepath.Join(d.scratch.dir, name) }

// WriteFile adds a file to the draft and syncs it. Names are letters, digits,
// dots, underscores and hyphens; LabelsName and ManifestName are Commit's.
func (d *Draft) WriteFile(name string, data []byte) error {
	if name == LabelsName {
		return fmt.Errorf("%s is written by Commit", name)
	}
	return d.write(name, data)
}

func (d *Draft) write(name string, data []byte) error {
	w, err := d.create(name)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return errors.Join(err, w.Close())
}

// Create adds a file to the draft like WriteFile. The file counts once it is
// closed without an error; closing syncs it.
func (d *Draft) Create(name string) (io.WriteCloser, error) {
	if name == LabelsName {
		return nil, fmt.Errorf("%s is written by Commit", name)
	}
	return d.create(name)
}

func (d *Draft) create(name string) (*draftFile, error) {
	if d.spent {
		return nil, errors.New("the draft has ended")
	}
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	f, err := d.store.disk.Create(d.Path(name), 0o444)
	if err != nil {
		return nil, d.fail(name, err)
	}
	d.open++
	return &draftFile{draft: d, name: name, file: f, hash: sha256.New()}, nil
}

// fail remembers the first error, so that a caller who overlooks one does not
// commit what is not whole.
func (d *Draft) fail(name string, err error) error {
	err = fmt.Errorf("write %s: %w", name, d.store.explain(err))
	if d.err == nil {
		d.err = err
	}
	return err
}

// Commit makes the draft the task's next generation and returns it. It waits for
// other changes to the task until ctx ends.
//
// The base that m names must be in the store and HeadName in the draft. The new
// generation is whole and durable, and not yet active. A number is given once,
// even if its generation is removed later; a crash may skip one. After an error
// the draft can only be discarded.
func (d *Draft) Commit(ctx context.Context, m Manifest) (Generation, error) {
	g, err := d.commit(ctx, m)
	if err != nil {
		return Generation{}, fmt.Errorf("store a generation of task %q: %w", d.task, d.store.explain(err))
	}
	return g, nil
}

func (d *Draft) commit(ctx context.Context, m Manifest) (Generation, error) {
	s := d.store
	base, err := d.complete(m)
	if err != nil {
		return Generation{}, err
	}
	lock, err := s.lockTask(ctx, d.task)
	if err != nil {
		return Generation{}, err
	}
	defer lock.release()
	return d.number(m, base)
}

// complete writes the last file of the draft, and returns the base's path.
func (d *Draft) complete(m Manifest) (base string, err error) {
	switch {
	case d.spent:
		return "", errors.New("the draft has ended")
	case d.err != nil:
		return "", d.err
	case d.open > 0:
		return "", fmt.Errorf("%d of its files are still open", d.open)
	}
	base, err = d.store.BlobPath(m.Base.Digest)
	if err != nil {
		return "", err
	}
	if err := checkSize(base, m.Base.file()); err != nil {
		return "", err
	}
	labels, err := EncodeLabels(m.Labels)
	if err != nil {
		return "", err
	}
	if err := d.write(LabelsName, labels); err != nil {
		return "", err
	}
	d.spent = true
	return base, nil
}

// number makes the draft, whose files are all written, the task's next
// generation. Needs the task's lock.
func (d *Draft) number(m Manifest, base string) (_ Generation, err error) {
	s := d.store
	m.Format, m.Task, m.Files = Format, d.task, slices.Clone(d.files)
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	if m.Created.IsZero() {
		m.Created = time.Now().UTC().Truncate(time.Second)
	}
	if m.Generation, err = s.nextNumber(d.task); err != nil {
		return Generation{}, err
	}
	manifest, err := m.Encode()
	if err != nil {
		return Generation{}, err
	}
	if err := s.mkdirs(s.numbersDir(d.task)); err != nil {
		return Generation{}, err
	}
	if err := s.claimNumber(d.task, m.Generation); err != nil {
		return Generation{}, err
	}
	if err := fsops.WriteFile(s.disk, d.Path(ManifestName), manifest, 0o444); err != nil {
		return Generation{}, err
	}
	if err := s.disk.SyncDir(d.scratch.dir); err != nil {
		return Generation{}, err
	}
	dir := s.generationDir(d.task, m.Generation)
	if err := s.publish(d.scratch.dir, dir); err != nil {
		return Generation{}, err
	}
	d.scratch.keep()
	return Generation{Manifest: m, dir: dir, base: base}, nil
}

// Discard removes the draft. After Commit has succeeded it removes nothing.
func (d *Draft) Discard() error {
	d.spent = true
	return d.scratch.discard()
}

// draftFile counts and digests what goes into a file of a draft.
type draftFile struct {
	draft *Draft
	name  string
	file  file
	hash  hash.Hash
	bytes int64
	err   error
	done  bool
}

func (f *draftFile) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if err := fsops.WriteAll(f.file, p); err != nil {
		f.err = f.draft.fail(f.name, err)
		return 0, f.err
	}
	f.hash.Write(p)
	f.bytes += int64(len(p))
	return len(p), nil
}

// Close is idempotent and returns what the first call returned.
func (f *draftFile) Close() error {
	if f.done {
		return f.err
	}
	f.done = true
	f.draft.open--
	if err := fsops.Finish(f.file, f.err); err != nil && f.err == nil {
		f.err = f.draft.fail(f.name, err)
	}
	if f.err == nil {
		sum := digest.Digest(fmt.Sprintf("sha256:%x", f.hash.Sum(nil)))
		f.draft.files = append(f.draft.files, File{f.name, sum, f.bytes})
	}
	return f.err
}
