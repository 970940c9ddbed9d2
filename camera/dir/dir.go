// Package dir watches a folder into which somebody puts pictures: a camera that
// uploads, a program that saves, a person who copies. Each picture is delivered
// once, and never half-written.
//
// # When a picture is whole
//
// Where the kernel can say whether anybody has a file open for writing (a local file
// system, and the file is ours or we have CAP_LEASE), a picture is whole when
// nobody has. Elsewhere it is whole when its size and time have stood still for
// Options.Settle. Either way it must not change while it is read, and it must
// decode: one that does not is given until it has stood still for
// Options.Patience, because uploads pause.
//
// # What is looked at
//
// Files with a picture's ending, in any case, that are not hidden (.name). What
// programs write to under another name first (name.jpg.part, .name.jpg.x7Gh2) is
// therefore seen when it is renamed. Links to files are followed, links to folders are
// not. A file that is written anew is delivered anew.
//
// fsnotify tells of changes. Because some file systems do not tell (NFS, SMB, FUSE)
// and notices may be lost, the folder is also read through at intervals.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Options says which folder is watched, and how. All but Path may be zero.
type Options struct {
	Path string
	// Subfolders watches the folders in the folder too, up to 32 deep.
	Subfolders bool
	// New delivers only what comes after opening. Otherwise what is there comes
	// first, in the order of names.
	New bool
	// After says what happens to a file once its picture has been dealt with,
	// which is when the next one is asked for: "keep", which is what "" means;
	// "move:DIR", where a relative DIR is relative to Path; or "delete". Moving
	// never overwrites. A file that cannot be used is moved to DIR/rejected, and
	// is never deleted.
	After string
	// Settle is how long a file must stand still where nobody can say whether it
	// is being written. Zero means 1 s.
	Settle time.Duration
	// Patience is how long a file that cannot be read must stand still before it
	// is skipped. Zero means 10 s.
	Patience time.Duration
	// Poll is how often the folder is read through. Zero means 10 s, and 1 s where
	// changes are not told of. A large folder is read through less often.
	Poll time.Duration
	// Unwatched relies on Poll alone.
	Unwatched bool
	// Files is how many pictures there may be in the folder. Zero means 200,000.
	Files int
	// Limits are for a picture.
	Limits pixel.Limits
}

const (
	defaultSettle   = time.Second
	defaultPatience = 10 * time.Second
	defaultFiles    = 200_000
	pollWatched     = 10 * time.Second
	pollUnwatched   = time.Second
	checkEvery      = time.Second // whether the folder is still there
	maxDepth        = 32
)

// Validate returns what is wrong with the options, without looking at the folder,
// or nil.
func (o Options) Validate() error {
	switch _, err := parseAfter(o.After, o.Path); {
	case o.Path == "":
		return wrong("no folder is given", "name one: file:///path/to/folder")
	case err != nil:
		return err
	case o.Settle < 0 || o.Patience < 0 || o.Poll < 0 || o.Files < 0:
		return wrong("a time or a number below zero", "leave it out for the usual one")
	}
	return nil
}

// wrong returns what is wrong with the options and how it is put right.
func wrong(what, next string) error {
	return hint.Wrap(fmt.Errorf("folder: %s: %w", what, camera.ErrBadURI), next)
}

// source watches a folder. Everything belongs to the goroutine that reads, but for
// closed.
type source struct {
	Options
	root  string // Path, absolute
	id    identity
	after after
	local bool // the file system can tell who writes

	notices notices
	files   map[string]*file // by name relative to root, of pictures that are there
	queue   queue
	order   uint64
	round   uint64
	scan    time.Time // when the folder is read through next
	check   time.Time // when it is looked for next

	held    *file             // the one whose frame the reader has
	trouble []*camera.Skipped // to be told
	told    map[string]bool   // folders that cannot be read
	data    []byte
	number  uint64
	timer   *time.Timer
	over    error

	closing sync.Once
	closed  chan struct{}
	failed  error // of closing
}

