package watch

import (
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

// State is what a folder of samples holds, as far as a look at names, sizes and
// times tells.
type State struct {
	Sum     digest.Digest // two looks that show the same have the same
	Files   int
	Newest  time.Time // of the last change, in a file or of names
	Folders []string  // the folder itself and those in it
}

// Look looks at all that is in the folder root but what is hidden (.name). What
// disappears meanwhile is left out.
func Look(root string) (State, error) {
	h := sha256.New()
	var s State
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
		if info.ModTime().After(s.Newest) {
			s.Newest = info.ModTime()
		}
		if entry.IsDir() {
			s.Folders = append(s.Folders, path)
			return nil
		}
		s.Files++
		fmt.Fprintf(h, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	s.Sum = digest.Digest(fmt.Sprintf("sha256:%x", h.Sum(nil)))
	return s, err
}
