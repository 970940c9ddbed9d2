package finetune

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// pictures lists the files of a folder, at any depth, that are named as
// pictures are, in the order of their paths: a dataset without labels.
func pictures(dir string) (*adapt.Dataset, error) {
	d := &adapt.Dataset{Dir: dir}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !slices.Contains(pictureEndings, strings.ToLower(filepath.Ext(path))) {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		d.Samples = append(d.Samples, adapt.Sample{Path: rel})
		return err
	})
	if err == nil && len(d.Samples) == 0 {
		err = fmt.Errorf("%s: no picture in it", dir)
	}
	return d, hint.Wrap(err, "give a folder with pictures in JPEG, PNG or WebP")
}

var pictureEndings = []string{".jpg", ".jpeg", ".png", ".webp"}

// folderDigest names the contents of the pictures of a folder.
func folderDigest(dir string) (digest.Digest, error) {
	d, err := pictures(dir)
	if err != nil {
		return "", err
	}
	var all []string
	for _, s := range d.Samples {
		content, _, err := digest.OfFile(filepath.Join(dir, s.Path))
		if err != nil {
			return "", err
		}
		all = append(all, string(content))
	}
	slices.Sort(all)
	return digest.Of([]byte(strings.Join(all, "\n"))), nil
}
