package models

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

const maxNumber = 1_000_000_000

// Generation is one stored generation: its manifest, and where its files are.
// Neither ever changes.
type Generation struct {
	Manifest
	dir, base string
}

// Path returns the path of the generation's file of that name.
func (g Generation) Path(name string) string { return filepath.Join(g.dir, name) }

// HeadPath returns the path of the head.
func (g Generation) HeadPath() string { return g.Path(HeadName) }

// BasePath returns the path of the base that the head was trained on.
func (g Generation) BasePath() string { return g.base }

// Verify reads every file of the generation, and its base, and compares their
// digests with the manifest.
func (g Generation) Verify(ctx context.Context) error {
	for _, f := range g.Files {
		if err := verifyFile(ctx, g.Path(f.Name), f); err != nil {
			return g.failed(err)
		}
	}
	return g.failed(verifyFile(ctx, g.base, g.Base.file()))
}

// failed says of which generation err speaks.
func (g Generation) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("generation %d of task %q: %w", g.Generation, g.Task, err)
}

// Generation returns generation n of task: ErrNotFound if there is none, ErrNewer
// if a newer edge made it, ErrDamaged if the manifest, the head, the labels, or
// the presence and size of any other file or of the base are not as committed.
func (s *Store) Generation(task string, n int) (Generation, error) {
	g, err := s.load(task, n)
	if err != nil {
		return Generation{}, err
	}
	for _, name := range []string{HeadName, LabelsName} {
		f, _ := g.File(name)
		if err := verifyFile(context.Background(), g.Path(name), f); err != nil {
			return Generation{}, g.failed(err)
		}
	}
	return g, nil
}

// Generations returns the generations of task in rising order; a task that is not
// there has none. Files are checked for presence and size, not read.
//
// Like os.ReadDir it returns what it could read even with an error, which joins
// one error for each generation that it could not.
func (s *Store) Generations(task string) ([]Generation, error) {
	if err := CheckTask(task); err != nil {
		return nil, err
	}
	numbers, err := s.numbers(task)
	if err != nil {
		return nil, fmt.Errorf("list generations: %w", err)
	}
	var whole []Generation
	var errs []error
	for _, n := range numbers {
		g, err := s.load(task, n)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		whole = append(whole, g)
	}
	return whole, errors.Join(errs...)
}

// load reads a manifest and checks that what it names is there.
func (s *Store) load(task string, n int) (Generation, error) {
	if err := CheckTask(task); err != nil {
		return Generation{}, err
	}
	g := Generation{dir: s.generationDir(task, n)}
	if _, err := os.Stat(g.dir); n < 1 || errors.Is(err, fs.ErrNotExist) {
		return Generation{}, hint.Wrap(fmt.Errorf("generation %d of task %q is %w", n, task, ErrNotFound),
			fmt.Sprintf("see which there are: edge models list --task %s", task))
	}
	if err := s.read(&g, task, n); err != nil {
		return Generation{}, fmt.Errorf("generation %d of task %q: %w", n, task, err)
	}
	return g, nil
}

func (s *Store) read(g *Generation, task string, n int) error {
	data, err := readLimited(g.Path(ManifestName), maxManifestBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", ManifestName, ErrDamaged)
	} else if err != nil {
		return err
	}
	if g.Manifest, err = ParseManifest(data); err != nil {
		return err
	}
	if g.Task != task || g.Generation != n {
		return fmt.Errorf("%w: its manifest belongs to generation %d of task %q", ErrDamaged, g.Generation, g.Task)
	}
	for _, f := range g.Files {
		if err := checkSize(g.Path(f.Name), f); err != nil {
			return err
		}
	}
	g.base = filepath.Join(s.blobDir(), g.Base.Digest.Hex())
	return checkSize(g.base, g.Base.file())
}

func checkSize(path string, f File) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is missing: %w", f.Name, ErrDamaged)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %w: not a plain file", f.Name, ErrDamaged)
	case info.Size() != f.Bytes:
		return fmt.Errorf("%s is %w: %d bytes, want %d", f.Name, ErrDamaged, info.Size(), f.Bytes)
	}
	return nil
}

func verifyFile(ctx context.Context, path string, f File) error {
	if err := checkSize(path, f); err != nil {
		return err
	}
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	got, _, err := digest.OfReader(contextReader{ctx, r})
	if err == nil && got != f.Digest {
		err = fmt.Errorf("%s is %w: digest %s, want %s", f.Name, ErrDamaged, got.Short(), f.Digest.Short())
	}
	return err
}

// numbers returns the generation numbers of task in rising order.
func (s *Store) numbers(task string) ([]int, error) {
	entries, err := os.ReadDir(s.numbersDir(task))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err == nil && n >= 1 && n <= maxNumber && strconv.Itoa(n) == e.Name() && e.IsDir() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// nextNumber returns a number that no generation of task ever had. The folders
// and the pointers stand in for a counter that was lost. Needs the task's lock.
func (s *Store) nextNumber(task string) (int, error) {
	numbers, err := s.numbers(task)
	if err != nil {
		return 0, err
	}
	data, err := readLimited(s.counterPath(task), 64)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	counter, _ := strconv.Atoi(string(bytes.TrimSpace(data)))
	active, _ := s.Active(task)
	next := 1 + max(slices.Max(append(numbers, 0)), min(counter, maxNumber), active.Current, active.Previous)
	if next > maxNumber {
		return 0, fmt.Errorf("no generation numbers are left: %d were given", maxNumber)
	}
	return next, nil
}

// claimNumber records n as given, before any folder bears it.
func (s *Store) claimNumber(task string, n int) error {
	return s.replace(s.counterPath(task), fmt.Appendf(nil, "%d\n", n))
}

func (s *Store) counterPath(task string) string { return filepath.Join(s.taskDir(task), "counter") }

// readLimited reads a file of at most limit bytes, and one byte more of a longer one.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}
