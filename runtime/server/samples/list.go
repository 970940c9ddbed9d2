package samples

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
)

// maxDepth is how deep folders below a label are followed.
const maxDepth = 16

// Sample is a file in the folder. Whether it is a picture that can be used, adapt
// finds out when it reads it.
type Sample struct {
	Label    string    `json:"label"`
	Name     string    `json:"name"` // relative to the label's folder
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"`
}

// Label is a label and how many samples it has.
type Label struct {
	Label   string `json:"label"`
	Samples int    `json:"samples"`
}

// Page is a part of a list of samples. Next is where the next part begins; "" if
// there is none.
type Page struct {
	Samples []Sample `json:"samples"`
	Next    string   `json:"next,omitempty"`
}

// Labels returns the labels in order, with how many samples each has. Links to
// folders are not followed. A folder that does not exist has no labels.
func (f *Folder) Labels(ctx context.Context) ([]Label, error) {
	root, err := f.open()
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := labels(root)
	if err != nil {
		return nil, err
	}
	list := make([]Label, len(names))
	for i, name := range names {
		list[i].Label = name
		err := walk(ctx, root, name, nil, 0, func(string, fs.FileInfo) error {
			list[i].Samples++
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// List returns at most limit samples that come after the one that after names,
// as a Page's Next does; "" begins at the first. With a label it lists those
// alone. It reads only the folders that the page needs, each as a whole.
func (f *Folder) List(ctx context.Context, label, after string, limit int) (Page, error) {
	page := Page{Samples: []Sample{}}
	root, err := f.open()
	if isNotFound(err) && label == "" {
		return page, nil
	}
	if err != nil {
		return page, err
	}
	defer root.Close()
	names := []string{label}
	if label != "" {
		err = locateLabel(root, label)
	} else {
		names, err = labels(root)
	}
	if err != nil {
		return page, err
	}
	var from []string
	if after != "" {
		from = strings.Split(after, "/")
	}
	for _, name := range names {
		if len(from) > 0 && name < from[0] {
			continue
		}
		var rest []string
		if len(from) > 0 && name == from[0] {
			rest = from[1:]
		}
		err := walk(ctx, root, name, rest, 0, func(full string, info fs.FileInfo) error {
			if len(page.Samples) == limit {
				last := page.Samples[limit-1]
				page.Next = last.Label + "/" + last.Name
				return fs.SkipAll
			}
			page.Samples = append(page.Samples, sampleOf(name, full, info))
			return nil
		})
		if errors.Is(err, fs.SkipAll) {
			break
		}
		if err != nil {
			return page, err
		}
	}
	return page, nil
}

// sampleOf describes the file at full.
func sampleOf(label, full string, info fs.FileInfo) Sample {
	return Sample{label, strings.TrimPrefix(full, label+"/"), info.Size(), info.ModTime().UTC()}
}

// labels returns the names of the folders in root, in order.
func labels(root *os.Root) ([]string, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !ignored(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// walk calls fn for the files in dir and the folders below it, in the order of
// their paths' parts, that come after the path whose parts are after.
func walk(ctx context.Context, root *os.Root, dir string, after []string, depth int, fn func(full string, info fs.FileInfo) error) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	entries, err := fs.ReadDir(root.FS(), dir)
	if errors.Is(err, fs.ErrNotExist) { // it was there a moment ago
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, full := e.Name(), path.Join(dir, e.Name())
		if ignored(name) || len(after) > 0 && name < after[0] {
			continue
		}
		at := len(after) > 0 && name == after[0]
		if e.IsDir() {
			if depth == maxDepth {
				continue
			}
			var rest []string
			if at {
				rest = after[1:]
			}
			if err := walk(ctx, root, full, rest, depth+1, fn); err != nil {
				return err
			}
			continue
		}
		info, err := root.Stat(full) // follows links inside the folder
		if at && len(after) == 1 || err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := fn(full, info); err != nil {
			return err
		}
	}
	return nil
}

// Open opens a picture to be read by the caller, who closes it. What is no
// picture by its first bytes is ErrNotFound: other files are nobody's business.
// format is as pixel.Sniff has it.
func (f *Folder) Open(label, name string) (file *os.File, format string, err error) {
	full, err := locate(label, name)
	if err != nil {
		return nil, "", err
	}
	root, err := f.open()
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	what := fmt.Sprintf("sample %.40q of %.40q", name, label)
	// Not blocking, should a pipe lie there.
	file, err = root.OpenFile(full, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, "", missing(what, err)
	}
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() {
		var head [pixel.SniffLen]byte
		n, _ := file.ReadAt(head[:], 0)
		if format = pixel.Sniff(head[:n]); format != "" {
			return file, format, nil
		}
	}
	file.Close()
	return nil, "", fmt.Errorf("%s is %w: it is no picture", what, ErrNotFound)
}

func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
