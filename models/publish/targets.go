package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/release"
)

// keptVersions is how many versions of targets and snapshot stay, with the files
// that they name: for devices that are at it, and caches in between.
const keptVersions = 16

// putChannel writes the document of a channel.
func (r *Repository) putChannel(c release.Channel) (release.File, error) {
	data, err := c.Encode()
	if err != nil {
		return release.File{}, err
	}
	f := release.File{Target: release.Target(c.Name), Digest: digest.Of(data), Bytes: int64(len(data))}
	return f, r.put(context.Background(), f, bytes.NewReader(data))
}

// put writes the file of a target, which holds what f says. One that is there is
// compared, and written again only if it is damaged.
func (r *Repository) put(ctx context.Context, f release.File, src io.Reader) error {
	to := r.targetPath(f)
	if d, n, err := digest.OfFile(to); err == nil && d == f.Digest && n == f.Bytes {
		return nil
	}
	p, err := r.newPart(0o644)
	if err != nil {
		return err
	}
	defer p.discard()
	got, n, err := digest.OfReader(io.TeeReader(&source{ctx, io.LimitReader(src, f.Bytes+1)}, p))
	if err != nil {
		return err
	}
	if got != f.Digest || n != f.Bytes {
		return fmt.Errorf("%s is %w: %d bytes of digest %s, want %d of %s", f.Target, ErrDamaged, n, got.Short(), f.Bytes, f.Digest.Short())
	}
	return p.publish(to)
}

// putWritten writes the file of a target that write makes, whose name is its
// digest.
func (r *Repository) putWritten(target func(digest.Digest) string, write func(io.Writer) error) (release.File, error) {
	p, err := r.newPart(0o644)
	if err != nil {
		return release.File{}, err
	}
	defer p.discard()
	if err := write(p); err != nil {
		return release.File{}, err
	}
	d, n, err := digest.OfFile(p.path)
	if err != nil {
		return release.File{}, err
	}
	f := release.File{Target: target(d), Digest: d, Bytes: n}
	return f, p.publish(r.targetPath(f))
}

// prune removes what nobody names any more: old versions, the files that none of
// the others names, and files of changes that were cut off. What it cannot remove
// stays until the next time.
func (r *Repository) prune(s *state) {
	kept := map[string]bool{}
	keep := func(d *targetsDoc) {
		for target, info := range d.Signed.Targets {
			kept[filepath.FromSlash(hashed(fileOf(target, info)))] = true
		}
	}
	for role, newest := range map[Role]int64{Targets: s.targets.version(), Snapshot: s.snapshot.version()} {
		versions, err := r.versions(role)
		if err != nil {
			return
		}
		for _, n := range versions {
			path := r.metadataPath(versioned(role, n))
			if n > newest || n <= newest-keptVersions {
				r.disk.Remove(path) //nolint:errcheck // see above
				continue
			}
			if role != Targets {
				continue
			}
			d, _, err := readMetadata(Targets, path)
			if err != nil {
				return // what it names cannot be known
			}
			keep(d.(*targetsDoc))
		}
	}
	staged, err := r.readStaged(s)
	if err != nil {
		return
	}
	if staged.targets != nil {
		keep(staged.targets)
	}
	dir := r.path("public", "targets")
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error { //nolint:errcheck // see above
		if rel, relErr := filepath.Rel(dir, path); err == nil && relErr == nil && e.Type().IsRegular() && !kept[rel] && looksHashed(rel) {
			r.disk.Remove(path) //nolint:errcheck // see above
		}
		return nil
	})
}

// looksHashed reports whether path is one that the repository gives a target, and
// not a file that somebody else has put there.
func looksHashed(path string) bool {
	dir, name := filepath.Split(path)
	hex, _, ok := strings.Cut(name, ".")
	_, err := digest.Parse("sha256:" + hex)
	return ok && err == nil && slices.Contains([]string{"bases", "channels", "deltas", "heads"}, filepath.Clean(dir))
}

// source reads until ctx ends.
type source struct {
	ctx context.Context
	r   io.Reader
}

func (s *source) Read(p []byte) (int, error) {
	if err := context.Cause(s.ctx); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

// parentOf is the base that a fine-tuned one came from, as its recipe says.
func parentOf(recipe json.RawMessage) digest.Digest {
	var of struct {
		Parent string `json:"parent_base"`
	}
	if json.Unmarshal(recipe, &of) != nil {
		return ""
	}
	d, err := digest.Parse(of.Parent)
	if err != nil {
		return ""
	}
	return d
}

// open opens the file of a target.
func (r *Repository) open(f release.File) (*os.File, error) { return os.Open(r.targetPath(f)) }

// sameContent compares what src holds with what f says.
func sameContent(f release.File, src io.Reader) error {
	d, n, err := digest.OfReader(io.LimitReader(src, f.Bytes+1))
	if err == nil && (d != f.Digest || n != f.Bytes) {
		err = fmt.Errorf("%s is %w: %d bytes of digest %s, want %d of %s", f.Target, ErrDamaged, n, d.Short(), f.Bytes, f.Digest.Short())
	}
	return err
}
