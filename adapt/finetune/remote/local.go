package remote

import (
	"crypto/md5" //nolint:gosec // what most stores give as the ETag; it protects nothing here
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
)

// isCopied reports whether the folder here has this very file: by its digest,
// or where the store has none by size and either time, which Download takes
// over, or ETag.
func (e file) isCopied(root *os.Root) (bool, error) {
	info, err := root.Lstat(e.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case info.Size() != e.Size:
		return false, nil
	case e.Digest == "" && info.ModTime().Equal(e.object.modified):
		return true, nil
	}
	f, err := root.Open(e.Name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if e.Digest != "" {
		got, _, err := digest.OfReader(f)
		return got == e.Digest, err
	}
	sum := md5.New() //nolint:gosec // as above
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)) == e.object.etag, err
}

// removeOthers removes what is in the folder here besides these files and the
// folders they lie in, and returns how many names that were.
func removeOthers(root *os.Root, files []file) (removed int, err error) {
	const aFile, aFolder = 1, 2
	wanted := map[string]int{".": aFolder}
	for _, e := range files {
		wanted[e.Name] = aFile
		for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
			wanted[dir] = aFolder
		}
	}
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && wanted[name] == aFolder, entry.Type().IsRegular() && wanted[name] == aFile:
			return nil
		}
		removed++
		if err := root.RemoveAll(name); err != nil {
			return err
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return removed, err
}

// localFiles returns all files of the folder here with their digests.
func localFiles(root *os.Root) ([]file, error) {
	var files []file
	err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", name)
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		d, size, err := digest.OfReader(f)
		files = append(files, file{Name: name, Size: size, Digest: d})
		return err
	})
	if err != nil {
		return nil, err
	}
	sortFiles(files)
	return files, checkTree(files)
}

// checkSpace fails if the disk that dir is on cannot take so many more bytes.
func checkSpace(dir string, bytes int64) error {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); uint64(bytes) > free {
		return fmt.Errorf("%s has %d MB free of the %d MB that are needed: %w", dir, free>>20, bytes>>20, unix.ENOSPC)
	}
	return nil
}
