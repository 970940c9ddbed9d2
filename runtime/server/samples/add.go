package samples

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// openFlags keep an open from waiting for what is no file.
const openFlags = unix.O_NONBLOCK

// Added is a picture that was added, or was there already.
type Added struct {
	Sample
	Digest digest.Digest `json:"digest"`
	Width  int           `json:"width"` // as it is seen, upright
	Height int           `json:"height"`
	// Existed is set if the label had this picture before.
	Existed bool `json:"existed"`
}

// endings are the file endings of formats.
var endings = map[string]string{"jpeg": ".jpg", "png": ".png", "webp": ".webp"}

// Add stores a picture under a label, which is made if it is new. The picture is
// decoded first; one that cannot be is an error of pixel.Decode.
//
// If the label has the same picture, under whatever name, Add returns that one and
// changes nothing. The same picture under another label is ErrExists: it can
// teach nothing under two labels.
func (f *Folder) Add(ctx context.Context, label string, data []byte) (added Added, err error) {
	if err := CheckLabel(label); err != nil {
		return Added{}, err
	}
	img, err := pixel.Decode(data, f.limits)
	if err != nil {
		return Added{}, err
	}
	added = Added{Digest: digest.Of(data), Width: img.Width, Height: img.Height}
	err = f.change(true, func(root *os.Root) (err error) {
		twin, err := find(ctx, root, int64(len(data)), added.Digest)
		switch {
		case err != nil:
			return err
		case twin.Label == label:
			added.Sample, added.Existed = twin, true
			return nil
		case twin.Label != "":
			return hint.Wrap(fmt.Errorf("the same picture is %w, as %q under the label %q", ErrExists, twin.Name, twin.Label), "move that one: PATCH its address with the new label")
		}
		unmake, err := makeLabel(root, label)
		if err != nil {
			return err
		}
		defer func() {
			if err != nil {
				unmake()
			}
		}()
		// 128 bits: short enough to be read, too many to be met twice.
		name := added.Digest.Hex()[:32] + endings[pixel.Sniff(data)]
		added.Sample = Sample{Label: label, Name: name, Bytes: int64(len(data)), Modified: time.Now().UTC()}
		return f.put(root, path.Join(label, name), data)
	})
	if err != nil {
		return Added{}, err
	}
	return added, nil
}

// find returns the first sample with that content, or none. Only files of that
// size are read.
func find(ctx context.Context, root *os.Root, size int64, content digest.Digest) (twin Sample, err error) {
	names, err := labels(root)
	if err != nil {
		return Sample{}, err
	}
	for _, label := range names {
		err := walk(ctx, root, label, nil, 0, func(full string, info fs.FileInfo) error {
			if info.Size() == size && sameFile(root, full, content) == nil {
				twin = sampleOf(label, full, info)
				return fs.SkipAll
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.SkipAll) {
			return Sample{}, err
		}
		if twin.Label != "" {
			break
		}
	}
	return twin, nil
}

// makeLabel makes the folder of a label if it is missing. unmake removes it again
// if this call has made it and it is empty: an empty class stops a training.
func makeLabel(root *os.Root, label string) (unmake func(), err error) {
	unmake = func() {}
	switch err := root.Mkdir(label, 0o755); {
	case err == nil:
		unmake = func() { root.Remove(label) } //nolint:errcheck // see above
		if err := syncDir(root, "."); err != nil {
			unmake()
			return nil, err
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, err
	}
	if err := locateLabel(root, label); err != nil {
		return nil, fmt.Errorf("label %q: %w, and is no folder", label, ErrExists)
	}
	return unmake, nil
}

// sameFile reports an error unless the file holds what was to be stored.
func sameFile(root *os.Root, full string, want digest.Digest) error {
	file, err := root.Open(full)
	if err != nil {
		return err
	}
	defer file.Close()
	if got, _, err := digest.OfReader(file); err != nil {
		return err
	} else if got != want {
		return hint.Wrap(fmt.Errorf("another file is called %s and is %w", path.Base(full), ErrExists), "rename or remove that file")
	}
	return nil
}

// put writes a new file so that it is there whole, or not at all.
func (f *Folder) put(root *os.Root, full string, data []byte) (err error) {
	temporary := scratch()
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.write(file, data)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = rename(root, temporary, full)
	}
	if err != nil {
		root.Remove(temporary) //nolint:errcheck // swept later
		return err
	}
	return syncDir(root, path.Dir(full))
}

// rename gives a file another name, which must be free.
func rename(root *os.Root, from, to string) error {
	// A link is refused if the name is taken; a renaming would not be.
	err := root.Link(from, to)
	switch {
	case err == nil:
		return root.Remove(from)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is %w", to, ErrExists)
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EMLINK):
		return err
	}
	// FAT and some network file systems have no links.
	if _, err := root.Lstat(to); err == nil {
		return fmt.Errorf("%s is %w", to, ErrExists)
	}
	return root.Rename(from, to)
}
