package base

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// Reasons that errors.Is finds in what a Library returns.
var (
	ErrNotFound = errors.New("not in the library")
	ErrTaken    = errors.New("in the library already")
	ErrDamaged  = errors.New("damaged")
	ErrNewer    = errors.New("made by a newer edge")
)

// Library is a folder of bases that have names:
//
//	DIR/NAME/base.tflite   the model; never changed
//	DIR/NAME/base.json     what is known of it: an Entry
//	DIR/.lock              held while a base is added or removed
//	DIR/.tmp/              half-made things; swept by whoever adds or removes next
//
// Whatever stands under a name is whole: it was written under .tmp, synced, and
// renamed together. A kill or a power cut at any instant leaves the base that
// was there or the one that was being added. Readers take no lock.
//
// A Library holds no open files between calls, and may be used concurrently, by
// several processes too. Generations keep a base of their own in the store:
// nothing that a Library does changes them.
type Library struct {
	dir   string // absolute
	prove Prover
	swap  func(a, b string) error // exchanges two folders in one step
}

// LibraryFolder is the folder of a store in which its library lies.
const LibraryFolder = "bases"

// Prover runs a base and says in sentences what it found. The error says why the
// base is not to be used; nothing is kept of it then. The base may be hostile.
type Prover func(ctx context.Context, s Source) ([]string, error)

// OpenLibrary returns the library in the folder dir, and creates nothing: the
// folder appears with the first base.
//
// Add and Verify run bases with prove. Zero: they look at the files alone.
func OpenLibrary(dir string, prove Prover) (*Library, error) {
	if dir == "" {
		return nil, errors.New("open the library of bases: no folder given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the library of bases: %w", err)
	}
	return &Library{dir: abs, prove: prove, swap: exchange}, nil
}

// Dir returns the library's folder as an absolute path.
func (l *Library) Dir() string { return l.dir }

// Get returns the base of that name, or ErrNotFound. The model's digest is not
// compared: Prepare and Verify do that.
func (l *Library) Get(name string) (Entry, error) {
	e, err := l.get(name)
	if err != nil {
		return Entry{}, fmt.Errorf("base %q: %w", name, err)
	}
	return e, nil
}

func (l *Library) get(name string) (Entry, error) {
	missing := hint.Wrap(ErrNotFound, "`edge base list` shows those that are there; `edge base import FILE` adds one")
	if CheckName(name) != nil {
		return Entry{}, missing
	}
	dir := filepath.Join(l.dir, name)
	for {
		before, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return Entry{}, missing
		}
		e, err := readEntry(dir)
		if errors.Is(err, fs.ErrNotExist) {
			// The folder may have been replaced between being found and being read.
			if after, err := os.Lstat(dir); before == nil || err != nil || !os.SameFile(before, after) {
				continue
			}
			err = fmt.Errorf("%w: %s is missing", ErrDamaged, entryName)
		}
		return e, repairable(err, name)
	}
}

// load returns a base with its model, which it compares with the digest. One that
// is replaced meanwhile is read anew.
func (l *Library) load(name string) (e Entry, data []byte, err error) {
	for {
		if e, err = l.get(name); err != nil {
			return e, nil, err
		}
		if data, err = os.ReadFile(e.Path); err == nil {
			if d := digest.Of(data); d != e.Digest {
				err = fmt.Errorf("%w: %s has the digest %s, want %s", ErrDamaged, modelName, d.Short(), e.Digest.Short())
			}
		}
		if err == nil {
			return e, data, nil
		}
		if now, nowErr := l.get(name); nowErr == nil && now.Digest == e.Digest {
			return e, nil, err
		}
	}
}

// repairable adds the next step to what is damaged.
func repairable(err error, name string) error {
	if errors.Is(err, ErrDamaged) {
		return hint.Wrap(err, fmt.Sprintf("import it again with --force, or remove it: edge base remove %s", name))
	}
	if errors.Is(err, ErrNewer) {
		return hint.Wrap(err, "use the edge that made it, or a newer one")
	}
	return err
}

// Names returns the names of all bases, sorted, also of those that are damaged.
func (l *Library) Names() ([]string, error) {
	folders, err := os.ReadDir(l.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list bases: %w", err)
	}
	var names []string
	for _, f := range folders {
		if CheckName(f.Name()) == nil && f.IsDir() {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// List returns all bases, sorted by name. Those that cannot be read are left out
// and named in the error; the list holds the others then.
func (l *Library) List() ([]Entry, error) {
	names, err := l.Names()
	if err != nil {
		return nil, err
	}
	var list []Entry
	var wrong []error
	for _, name := range names {
		e, err := l.Get(name)
		switch {
		case err == nil:
			list = append(list, e)
		case !errors.Is(err, ErrNotFound): // removed meanwhile
			wrong = append(wrong, err)
		}
	}
	return list, errors.Join(wrong...)
}

// Verify compares the base of that name with its digest, reads its structure,
// and runs it. It returns what running it has shown, in sentences.
func (l *Library) Verify(ctx context.Context, name string) ([]string, error) {
	checks, err := l.verify(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("base %q: %w", name, repairable(err, name))
	}
	return checks, nil
}

func (l *Library) verify(ctx context.Context, name string) ([]string, error) {
	e, data, err := l.load(name)
	if err != nil {
		return nil, err
	}
	m, err := file.Parse(data)
	if err != nil {
		return nil, err
	}
	f, err := fits(m, e.Preprocessing, e.Chosen)
	if err != nil {
		return nil, err
	}
	if f.Count != e.Features {
		return nil, fmt.Errorf("%w: it gives %d features, want %d", ErrDamaged, f.Count, e.Features)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if l.prove == nil {
		return nil, nil
	}
	return l.prove(ctx, e.Source())
}
