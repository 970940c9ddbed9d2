package publish

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	"github.com/edge-adapt/edge/models/release"
)

// PackOptions say what goes on a stick.
type PackOptions struct {
	Channel string // "": stable
	// Numbers are the releases whose files are packed. Nil: the newest one of each
	// task that is neither revoked nor halted.
	Numbers []int
	// Valid is how long devices accept the file, as far as targets and root live.
	// Zero: as long as what devices see now.
	Valid time.Duration
	// Progress is told how far it is, in bytes, and may be nil.
	Progress func(done, total int64)
}

// Packed is what Pack wrote.
type Packed struct {
	Channel  string    `json:"channel"`
	Releases []int     `json:"releases"`
	Files    int       `json:"files"`
	Bytes    int64     `json:"bytes"`   // of the files
	Expires  time.Time `json:"expires"` // devices refuse it from then on
}

// Pack writes an offline repository to w: a tar archive with metadata/ and, below
// targets/, the channel and the files of some of its releases.
//
// With Valid, the archive gets a timestamp and a snapshot of its own that live
// longer, and what devices see gets newer ones at once, so that the archive takes
// none back. Who has the archive can hold offline devices at it for that long.
func (r *Repository) Pack(ctx context.Context, w io.Writer, o PackOptions) (Packed, error) {
	if o.Channel == "" {
		o.Channel = "stable"
	}
	var done Packed
	err := r.locked(ctx, func(settings Settings, s *state) (err error) {
		done, err = r.pack(ctx, w, o, settings, s)
		return err
	})
	if err != nil {
		return Packed{}, fmt.Errorf("pack: %w", r.explain(err))
	}
	return done, nil
}

func (r *Repository) pack(ctx context.Context, w io.Writer, o PackOptions, settings Settings, s *state) (Packed, error) {
	c, err := s.channel(o.Channel)
	if err != nil {
		return Packed{}, err
	}
	done := Packed{Channel: c.Name, Releases: o.Numbers}
	if done.Releases == nil {
		done.Releases = newestOfEachTask(c)
	}
	files := []release.File{fileOf(release.Target(c.Name), s.targets.Signed.Targets[release.Target(c.Name)])}
	for _, n := range done.Releases {
		rel, ok := c.Find(n)
		if !ok {
			return Packed{}, noRelease(n, c.Name)
		}
		if rel.Revoked != "" {
			return Packed{}, fmt.Errorf("release %d is %w: %s", n, ErrRevoked, rel.Revoked)
		}
		for _, f := range rel.Targets() {
			if !slices.Contains(files, f) {
				files = append(files, f)
			}
		}
	}
	metadata, err := r.packMetadata(ctx, o, settings, s, &done)
	if err != nil {
		return Packed{}, err
	}
	for _, f := range files {
		done.Files++
		done.Bytes += f.Bytes
	}
	return done, r.writePack(ctx, w, metadata, files, done.Bytes, o.Progress)
}

// packMetadata returns the metadata for an archive, as it is or with lives of its
// own. In the latter case devices see newer metadata, of the usual lives, by the
// time it returns: whatever becomes of the archive, it takes none back.
func (r *Repository) packMetadata(ctx context.Context, o PackOptions, settings Settings, s *state, done *Packed) ([]packed, error) {
	again := func(lives map[Role]time.Duration) error {
		return r.proceed(ctx, settings, s, &proposal{renewSnapshot: true, renewTimestamp: true, keepStaged: true, lives: lives})
	}
	if o.Valid > 0 {
		if err := again(map[Role]time.Duration{Snapshot: o.Valid, Timestamp: o.Valid}); err != nil {
			return nil, err
		}
	}
	done.Expires = s.expires()
	all, err := r.readPacked(s)
	if err == nil && o.Valid > 0 {
		err = again(nil)
	}
	return all, err
}

// packed is a file of metadata in an archive.
type packed struct {
	name string
	data []byte
}

func (r *Repository) readPacked(s *state) ([]packed, error) {
	roots, err := r.versions(Root)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range roots {
		names = append(names, versioned(Root, n))
	}
	names = append(names, rootCopyName, versioned(Targets, s.targets.version()), versioned(Snapshot, s.snapshot.version()), timestampName)
	var all []packed
	for _, name := range names {
		data, err := readLimited(r.metadataPath(name), maxMetadata)
		if err != nil {
			return nil, err
		}
		all = append(all, packed{"metadata/" + name, data})
	}
	return all, nil
}

// expires is when the first of the metadata expires.
func (s *state) expires() time.Time {
	first := s.timestamp.expires()
	for _, d := range []document{s.root, s.targets, s.snapshot} {
		if d.expires().Before(first) {
			first = d.expires()
		}
	}
	return first
}

// newestOfEachTask returns the releases that a device would take today.
func newestOfEachTask(c release.Channel) (numbers []int) {
	seen := map[string]bool{}
	for _, rel := range slices.Backward(c.Releases) {
		if rel.Revoked == "" && rel.Rollout.Halted == "" && !seen[rel.Task] {
			seen[rel.Task] = true
			numbers = append(numbers, rel.Number)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// writePack writes the archive.
func (r *Repository) writePack(ctx context.Context, w io.Writer, metadata []packed, files []release.File, total int64, progress func(done, total int64)) error {
	t := tar.NewWriter(w)
	for _, m := range metadata {
		if err := packEntry(t, m.name, int64(len(m.data)), bytes.NewReader(m.data)); err != nil {
			return err
		}
	}
	var done int64
	for _, f := range files {
		src, err := r.open(f)
		if err != nil {
			return err
		}
		err = packEntry(t, path.Join("targets", hashed(f)), f.Bytes, &source{ctx, src})
		src.Close() //nolint:errcheck // it was read
		if err != nil {
			return err
		}
		if done += f.Bytes; progress != nil {
			progress(done, total)
		}
	}
	return t.Close()
}

func packEntry(t *tar.Writer, name string, size int64, src io.Reader) error {
	// Names of targets are longer than the oldest form of tar can hold.
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o444, Format: tar.FormatPAX}); err != nil {
		return err
	}
	if _, err := io.Copy(t, src); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
