package foreign

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
)

// ErrUnknown says that a file is nothing that this package reads.
var ErrUnknown = errors.New("nothing that edge can import")

const (
	maxEntries = 200_000
	maxModel   = 256 << 20 // bytes of a model
)

// entry is a file in a zip or in a folder.
type entry struct {
	name string // with / between folders
	open func() (io.ReadCloser, error)
}

// entries lists the files of a zip, or those that lie in a folder. The folders that
// a person's zip program puts around everything, and what macOS adds, are left out. The closer ends what entries can be opened from.
func entries(name string) ([]entry, io.Closer, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		list, err := inFolder(name)
		return list, io.NopCloser(nil), err
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, nil, hint.Wrap(fmt.Errorf("read the zip: %w", err), "fetch or export it again")
	}
	list, err := inZip(&z.Reader)
	if err != nil {
		_ = z.Close()
		return nil, nil, err
	}
	return list, z, nil
}

func inFolder(dir string) ([]entry, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []entry
	for _, f := range files {
		p := filepath.Join(dir, f.Name())
		// Links are followed; pipes and devices are none of ours.
		if info, err := os.Stat(p); err != nil || !info.Mode().IsRegular() || hidden(f.Name()) {
			continue
		}
		list = append(list, entry{f.Name(), func() (io.ReadCloser, error) { return os.Open(p) }})
	}
	return list, nil
}

func inZip(z *zip.Reader) ([]entry, error) {
	if len(z.File) > maxEntries {
		return nil, fmt.Errorf("the zip has %d files: at most %d", len(z.File), maxEntries)
	}
	var list []entry
	for _, f := range z.File {
		if f.Mode()&fs.ModeType != 0 || strings.HasSuffix(f.Name, "/") || hidden(f.Name) {
			continue
		}
		list = append(list, entry{f.Name, f.Open})
	}
	around := common(list)
	for i := range list {
		list[i].name = strings.TrimPrefix(list[i].name, around)
	}
	return list, nil
}

// hidden reports whether an entry is what macOS leaves behind.
func hidden(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, "._") || base == ".DS_Store" || strings.HasPrefix(name, "__MACOSX/")
}

// common returns the folder that holds all entries, with its /, or "".
func common(list []entry) string {
	if len(list) == 0 {
		return ""
	}
	around := list[0].name[:strings.LastIndex(list[0].name, "/")+1]
	for _, e := range list {
		for around != "" && !strings.HasPrefix(e.name, around) {
			around = around[:strings.LastIndex(around[:len(around)-1], "/")+1]
		}
	}
	return around
}

// read returns the content of an entry, if it has at most limit bytes.
func (e entry) read(limit int64) ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	defer r.Close()
	// What the directory of a zip says about sizes may be a lie; what comes is not.
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", e.name, limit)
	}
	return data, nil
}

// find returns the entry of that name, in whatever folder, in upper or lower case.
func find(list []entry, name string) (entry, bool) {
	for _, e := range list {
		if strings.EqualFold(path.Base(e.name), name) {
			return e, true
		}
	}
	return entry{}, false
}
