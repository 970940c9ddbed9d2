package update

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/release"
)

// Fetch returns where a file of a release lies, whole and verified: in DIR/files,
// under its digest. It goes on where it, or another process, was interrupted, and
// is content with what is there already. The file stays until Clean.
//
// progress is called now and then with the bytes that are here and those there
// will be; nil: nobody asks. The file must be listed in the metadata of the last
// Check: ErrUnchecked if there was none, ErrMixed if it is another one there. The
// room on the disk is looked at first: ErrSpace. Bytes that are not those that
// were signed are thrown away: ErrDamaged. Memory does not depend on the file's size.
func (c *Client) Fetch(ctx context.Context, f release.File, progress func(done, total int64)) (string, error) {
	path, err := c.fetch(ctx, f, progress)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", f.Target, explain(err, c.clock, c.at.dir))
	}
	return path, nil
}

func (c *Client) fetch(ctx context.Context, f release.File, progress func(done, total int64)) (string, error) {
	name, err := c.find(f)
	if err != nil {
		return "", err
	}
	return c.fetcher().fetch(ctx, name, f.Digest, f.Bytes, progress)
}

func (c *Client) fetcher() fetcher {
	return fetcher{at: c.at, source: c.cfg.Source, retry: c.cfg.Retry, reserve: c.cfg.Reserve, other: ErrDamaged}
}

// find returns where a file lies in the source.
func (c *Client) find(f release.File) (string, error) {
	c.mu.Lock()
	t, prefix := c.targets[f.Target], c.prefix
	unchecked := c.targets == nil
	c.mu.Unlock()
	if unchecked {
		return "", ErrUnchecked
	}
	if t == nil {
		return "", fmt.Errorf("the channel names it, the metadata does not: %w", ErrMixed)
	}
	d, err := listed(t)
	if err != nil {
		return "", err
	}
	if d != f.Digest || t.Length != f.Bytes {
		return "", fmt.Errorf("the channel says %d bytes of %s, the metadata %d of %s: %w", f.Bytes, f.Digest.Short(), t.Length, d.Short(), ErrMixed)
	}
	return targetName(f.Target, d, prefix), nil
}

// Clean removes what was fetched, except the files with these digests and what
// another process is fetching just now, and what was verified of roots that are
// not pinned any more.
func (c *Client) Clean(keep ...digest.Digest) error {
	wanted := map[string]bool{}
	for _, d := range keep {
		wanted[d.Hex()] = true
	}
	errs := []error{c.at.cleanParts(func(hex string) bool { return !wanted[hex] })}
	for _, dir := range []string{"files", "metadata"} {
		entries, err := os.ReadDir(c.at.path(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if !wanted[e.Name()] && name != c.trust {
				errs = append(errs, c.at.removeAll(name))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clean up %s: %w", c.at.dir, err)
	}
	return nil
}
