// Package notices tells of changes in folders, by fsnotify, such that whoever
// listens may add and remove folders.
//
// fsnotify's own goroutine may wait for somebody to read an error while it holds
// the lock that Add, Remove and WatchList need: when a watched folder is renamed,
// for one. Who calls them from the goroutine that reads waits for ever. Here a
// goroutine that does nothing else reads, and keeps a bounded number for later.
package notices

import (
	"github.com/fsnotify/fsnotify"
)

// waiting is how many events wait to be read. If there are more, some are missed,
// and Errors says so.
const waiting = 4096

// Watcher is a fsnotify.Watcher whose channels need not be read.
type Watcher struct {
	*fsnotify.Watcher // for Add, Remove and WatchList

	// Events are what happened, and Errors says that something may have been missed:
	// whoever reads one has to look for himself. Both are closed after Close.
	Events <-chan fsnotify.Event
	Errors <-chan error

	ended chan struct{}
}

// New starts a watcher of no folders. It fails where the system gives none.
func New() (*Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	events, errs, ended := make(chan fsnotify.Event, waiting), make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		forward(w, events, errs)
	}()
	return &Watcher{Watcher: w, Events: events, Errors: errs, ended: ended}, nil
}

// Close ends the watch. It may be called more than once.
func (w *Watcher) Close() error {
	err := w.Watcher.Close()
	<-w.ended
	return err
}

func forward(w *fsnotify.Watcher, events chan<- fsnotify.Event, errs chan<- error) {
	defer close(events)
	defer close(errs)
	missed := func(err error) {
		select {
		case errs <- err:
		default: // one that nobody has read yet says the same
		}
	}
	for {
		select {
		case e, ok := <-w.Events:
			if !ok {
				return
			}
			select {
			case events <- e:
			default:
				missed(fsnotify.ErrEventOverflow)
			}
		case err, ok := <-w.Errors:
			if !ok {
				return
			}
			missed(err)
		}
	}
}
