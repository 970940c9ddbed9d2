package dir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// sighting is a file that is new or has changed.
type sighting struct {
	name string
	info fs.FileInfo
}

// readThrough reads the whole folder: it takes up what is new and forgets what has
// gone.
func (s *source) readThrough(ctx context.Context, first bool) error {
	began := time.Now()
	if err := s.present(); err != nil {
		return err
	}
	s.round++
	s.notices.partial = false
	seen, err := s.folder(ctx, ".", 0, nil)
	if err != nil {
		return err
	}
	if err := s.takeUp(seen, first, began); err != nil {
		return err
	}
	for name, f := range s.files {
		if f.round != s.round {
			s.forget(name)
		}
	}
	poll := s.Poll
	if poll == 0 {
		poll = pollUnwatched
		if s.notices.watching() && s.local {
			poll = pollWatched
		}
	}
	took := time.Since(began)
	// Reading through takes up a twentieth of the time at most.
	s.scan = time.Now().Add(max(poll, 20*took))
	s.check = time.Now().Add(checkEvery)
	return nil
}

// folder adds what is new or has changed in a folder, given by its name relative to
// the root, to seen.
func (s *source) folder(ctx context.Context, name string, depth int, seen []sighting) ([]sighting, error) {
	path := filepath.Join(s.root, name)
	// Watched first, so that what comes meanwhile is not missed.
	s.notices.add(path)
	d, err := os.Open(path)
	if err != nil {
		return seen, s.unreadable(name, err)
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(1024)
		for _, entry := range entries {
			if seen, err = s.entry(ctx, name, depth, entry, seen); err != nil {
				return seen, err
			}
		}
		if err := s.ended(ctx); err != nil {
			return seen, err
		}
		if errors.Is(err, io.EOF) || len(entries) == 0 && err == nil {
			return seen, nil
		}
		if err != nil {
			return seen, s.unreadable(name, err)
		}
	}
}

// entry adds what lies in a folder.
func (s *source) entry(ctx context.Context, folder string, depth int, entry fs.DirEntry, seen []sighting) ([]sighting, error) {
	name := filepath.Join(folder, entry.Name())
	switch {
	case hidden(entry.Name()):
	case entry.IsDir():
		if s.Subfolders && depth < maxDepth && !s.after.isTarget(filepath.Join(s.root, name)) {
			return s.folder(ctx, name, depth+1, seen)
		}
	case isPicture(name):
		info := s.regular(entry.Info, name)
		if info == nil {
			break
		}
		if f := s.files[name]; f != nil {
			f.round = s.round
			if f.stamp == stampOf(info) {
				break
			}
		}
		seen = append(seen, sighting{name, info})
	}
	return seen, nil
}

// regular returns what stat says of a file, or of that to which it is a link, or nil
// if it has gone already, leads nowhere or is no file.
func (s *source) regular(stat func() (fs.FileInfo, error), name string) fs.FileInfo {
	info, err := stat()
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Stat(filepath.Join(s.root, name))
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return info
}

// unreadable returns why the folder cannot be read, of the root, and only tells of
// any other.
func (s *source) unreadable(name string, err error) error {
	if name == "." {
		if gone := s.present(); gone != nil {
			return gone
		}
		return hint.Wrap(fmt.Errorf("folder: %w", err), "let the user that edge runs as read it")
	}
	if !errors.Is(err, fs.ErrNotExist) && !s.told[name] {
		s.told[name] = true
		s.trouble = append(s.trouble, &camera.Skipped{Name: name + "/", Err: pathless(err)})
	}
	return nil
}

// pathless returns a file system error's cause.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// takeUp takes up files that are new or have changed, those of the first reading by
// name, others in the order in which they were written.
func (s *source) takeUp(seen []sighting, first bool, now time.Time) error {
	slices.SortFunc(seen, func(a, b sighting) int {
		byName := strings.Compare(a.name, b.name)
		if first {
			return byName
		}
		return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), byName)
	})
	for _, one := range seen {
		f, err := s.sight(one, now)
		if err != nil {
			return err
		}
		if first {
			f.old = now.Sub(one.info.ModTime()) >= s.Patience
			if s.New {
				f.done = true
				s.queue.remove(f)
			}
		}
	}
	return nil
}

// rest is how long a file that has just changed is left alone, so that not every
// write to it makes us look.
const rest = 20 * time.Millisecond

// sight takes up a file that is new or has changed.
func (s *source) sight(one sighting, now time.Time) (*file, error) {
	f, due := s.files[one.name], now
	if f == nil {
		if len(s.files) >= s.Files {
			err := fmt.Errorf("folder %s: more than %d pictures", s.Path, s.Files)
			return nil, hint.Wrap(err, "let what is done be moved or deleted (after=…), or watch an emptier folder")
		}
		f = &file{name: one.name, at: -1}
		s.files[one.name] = f
	} else if f.at >= 0 {
		due = now.Add(rest)
	}
	s.order++
	f.stamp, f.since, f.order, f.round = stampOf(one.info), now, s.order, s.round
	f.old, f.done = false, false
	s.queue.put(f, due)
	return f, nil
}

// forget drops a file that has gone.
func (s *source) forget(name string) {
	if f := s.files[name]; f != nil {
		s.queue.remove(f)
		delete(s.files, name)
	}
}
