package adapt

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/edge-adapt/edge/internal/hint"
)

// layoutHint says what a dataset looks like.
const layoutHint = "give a folder that holds a folder of images for each class, like photos/cat/1.jpg and photos/dog/1.jpg"

// List walks a folder of labelled images: a folder a class, its images in it or
// in folders below it.
//
// Where the folder holds train, val (or valid, validation) and test folders, in
// upper or lower case, the classes are looked for inside them, and the classes
// are those of all of them together. They count as such if one of them has
// folders in it and either nothing else lies beside them or train stands with
// val or test; otherwise "train" may as well be a class of locomotives.
//
// The folder of a custom classification of Frigate may be given as it is: the
// classes are those of its folder dataset, and its folder train, whose crops have
// no label, is skipped; so is that of Frigate's library of faces.
//
// Every regular file in a class folder is a sample: whether it is an image is
// decided by its content, when it is read. A folder in which no file has an
// image's name, nor an image's first bytes, is no class; it is skipped. Links
// are followed; folders that they make part of themselves are walked once.
// Hidden files and folders, and what operating systems leave behind, are ignored
// without a word. Pipes, sockets and devices are skipped unopened.
//
// List opens no file but to look at its first bytes where its name does not
// tell. It takes memory for names only. Its errors are a folder that cannot be
// read, labels that cannot be written down, and the context's. Whether the
// classes suffice for training is for Check to say.
func List(ctx context.Context, dir string) (*Dataset, error) {
	w, err := newWalk(ctx, dir)
	if err != nil {
		return nil, hint.Wrap(err, layoutHint)
	}
	folders, err := w.top("")
	if err != nil {
		return nil, hint.Wrap(err, layoutHint)
	}
	if folders, err = w.neighbours(folders); err != nil {
		return nil, hint.Wrap(err, layoutHint)
	}
	splits, err := w.splits(folders)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Dir: dir, Folders: splits != nil}
	if splits == nil {
		splits = []splitFolder{{split: SplitTrain, classes: folders}}
	}
	for _, s := range splits {
		d.valFolder = d.valFolder || s.split == SplitVal
		for _, folder := range s.classes {
			if err := w.class(s.split, folder); err != nil {
				return nil, err
			}
		}
	}
	return d, w.fill(d)
}

// splitFolder is a train, val or test folder.
type splitFolder struct {
	split   Split
	path    string
	classes []string // the folders in it
}

// splitNames are the names of split folders, in lower case.
var splitNames = map[string]Split{
	"train": SplitTrain,
	"val":   SplitVal, "valid": SplitVal, "validation": SplitVal,
	"test": SplitTest,
}

// splits returns the split folders among the top folders, or nil if the top
// folders are classes.
func (w *walk) splits(folders []string) ([]splitFolder, error) {
	var found []splitFolder
	var others []string
	path := map[Split]string{}
	for _, folder := range folders {
		split, ok := splitNames[strings.ToLower(filepath.Base(folder))]
		if !ok {
			others = append(others, folder)
			continue
		}
		if path[split] != "" {
			return nil, hint.Wrap(fmt.Errorf("%s: both %q and %q mean %s", w.dir, path[split], folder, split),
				"keep one of the two folders")
		}
		path[split] = folder
		found = append(found, splitFolder{split: split, path: folder})
	}
	alone := len(others) == 0 || path[SplitTrain] != "" && len(found) > 1
	if !alone || !slices.ContainsFunc(found, func(s splitFolder) bool { return w.hasFolders(s.path) }) {
		return nil, nil
	}
	for _, s := range found {
		w.note(s.path)
	}
	for i := range found {
		var err error
		if found[i].classes, err = w.top(found[i].path); err != nil {
			return nil, err
		}
	}
	for _, folder := range others {
		w.skip(nil, folder, "stands beside the train, val and test folders", true)
	}
	return found, nil
}

// fill hands the dataset what the walk has found.
func (w *walk) fill(d *Dataset) error {
	for label, c := range w.classes {
		if len(c.samples) > 0 && !w.looksLikeImages(c) {
			for _, folder := range c.folders {
				w.skip(nil, folder, "no image in it", true)
			}
			delete(w.classes, label)
			continue
		}
		if err := checkLabel(label); err != nil {
			return hint.Wrap(fmt.Errorf("%s: %w", w.dir, err), "rename the folder")
		}
		d.Labels = append(d.Labels, label)
	}
	slices.Sort(d.Labels)
	d.lost = make([][]Skip, len(d.Labels))
	for i, label := range d.Labels {
		c := w.classes[label]
		d.lost[i] = c.lost
		w.skipped = append(w.skipped, c.lost...)
		for _, s := range c.samples {
			s.Label = i
			d.Samples = append(d.Samples, s)
		}
	}
	slices.SortFunc(d.Samples, func(a, b Sample) int { return strings.Compare(a.Path, b.Path) })
	d.Skipped = w.skipped
	sortSkips(d.Skipped)
	return nil
}

// checkLabel refuses labels that labels.txt, a line a label, or JSON could not
// hold.
func checkLabel(label string) error {
	if !utf8.ValidString(label) {
		return fmt.Errorf("class %q: the name is not UTF-8", label)
	}
	for _, r := range label {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("class %q: the name holds a control character", label)
		}
	}
	return nil
}

// imageEndings are the file endings of images, in lower case, of kinds that are
// read and of kinds that are only named in the reason why not.
var imageEndings = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".apng": true, ".webp": true,
	".gif": true, ".bmp": true, ".tif": true, ".tiff": true, ".heic": true, ".heif": true, ".avif": true,
	".jxl": true, ".jp2": true, ".dng": true, ".cr2": true, ".nef": true, ".arw": true,
}

func hasImageEnding(path string) bool { return imageEndings[strings.ToLower(filepath.Ext(path))] }

// looksLikeImages reports whether a file of the class has an image's name, or
// else an image's first bytes.
func (w *walk) looksLikeImages(c *class) bool {
	for _, s := range c.samples {
		if hasImageEnding(s.Path) {
			return true
		}
	}
	for _, s := range c.samples {
		if w.ctx.Err() != nil || w.sniff(s.Path) != "" {
			return true
		}
	}
	return false
}

// leftovers are names that operating systems and storage boxes leave behind, in
// lower case.
var leftovers = map[string]bool{
	"thumbs.db": true, "ehthumbs.db": true, "desktop.ini": true, "icon\r": true, "__macosx": true,
	"@eadir": true, "#recycle": true, "$recycle.bin": true, "system volume information": true, "lost+found": true,
}

// ignored reports whether a file or folder is passed over in silence.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || leftovers[strings.ToLower(name)]
}
