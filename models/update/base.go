package update

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/tflite/delta"
)

// Base sees that a release's base is in the store: it is there already, or is made
// of the shortest delta whose parent is there, or comes whole. Whichever way, its
// digest is compared. A delta that turns out to be of no use costs its bytes: then
// comes the next, and at last the whole file. What was fetched is removed once the
// base is in the store.
//
// progress is as Fetch's; with each file that is fetched it begins again. The
// errors are those of Fetch, and models.ErrDamaged if a damaged base stands in the
// way in the store.
func (c *Client) Base(ctx context.Context, s *models.Store, b release.Base, progress func(done, total int64)) error {
	if err := c.base(ctx, s, b, progress); err != nil {
		return fmt.Errorf("get the base %q: %w", b.Name, explain(err, c.clock, c.at.dir))
	}
	return nil
}

func (c *Client) base(ctx context.Context, s *models.Store, b release.Base, progress func(done, total int64)) error {
	switch err := stored(s, b.Base); {
	case err == nil:
		return nil
	case !errors.Is(err, models.ErrNotFound):
		return err
	}
	var failed []error
	for _, d := range c.ways(s, b) {
		err := c.rebuild(ctx, s, b, d, progress)
		if err == nil {
			return c.forget(b)
		}
		failed = append(failed, fmt.Errorf("from %s: %w", d.From.Short(), err))
		if !useless(err) {
			return errors.Join(failed...)
		}
	}
	if b.Full == nil {
		return errors.Join(append(failed, fmt.Errorf("its file is %w", ErrNotThere))...)
	}
	if err := c.whole(ctx, s, b, progress); err != nil {
		return errors.Join(append(failed, err)...)
	}
	return c.forget(b)
}

// stored reports whether the store has a base, whole.
func stored(s *models.Store, b models.Base) error {
	path, err := s.BlobPath(b.Digest)
	if err != nil {
		return err
	}
	if d, n, err := digest.OfFile(path); err != nil || d != b.Digest || n != b.Bytes {
		return errors.Join(fmt.Errorf("base %s in the store is %w", b.Digest.Short(), models.ErrDamaged), err)
	}
	return nil
}

// ways are the deltas that may be worth it, the shortest first.
func (c *Client) ways(s *models.Store, b release.Base) []release.Delta {
	if b.Bytes > c.cfg.DeltaLimit {
		return nil
	}
	left := int64(1) << 62
	if b.Full != nil {
		left = b.Full.Bytes - c.here(*b.Full)
	}
	ways := slices.DeleteFunc(slices.Clone(b.Deltas), func(d release.Delta) bool {
		_, err := s.BlobPath(d.From)
		return err != nil || d.Bytes-c.here(d.File) >= left
	})
	slices.SortStableFunc(ways, func(d, e release.Delta) int { return cmp.Compare(d.Bytes-c.here(d.File), e.Bytes-c.here(e.File)) })
	return ways
}

// here is how many bytes of a file have been fetched.
func (c *Client) here(f release.File) int64 {
	if _, err := digest.Parse(string(f.Digest)); err != nil {
		return 0
	}
	for _, name := range []string{filepath.Join("files", f.Digest.Hex()), filepath.Join("parts", f.Digest.Hex()+".part")} {
		if info, err := os.Stat(c.at.path(name)); err == nil {
			return min(info.Size(), f.Bytes)
		}
	}
	return 0
}

// useless reports that a delta does not lead to the base, and another way may.
func useless(err error) bool {
	for _, reason := range []error{
		errDelta, ErrNotThere, ErrMixed, ErrDamaged, ErrTooLong, ErrForm, delta.ErrParent, delta.ErrDamaged, delta.ErrNotDelta, delta.ErrTooLarge,
	} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

var errDelta = errors.New("the delta leads to another base")

// rebuild makes the base of a delta.
func (c *Client) rebuild(ctx context.Context, s *models.Store, b release.Base, d release.Delta, progress func(done, total int64)) error {
	if d.Bytes > c.cfg.DeltaLimit {
		return fmt.Errorf("delta of %d bytes: %w", d.Bytes, ErrTooLong)
	}
	if err := c.rooms(need{c.at.dir, d.Bytes - c.here(d.File)}, need{s.Dir(), b.Bytes}); err != nil {
		return err
	}
	path, err := c.Fetch(ctx, d.File, progress)
	if err != nil {
		return err
	}
	change, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if i, err := delta.Inspect(change); err != nil || i.Child != b.Digest {
		return cmp.Or(err, errDelta)
	}
	from, err := s.BlobPath(d.From)
	if err != nil {
		return err
	}
	if info, err := os.Stat(from); err != nil || info.Size() > c.cfg.DeltaLimit {
		return cmp.Or(err, fmt.Errorf("parent: %w", ErrTooLong))
	}
	parent, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	child, err := delta.Apply(parent, change, delta.Limits{Bytes: c.cfg.DeltaLimit})
	if err != nil {
		return err
	}
	return s.PutBlob(ctx, bytes.NewReader(child), b.Digest, b.Bytes)
}

// whole fetches the base as it is.
func (c *Client) whole(ctx context.Context, s *models.Store, b release.Base, progress func(done, total int64)) error {
	// Until the store has its copy, the base is on the disk twice.
	if err := c.rooms(need{c.at.dir, b.Full.Bytes - c.here(*b.Full)}, need{s.Dir(), b.Bytes}); err != nil {
		return err
	}
	path, err := c.Fetch(ctx, *b.Full, progress)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return s.PutBlob(ctx, f, b.Digest, b.Bytes)
}

// forget removes what was fetched of a base, to the end or not.
func (c *Client) forget(b release.Base) error {
	done := map[string]bool{}
	for _, f := range (release.Release{Base: b}).Targets() {
		done[f.Digest.Hex()] = true
	}
	entries, err := os.ReadDir(c.at.path("files"))
	if err != nil {
		return nil //nolint:nilerr // then there is nothing to remove
	}
	errs := []error{c.at.cleanParts(func(hex string) bool { return done[hex] })}
	for _, e := range entries {
		if done[e.Name()] {
			errs = append(errs, c.at.remove(filepath.Join("files", e.Name())))
		}
	}
	return errors.Join(errs...)
}
