package runtime

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/digest"
)

const (
	defaultDebounce = 10 * time.Second
	// quietScan is after how many debounces a folder is looked at although
	// nobody told of a change.
	quietScan = 6
)

// watchSamples adapts when the folder of samples has changed and has then been
// still for a while, until ctx ends.
//
// What counts is what a look at the folder shows; notices only say when to look.
// Two looks in a row, a debounce apart, must show the same, and something else
// than what was last adapted to.
func (t *Task) watchSamples(ctx context.Context, n *notifier) {
	owner := &t.adapted // one of the task's own, beside the one for the store
	defer n.forget(owner)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var seen folderState // in the last look
	fresh := true        // nothing is known about the folder yet
	watched := ""
	for {
		c := t.Config()
		if !c.AdaptOnChange {
			n.forget(owner)
			timer.Stop()
			watched = ""
		} else if c.Samples != watched {
			fresh, watched = true, c.Samples
			timer.Reset(0)
		}
		debounce := c.Debounce
		if debounce == 0 {
			debounce = defaultDebounce
		}
		select {
		case <-ctx.Done():
			return
		case <-t.pokeSamples:
			timer.Reset(debounce)
			continue
		case <-timer.C:
		}
		state, err := readFolder(c.Samples)
		if err != nil {
			t.runtime.log.Warn("the samples cannot be looked at", "task", t.name, "folder", c.Samples, "error", err)
			timer.Reset(quietScan * debounce)
			continue
		}
		if fresh {
			t.startFrom(state)
			n.watch(owner, state.folders, func() { signal(t.pokeSamples) })
			fresh = false
		}
		still := state.sum == seen.sum
		if !still {
			n.watch(owner, state.folders, func() { signal(t.pokeSamples) })
		}
		seen = state
		switch {
		case t.adaptedTo(state) || state.files == 0:
			timer.Reset(quietScan * debounce)
		case !still:
			timer.Reset(debounce)
		default:
			if err := t.Adapt(ctx); err != nil && !errors.Is(err, ErrAdapting) {
				t.runtime.log.Warn("the samples have changed", "task", t.name, "error", err)
			}
			timer.Reset(debounce)
		}
	}
}

// startFrom decides what the folder was last adapted to when nobody remembers:
// to this, unless something in it is younger than the generation in use.
func (t *Task) startFrom(state folderState) {
	s := t.active.acquire()
	defer s.release()
	t.mu.Lock()
	defer t.mu.Unlock()
	if s != nil && !state.newest.After(s.model.Created) {
		t.adapted = state
	}
}

func (t *Task) adaptedTo(state folderState) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.adapted.sum == state.sum
}

// folderState is what a folder of samples holds, as far as a look at names,
// sizes and times tells.
type folderState struct {
	sum     digest.Digest
	files   int
	newest  time.Time // of the last change, in a file or of names
	folders []string  // the folder itself and those in it
}

// readFolder looks at all that is in the folder root. What disappears meanwhile
// is left out.
func readFolder(root string) (folderState, error) {
	h := sha256.New()
	var s folderState
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path != root && errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if path != root && strings.HasPrefix(entry.Name(), ".") {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path) // of a link, what it leads to
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if info.ModTime().After(s.newest) {
			s.newest = info.ModTime()
		}
		if entry.IsDir() {
			s.folders = append(s.folders, path)
			return nil
		}
		s.files++
		fmt.Fprintf(h, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	s.sum = digest.Digest(fmt.Sprintf("sha256:%x", h.Sum(nil)))
	return s, err
}
