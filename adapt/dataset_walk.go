package adapt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/edge-adapt/edge/camera/pixel"
)

// walk is a folder being listed.
type walk struct {
	ctx     context.Context
	dir     string
	classes map[string]*class
	skipped []Skip         // outside of classes
	above   map[inode]bool // folders that no link may lead back to: dir, those it lies in, the split folders
}

// class is what has been found of one class, in all splits.
type class struct {
	folders []string
	samples []Sample
	lost    []Skip
	seen    map[inode]bool // folders that have been walked
}

// inode identifies a folder, whatever path leads to it.
type inode struct{ device, number uint64 }

func inodeOf(info fs.FileInfo) inode {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return inode{uint64(s.Dev), s.Ino} //nolint:unconvert // Dev has other types elsewhere
	}
	return inode{}
}

func newWalk(ctx context.Context, dir string) (*walk, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, plain(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: not a folder", dir)
	}
	w := &walk{ctx: ctx, dir: dir, classes: map[string]*class{}, above: map[inode]bool{}}
	path, err := filepath.Abs(dir)
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	for err == nil {
		w.above[inodeOf(info)] = true
		if path == filepath.Dir(path) {
			break
		}
		path = filepath.Dir(path)
		info, err = os.Stat(path)
	}
	return w, nil
}

// plain returns the cause of a file system error without the path, which its
// reader knows.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// note adds a folder to those that no link may lead back to.
func (w *walk) note(path string) {
	if info, err := os.Stat(filepath.Join(w.dir, path)); err == nil {
		w.above[inodeOf(info)] = true
	}
}

// skip notes a file or folder that is not used, as part of c if that is not nil.
func (w *walk) skip(c *class, path, reason string, folder bool) {
	list := &w.skipped
	if c != nil {
		list = &c.lost
	}
	*list = append(*list, Skip{Path: path, Reason: reason, Folder: folder})
}

// entries calls fn for what lies in a folder, in order of names, with links
// followed. What cannot be followed is skipped, as part of c.
func (w *walk) entries(c *class, folder string, fn func(path string, info fs.FileInfo) error) error {
	list, err := os.ReadDir(filepath.Join(w.dir, folder))
	if err != nil {
		return plain(err)
	}
	for _, entry := range list {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if ignored(entry.Name()) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		info, err := os.Stat(filepath.Join(w.dir, path))
		link := entry.Type()&fs.ModeSymlink != 0
		switch {
		case errors.Is(err, syscall.ELOOP):
			w.skip(c, path, "a link that leads to itself", false)
		case link && errors.Is(err, fs.ErrNotExist):
			w.skip(c, path, "a link to a file that does not exist", false)
		case err != nil:
			w.skip(c, path, plain(err).Error(), false)
		default:
			if err := fn(path, info); err != nil {
				return err
			}
		}
	}
	return nil
}

// top returns the folders in a folder that holds classes or splits. Images that
// lie there are skipped.
func (w *walk) top(folder string) (folders []string, err error) {
	err = w.entries(nil, folder, func(path string, info fs.FileInfo) error {
		switch {
		case info.IsDir() && w.above[inodeOf(info)]:
			w.skip(nil, path, "a link back to a folder above it", true)
		case info.IsDir():
			folders = append(folders, path)
		case hasImageEnding(path) || info.Mode().IsRegular() && w.sniff(path) != "":
			w.skip(nil, path, "not in a class folder", false)
		}
		return nil
	})
	if err != nil && w.ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", filepath.Join(w.dir, folder), err)
	}
	return folders, err
}

// hasFolders reports whether a folder has folders in it.
func (w *walk) hasFolders(folder string) (has bool) {
	scratch := &class{} // what is skipped is skipped again later, for good
	_ = w.entries(scratch, folder, func(_ string, info fs.FileInfo) error {
		has = has || info.IsDir()
		return nil
	})
	return has
}

// class walks a class folder.
func (w *walk) class(split Split, folder string) error {
	label := filepath.Base(folder)
	c := w.classes[label]
	if c == nil {
		c = &class{seen: map[inode]bool{}}
		w.classes[label] = c
	}
	c.folders = append(c.folders, folder)
	return w.folder(c, split, folder)
}

// folder walks a folder in a class. Only the context ends it.
func (w *walk) folder(c *class, split Split, folder string) error {
	if info, err := os.Stat(filepath.Join(w.dir, folder)); err == nil {
		c.seen[inodeOf(info)] = true
	}
	before := len(c.samples)
	err := w.entries(c, folder, func(path string, info fs.FileInfo) error {
		if info.IsDir() {
			if id := inodeOf(info); w.above[id] || c.seen[id] {
				w.skip(c, path, "a link back to a folder that is read already", true)
				return nil
			}
			return w.folder(c, split, path)
		}
		if what := special(info.Mode()); what != "" {
			w.skip(c, path, what+", not a file", false)
			return nil
		}
		c.samples = append(c.samples, Sample{Path: path, Split: split, Bytes: info.Size()})
		return nil
	})
	switch {
	case w.ctx.Err() != nil:
		return w.ctx.Err()
	case err != nil:
		w.skip(c, folder, err.Error(), true)
	case hasImageEnding(folder) && len(c.samples) == before:
		w.skip(c, folder, "a folder, not an image", true)
	}
	return nil
}

// special names what is neither a file nor a folder.
func special(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&(fs.ModeDevice|fs.ModeCharDevice) != 0:
		return "a device"
	case !mode.IsRegular():
		return "a special file"
	}
	return ""
}

// sniff names the image format by a file's first bytes, or returns "".
func (w *walk) sniff(path string) string {
	// Not blocking, should a pipe have taken the file's place.
	f, err := os.OpenFile(filepath.Join(w.dir, path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	var head [pixel.SniffLen]byte
	n, _ := io.ReadFull(f, head[:])
	return pixel.Sniff(head[:n])
}
