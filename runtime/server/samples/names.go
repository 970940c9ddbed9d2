package samples

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/edge-adapt/edge/internal/hint"
)

// maxLabel is the longest label, in bytes: a folder's name.
const maxLabel = 255

// leftovers are names, in lower case, that operating systems and storage boxes
// leave behind. adapt passes them over, as it does hidden ones.
var leftovers = []string{
	"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
}

func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains(leftovers, strings.ToLower(name))
}

// partNames are the names that part a folder of samples, in lower case.
var partNames = []string{"train", "val", "valid", "validation", "test"}

// isParted reports whether the folder is parted: train stands beside val or
// test, or parts are all there is and have folders in them.
func isParted(root *os.Root) (bool, error) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return false, err
	}
	var parts []string
	others, train := 0, false
	for _, e := range entries {
		switch name := strings.ToLower(e.Name()); {
		case !e.IsDir() || ignored(e.Name()):
		case slices.Contains(partNames, name):
			parts = append(parts, e.Name())
			train = train || name == "train"
		default:
			others++
		}
	}
	if len(parts) == 0 || others > 0 && (!train || len(parts) < 2) {
		return false, nil
	}
	for _, part := range parts {
		inside, err := fs.ReadDir(root.FS(), part)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(inside, func(e fs.DirEntry) bool { return e.IsDir() && !ignored(e.Name()) }) {
			return true, nil
		}
	}
	return false, nil
}

// CheckLabel reports whether label can be a label that is added: the name of one
// visible folder, that stands on one line of a labels file.
func CheckLabel(label string) error {
	var why string
	switch {
	case label == "":
		why = "it is empty"
	case len(label) > maxLabel:
		why = fmt.Sprintf("it is longer than %d bytes", maxLabel)
	case !utf8.ValidString(label):
		why = "it is not UTF-8"
	case strings.ContainsAny(label, `/\`):
		why = "it has a slash"
	case strings.HasPrefix(label, "."):
		why = "it begins with a dot"
	case strings.TrimSpace(label) != label || strings.HasPrefix(label, "\ufeff"):
		why = "it has space around it"
	case strings.ContainsFunc(label, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }):
		why = "it has control characters"
	case ignored(label):
		why = "operating systems leave folders of that name behind"
	case slices.Contains(partNames, strings.ToLower(label)):
		why = "folders of that name part samples into train, val and test"
	default:
		return nil
	}
	return hint.Wrap(fmt.Errorf("label %.40q is %w: %s", label, ErrName, why), "choose another label")
}

// locate returns where a sample lies in the folder. label and name come from
// outside.
func locate(label, name string) (string, error) {
	full := path.Join(label, name)
	ok := label != "" && name != "" && full == label+"/"+name && fs.ValidPath(full) && !strings.Contains(label, "/") && !strings.ContainsRune(full, 0)
	for part := range strings.SplitSeq(full, "/") {
		ok = ok && !ignored(part)
	}
	if !ok {
		return "", fmt.Errorf("sample %.40q of %.40q is %w", name, label, ErrNotFound)
	}
	return full, nil
}

// locateLabel returns where the samples of a label lie. Unlike a label that is
// added, one that is there may be called anything.
func locateLabel(root *os.Root, label string) error {
	if _, err := locate(label, "x"); err == nil {
		info, err := root.Lstat(label)
		if err == nil && info.IsDir() {
			return nil
		}
		if err != nil {
			if err = missing("label", err); !isNotFound(err) {
				return err
			}
		}
	}
	return fmt.Errorf("label %.40q is %w", label, ErrNotFound)
}
