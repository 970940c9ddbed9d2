package dir

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	watch "github.com/edge-adapt/edge/internal/notices"
)

// notices is what the system tells of changes. Where it cannot, there are none, and
// reading through has to do. All but close is for the goroutine that reads.
type notices struct {
	events  <-chan fsnotify.Event
	errors  <-chan error
	watcher *watch.Watcher // nil: there are none
	partial bool           // some folder could not be watched
}

// open starts, if the system lets it.
func (n *notices) open() {
	if watcher, err := watch.New(); err == nil {
		n.watcher, n.events, n.errors = watcher, watcher.Events, watcher.Errors
	}
}

// add watches a folder.
func (n *notices) add(path string) {
	if n.watcher == nil || n.watcher.Add(path) != nil {
		n.partial = true
	}
}

// watching reports whether all changes are told of.
func (n *notices) watching() bool { return !n.partial }

// close ends it. Any goroutine may call it.
func (n *notices) close() error {
	if n.watcher == nil {
		return nil
	}
	return n.watcher.Close()
}

// note looks at what a notice is about.
func (s *source) note(ctx context.Context, event fsnotify.Event) {
	name, err := filepath.Rel(s.root, event.Name)
	if err != nil || event.Name == "" {
		return
	}
	if name == "." {
		if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
			s.check = time.Time{}
		}
		return
	}
	for part := range strings.SplitSeq(name, string(filepath.Separator)) {
		if hidden(part) {
			return
		}
	}
	info, err := os.Lstat(filepath.Join(s.root, name))
	if err == nil && info.IsDir() {
		if event.Has(fsnotify.Create) {
			s.noteFolder(ctx, name)
		}
		return
	}
	if !isPicture(name) || ctx.Err() != nil {
		return
	}
	info = s.regular(func() (fs.FileInfo, error) { return info, err }, name)
	switch f := s.files[name]; {
	case info == nil:
		s.forget(name)
	case f == nil || f.stamp != stampOf(info):
		if _, err := s.sight(sighting{name, info}, time.Now()); err != nil {
			s.scan = time.Time{} // which says so
		}
	}
}

// noteFolder takes up what lies in a folder that has come.
func (s *source) noteFolder(ctx context.Context, name string) {
	depth := 1 + strings.Count(name, string(filepath.Separator))
	if !s.Subfolders || depth > maxDepth || s.after.isTarget(filepath.Join(s.root, name)) {
		return
	}
	seen, err := s.folder(ctx, name, depth, nil)
	if err == nil {
		err = s.takeUp(seen, false, time.Now())
	}
	if err != nil {
		s.scan = time.Time{} // which says so, or finds out more
	}
}
