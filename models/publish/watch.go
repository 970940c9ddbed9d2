package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-adapt/edge/adapt/watch"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
)

// BundleName is what a trainer calls the bundle of a task that it has finished.
const BundleName = "bundle.tar"

// maxDepth is how far below the watched folder bundles are looked for: the folder
// of a run, and in it the folder of a task.
const maxDepth = 3

// WatchOptions say which trainer's outputs are published, and how.
type WatchOptions struct {
	// Dir is watched for bundle.tar of edge finetune --out: in Dir/TASK, or in
	// Dir/RUN/TASK.
	Dir string
	// Add is how they are published; what is published is set by Watch.
	Add AddOptions
	// Settle is how long Dir must be still first; Poll how often it is looked at
	// without a notice. Zero: 2 s and 10 s.
	Settle, Poll time.Duration
	// Retry is after what time something that failed for a reason that may pass, such
	// as a full disk, is tried again. It doubles up to 16 times that. Zero: 15 s.
	Retry time.Duration
	// Tell is told what became of each bundle, and of a look that failed (with no
	// bundle). It must not be nil.
	Tell func(Watched)
}

// Watched is what became of a bundle.
type Watched struct {
	Bundle  string // its path
	Task    string
	Release int   // zero: none was published
	Err     error // ErrNotBetter, ErrSame, a Pending, or why it cannot be used
}

// Watch publishes the bundles that a trainer leaves, the newest of each task, until
// ctx ends: those that pass the gate of o.Add. One that is in the repository
// already is passed over, so a watch may be started again at any time.
func (r *Repository) Watch(ctx context.Context, o WatchOptions) error {
	if info, err := os.Stat(o.Dir); err != nil || !info.IsDir() {
		if err == nil {
			err = fmt.Errorf("%s is no folder", o.Dir)
		}
		return hint.Wrap(fmt.Errorf("watch for bundles: %w", err), "give the folder that edge finetune --out writes to")
	}
	if o.Retry == 0 {
		o.Retry = 15 * time.Second
	}
	w := &watcher{r: r, o: o, done: map[digest.Digest]bool{}}
	return watch.Run(ctx, watch.Options{
		Dir: o.Dir, Settle: o.Settle, Poll: o.Poll, Warn: func(err error) { o.Tell(Watched{Err: err}) },
	}, func() { w.work(ctx) })
}

type watcher struct {
	r    *Repository
	o    WatchOptions
	done map[digest.Digest]bool // bundles that need no second look
}

// work looks until nothing is left that may still succeed.
func (w *watcher) work(ctx context.Context) {
	for wait := w.o.Retry; w.look(ctx); wait = min(2*wait, 16*w.o.Retry) {
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// candidate is the bundle of a task.
type candidate struct {
	path     string
	digest   digest.Digest
	manifest models.Manifest
}

// look publishes what there is. again says that something may succeed later.
func (w *watcher) look(ctx context.Context) (again bool) {
	newest := map[string]candidate{}
	var tasks []string
	for _, path := range findBundles(w.o.Dir) {
		c, err := readCandidate(ctx, path)
		if err != nil {
			if ctx.Err() == nil && !w.done[c.digest] {
				w.o.Tell(Watched{Bundle: path, Err: err})
				w.done[c.digest] = c.digest != ""
			}
			continue
		}
		other, ok := newest[c.manifest.Task]
		if !ok {
			tasks = append(tasks, c.manifest.Task)
		}
		if !ok || c.manifest.Created.After(other.manifest.Created) {
			newest[c.manifest.Task] = c
		}
	}
	for _, task := range tasks {
		c := newest[task]
		if w.done[c.digest] || ctx.Err() != nil {
			continue
		}
		add := w.o.Add
		add.Bundle, add.Generation, add.Base, add.Fresh = c.path, nil, nil, true
		rel, err := w.r.Add(ctx, add)
		if ctx.Err() != nil && !errors.Is(err, ErrWaiting) && err != nil {
			return false
		}
		w.o.Tell(Watched{c.path, task, rel.Number, err})
		if err == nil || rel.Number > 0 || final(err) {
			w.done[c.digest] = true
		} else {
			again = true
		}
	}
	return again
}

// final reports whether an error will be the same the next time.
func final(err error) bool {
	for _, reason := range []error{ErrNotBetter, ErrSame, bundle.ErrForm, bundle.ErrNotBundle, bundle.ErrTooLarge, models.ErrDamaged, models.ErrNewer} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// findBundles returns the bundles in dir, in the order of their paths. What cannot
// be read has none.
func findBundles(dir string) (paths []string) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error { //nolint:errcheck // it returns none
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		rel, _ := filepath.Rel(dir, path)
		if e.IsDir() {
			hidden := rel != "." && strings.HasPrefix(e.Name(), ".")
			if hidden || strings.Count(rel, string(filepath.Separator)) >= maxDepth {
				return fs.SkipDir
			}
			return nil
		}
		if e.Name() == BundleName && e.Type().IsRegular() {
			paths = append(paths, path)
		}
		return nil
	})
	slices.Sort(paths)
	return paths
}

// readCandidate reads a bundle to its end, so that no half one counts. The digest
// is there even with an error if the file could be read.
func readCandidate(ctx context.Context, path string) (candidate, error) {
	d, _, err := digest.OfFile(path)
	if err != nil {
		return candidate{path: path}, err
	}
	c := candidate{path: path, digest: d}
	f, err := os.Open(path)
	if err != nil {
		return c, err
	}
	defer f.Close()
	c.manifest, err = bundle.Verify(ctx, f, bundle.Limits{})
	return c, err
}
