package remote

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"
)

// transfers is how many files are moved at once.
const transfers = 16

// Download makes dir a copy of the folder: what is new or changed is fetched,
// what the folder lacks is removed. dir is made if it is missing, and must hold
// nothing but what Download put there.
//
// A file stands under its name once all of it has come, so a Download that was
// cut off goes on where it stopped when it is called again. A folder that holds
// nothing is no error: Summary.Files is zero.
//
// Errors: ErrName, unix.ENOSPC (before anything is fetched, if it is known by
// then), the store's and the context's; most carry a hint.
func (f *Folder) Download(ctx context.Context, dir string, o Options) (Summary, error) {
	var s Summary
	err := os.MkdirAll(dir, 0o755)
	if err != nil {
		return s, err
	}
	for range attempts {
		if s, err = f.download(ctx, dir, o); !errors.Is(err, errChanged) {
			break
		}
	}
	return s, f.explain(err)
}

func (f *Folder) download(ctx context.Context, dir string, o Options) (Summary, error) {
	files, etag, err := f.contents(ctx)
	if err != nil {
		return Summary{}, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Summary{}, err
	}
	defer root.Close()
	s := Summary{Files: len(files)}
	if s.Removed, err = removeOthers(root, files); err != nil {
		return s, err
	}
	var missing []file
	for _, e := range files {
		same, err := e.isCopied(root)
		if err != nil {
			return s, err
		}
		if !same {
			missing = append(missing, e)
			s.Bytes += e.Size
		}
		if err := ctx.Err(); err != nil {
			return s, err
		}
	}
	s.Moved = len(missing)
	if err := checkSpace(dir, s.Bytes); err != nil {
		return s, err
	}
	m := newMeter(o.Progress, s.Bytes)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(transfers)
	for i, e := range missing {
		group.Go(func() error {
			if err := f.fetch(ctx, root, e, fmt.Sprint(partial, i), m); err != nil {
				return fmt.Errorf("%s: %w", e.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return s, err
	}
	f.seen, f.known = etag, true
	return s, nil
}
