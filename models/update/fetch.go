package update

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	if progress == nil {
		progress = func(int64, int64) {}
	}
	final := filepath.Join("files", f.Digest.Hex())
	p, err := c.at.openPart(ctx, f.Digest, f.Bytes)
	if err != nil {
		return "", err
	}
	defer p.close()
	// Looked at under the part's lock: whoever had it may just have finished.
	switch whole, err := c.isWhole(final, f); {
	case err != nil:
		return "", err
	case whole:
		progress(f.Bytes, f.Bytes)
		return c.at.path(final), p.discard()
	}
	if err := p.resume(); err != nil {
		return "", err
	}
	if err := c.room(f.Bytes - p.have); err != nil {
		return "", err
	}
	if err := c.fill(ctx, p, name, progress); err != nil {
		// What is here is good for the next time, also after a power cut.
		return "", errors.Join(err, p.mark())
	}
	if err := p.finish(final); err != nil {
		return "", err
	}
	return c.at.path(final), nil
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

// isWhole reports whether a file is here. A damaged one is removed.
func (c *Client) isWhole(name string, f release.File) (bool, error) {
	d, n, err := digest.OfFile(c.at.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || d == f.Digest && n == f.Bytes {
		return err == nil, err
	}
	return false, c.at.remove(name)
}

// fill fetches what is missing.
func (c *Client) fill(ctx context.Context, p *part, name string, progress func(done, total int64)) error {
	err := c.cfg.Retry.do(ctx, func() (bool, error) {
		before := p.have
		err := p.receive(ctx, c.cfg.Source, name, progress)
		return p.have-before >= enough, err
	})
	if err == nil && !p.verified() {
		err = errors.Join(fmt.Errorf("%s is %w: its digest is %s", name, ErrDamaged, p.sum().Short()), p.discard())
	}
	return err
}

// enough bytes are a step further, whatever comes after: it bounds how often a
// server that breaks off can be asked.
const enough = 64 << 10

// receive copies what is missing from the source, and reads no byte more.
func (p *part) receive(ctx context.Context, s Source, name string, progress func(done, total int64)) error {
	progress(p.have, p.size)
	if p.have == p.size {
		return nil
	}
	body, size, err := s.Open(ctx, name, p.have)
	if err != nil {
		return err
	}
	defer body.Close()
	if size >= 0 && size != p.size {
		reason := ErrDamaged
		if size > p.size {
			reason = ErrTooLong
		}
		return fmt.Errorf("%s of %d bytes is %w: want %d", name, size, reason, p.size)
	}
	buffer := make([]byte, 128<<10)
	for p.have < p.size {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := body.Read(buffer[:min(int64(len(buffer)), p.size-p.have)])
		if err := p.add(buffer[:n]); err != nil {
			return err
		}
		if n > 0 {
			progress(p.have, p.size)
		}
		if errors.Is(err, io.EOF) && p.have < p.size {
			return fmt.Errorf("%s: %w: it ends after %d of %d bytes", name, ErrNetwork, p.have, p.size)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
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
