package runtime

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/edge-adapt/edge/internal/notices"
)

// maxWatched bounds the folders of one owner: the kernel gives a user some
// thousands of watches. Folders beyond it are found by polling.
const maxWatched = 512

// settling is how long after folders came or went the watches are put in order:
// a copied tree brings many at once.
const settling = 20 * time.Millisecond

// notifier tells owners at once when something changes in their folders. The
// folders need not exist: it watches the nearest one above that does. Not every
// filesystem tells, so owners look by themselves now and then.
type notifier struct {
	log *slog.Logger

	mu      sync.Mutex
	owners  map[any]ownership
	watched map[string][]func() // by watched folder, whom to tell

	changed chan struct{}
}

type ownership struct {
	folders []string
	tell    func()
}

func newNotifier(log *slog.Logger) *notifier {
	return &notifier{log: log, owners: map[any]ownership{}, changed: make(chan struct{}, 1)}
}

// watch says what an owner wants to be told about, in place of what it said
// before. tell must not wait; it is called from another goroutine, and once
// after the folders are watched.
func (n *notifier) watch(owner any, folders []string, tell func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owners[owner] = ownership{folders[:min(len(folders), maxWatched)], tell}
	signal(n.changed)
}

// forget is the end of watch.
func (n *notifier) forget(owner any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.owners, owner)
	signal(n.changed)
}

// run tells until ctx ends. It looks for folders that came or went every poll
// too. Where the system gives no watches it does nothing.
func (n *notifier) run(ctx context.Context, poll time.Duration) {
	w, err := notices.New()
	if err != nil {
		n.log.Warn("the system does not tell of changed folders: they are looked at now and then", "error", err)
		return
	}
	defer w.Close()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-w.Events:
			n.tell(e.Name)
			if e.Has(fsnotify.Create) || e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				soon.Reset(settling)
			}
		case err := <-w.Errors:
			n.log.Warn("watching folders", "error", err)
			n.tellAll() // something may have been missed
		case <-n.changed:
			n.arrange(w)
		case <-soon.C:
			n.arrange(w)
		case <-ticker.C:
			n.arrange(w)
		}
	}
}

// tell tells whoever cares about the folder name, or the one that it is in.
func (n *notifier) tell(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, folder := range []string{name, filepath.Dir(name)} {
		for _, tell := range n.watched[folder] {
			tell()
		}
	}
}

func (n *notifier) tellAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, o := range n.owners {
		o.tell()
	}
}

// arrange watches what is to be watched, and nothing else.
func (n *notifier) arrange(w *notices.Watcher) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watched = map[string][]func(){}
	for _, o := range n.owners {
		for _, folder := range o.folders {
			folder = nearest(folder)
			n.watched[folder] = append(n.watched[folder], o.tell)
		}
	}
	have := map[string]bool{}
	for _, folder := range w.WatchList() {
		if n.watched[folder] == nil {
			_ = w.Remove(folder) // it may be gone
		} else {
			have[folder] = true
		}
	}
	for folder, tells := range n.watched {
		if have[folder] {
			continue
		}
		if err := w.Add(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
			n.log.Debug("a folder cannot be watched: it is looked at now and then", "folder", folder, "error", err)
			continue
		}
		for _, tell := range tells {
			tell() // of what came before the watch
		}
	}
}

// nearest returns the folder itself if it is there, else the nearest one above.
func nearest(folder string) string {
	for {
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			return folder
		}
		folder = above
	}
}
