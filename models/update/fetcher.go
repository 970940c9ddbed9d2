package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/edge-adapt/edge/internal/digest"
)

// fetcher brings files of a source into a folder, whole and verified.
type fetcher struct {
	at      folder
	source  Source
	retry   Retry
	reserve int64 // bytes that stay free on the disk
	other   error // an ErrDamaged: what bytes are that have another digest
}

// fetch returns where the file lies: in DIR/files, under its digest. It goes on
// with what is here.
func (f fetcher) fetch(ctx context.Context, name string, want digest.Digest, size int64, progress func(done, total int64)) (string, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	final := filepath.Join("files", want.Hex())
	p, err := f.at.openPart(ctx, want, size)
	if err != nil {
		return "", err
	}
	defer p.close()
	// Looked at under the part's lock: whoever had it may just have finished.
	switch whole, err := f.isWhole(final, want, size); {
	case err != nil:
		return "", err
	case whole:
		progress(size, size)
		return f.at.path(final), p.discard()
	}
	if err := p.resume(); err != nil {
		return "", err
	}
	if err := rooms(f.reserve, need{f.at.dir, size - p.have}); err != nil {
		return "", err
	}
	if err := f.fill(ctx, p, name, progress); err != nil {
		// What is here is good for the next time, also after a power cut.
		return "", errors.Join(err, p.mark())
	}
	if err := p.finish(final); err != nil {
		return "", err
	}
	return f.at.path(final), nil
}

// isWhole reports whether a file is here. A damaged one is removed.
func (f fetcher) isWhole(name string, want digest.Digest, size int64) (bool, error) {
	d, n, err := digest.OfFile(f.at.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || d == want && n == size {
		return err == nil, err
	}
	return false, f.at.remove(name)
}

// fill fetches what is missing.
func (f fetcher) fill(ctx context.Context, p *part, name string, progress func(done, total int64)) error {
	err := f.retry.do(ctx, func() (bool, error) {
		before := p.have
		err := f.receive(ctx, p, name, progress)
		return p.have-before >= enough, err
	})
	if err == nil && !p.verified() {
		err = errors.Join(fmt.Errorf("%s is %w: its digest is %s", name, f.other, p.sum().Short()), p.discard())
	}
	return err
}

// enough bytes are a step further, whatever comes after: it bounds how often a
// server that breaks off can be asked.
const enough = 64 << 10

// receive copies what is missing from the source, and reads no byte more.
func (f fetcher) receive(ctx context.Context, p *part, name string, progress func(done, total int64)) error {
	progress(p.have, p.size)
	if p.have == p.size {
		return nil
	}
	body, size, err := f.source.Open(ctx, name, p.have)
	if err != nil {
		return err
	}
	defer body.Close()
	if size >= 0 && size != p.size {
		reason := f.other
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