// Open starts to watch a folder, which must exist.
func Open(ctx context.Context, o Options) (camera.Source, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("folder: %w", err)
	}
	info, err := os.Stat(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint.Wrap(fmt.Errorf("folder: %w", err), "create it; it is looked for again")
	case err != nil:
		return nil, fmt.Errorf("folder: %w", err)
	case !info.IsDir():
		return nil, wrong(fmt.Sprintf("%q is not a folder", o.Path), "name the folder that the pictures are in")
	}
	or(&o.Settle, defaultSettle)
	or(&o.Patience, defaultPatience)
	if o.Files == 0 {
		o.Files = defaultFiles
	}
	s := &source{
		Options: o, root: root, id: identityOf(info), local: tellsWriters(root),
		files: map[string]*file{}, told: map[string]bool{}, closed: make(chan struct{}),
	}
	if s.after, err = parseAfter(o.After, root); err == nil {
		err = s.after.prepare(root, info)
	}
	if err != nil {
		return nil, err
	}
	// From here on nothing is missed: what comes before the first reading is found
	// by it.
	if !o.Unwatched {
		s.notices.open()
	}
	if err := s.readThrough(ctx, true); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func or(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

// Read implements camera.Source. What was asked for with Options.After happens to
// the file of the frame before.
func (s *source) Read(ctx context.Context, f *camera.Frame) error {
	if err := s.ended(ctx); err != nil {
		return err
	}
	if s.over != nil {
		return s.over
	}
	s.finish()
	for {
		if err := s.ended(ctx); err != nil {
			return err
		}
		if err := s.look(ctx); err != nil {
			if ended := s.ended(ctx); ended != nil {
				return ended
			}
			s.over = err
			return err
		}
		if len(s.trouble) > 0 {
			skipped := s.trouble[0]
			s.trouble = s.trouble[1:]
			return skipped
		}
		if due := s.queue.take(time.Now()); due != nil {
			if s.load(f, due) {
				s.held = due
				return nil
			}
			continue
		}
		s.wait(ctx)
	}
}

// ended returns why nothing more is to be done, or nil.
func (s *source) ended(ctx context.Context) error {
	select {
	case <-s.closed:
		return camera.ErrClosed
	default:
		return ctx.Err()
	}
}

// look reads the folder through, or sees whether it is there, when it is time to.
func (s *source) look(ctx context.Context) error {
	now := time.Now()
	if !now.Before(s.scan) {
		return s.readThrough(ctx, false)
	}
	if now.Before(s.check) {
		return nil
	}
	s.check = now.Add(checkEvery)
	return s.present()
}

// present returns an error if the folder is not the one that was opened any more.
func (s *source) present() error {
	info, err := os.Stat(s.root)
	if err == nil && identityOf(info) == s.id {
		return nil
	}
	cause := "it has gone"
	if err == nil {
		cause = "another has taken its place"
	}
	return hint.Wrap(fmt.Errorf("folder %s: %s: %w", s.Path, cause, camera.ErrUnplugged), "bring it back, or mount what it lies on; it is looked for again")
}

// wait waits until something happens or it is time to look.
func (s *source) wait(ctx context.Context) {
	until := s.scan
	if s.check.Before(until) {
		until = s.check
	}
	if due, ok := s.queue.next(); ok && due.Before(until) {
		until = due
	}
	if s.timer == nil {
		s.timer = time.NewTimer(time.Until(until))
	} else {
		s.timer.Reset(time.Until(until))
	}
	defer s.timer.Stop()
	select {
	case event, ok := <-s.notices.events:
		if !ok {
			s.notices.events = nil
			return
		}
		s.note(ctx, event)
	case _, ok := <-s.notices.errors:
		if !ok {
			s.notices.errors = nil
			return
		}
		s.scan = time.Time{} // some notices were lost
	case <-s.timer.C:
	case <-ctx.Done():
	case <-s.closed:
	}
}

// Info implements camera.Source.
func (s *source) Info() camera.Info { return camera.Info{Driver: "dir", Device: s.Path} }

// Close implements camera.Source. The file of the last frame stays where it is: who
// knows whether it was dealt with.
func (s *source) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.failed = s.notices.close()
	})
	return s.failed
}
