package main

import (
	"io/fs"
	"os"
	"slices"
	"time"
)

// origin is what a static server has at which moment: files that never change, and
// timestamp.json, which says what is newest. It is read concurrently.
type origin struct {
	root   []byte // the one that devices pin
	files  map[string][]byte
	stamps []stamp // rising
}

// stamp is a timestamp.json, from a moment on.
type stamp struct {
	from time.Duration
	data []byte
}

const timestampName = "metadata/timestamp.json"

// readOrigin reads the folder of a repository that has metadata/ and targets/.
func readOrigin(dir string, stamps []stamp) (*origin, error) {
	o := &origin{files: map[string][]byte{}, stamps: stamps}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || name == timestampName {
			return err
		}
		o.files[name], err = fs.ReadFile(root, name)
		return err
	})
	o.root = o.files["metadata/1.root.json"]
	return o, err
}

// get returns a file as it is at a moment, nil if there is none.
func (o *origin) get(name string, at time.Duration) []byte {
	if name != timestampName {
		return o.files[name]
	}
	i, found := slices.BinarySearchFunc(o.stamps, at, func(s stamp, at time.Duration) int { return int(s.from - at) })
	if !found {
		i--
	}
	return o.stamps[max(i, 0)].data
}
