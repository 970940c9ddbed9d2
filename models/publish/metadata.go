package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/cjson"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

const (
	timestampName = "timestamp.json"
	snapshotKey   = "snapshot.json" // as metadata names each other
	targetsKey    = "targets.json"
	rootCopyName  = "root.json"

	maxMetadata = 5_000_000 // bytes: go-tuf reads no longer targets
)

// versioned is the name of a version of a role's metadata.
func versioned(role Role, version int64) string { return fmt.Sprintf("%d.%s.json", version, role) }

// hashed is the path of a target below targets/.
func hashed(f release.File) string {
	dir, name := path.Split(f.Target)
	return dir + f.Digest.Hex() + "." + name
}

// document is signed metadata of any role.
type document interface {
	role() Role
	version() int64
	expires() time.Time
	signed() any
	signatures() *[]metadata.Signature
	encode() ([]byte, error)
	// verify reports whether root's keys of the role have signed it.
	verify(root *rootDoc) error
}

type doc[T metadata.Roles] struct{ *metadata.Metadata[T] }

type (
	rootDoc      = doc[metadata.RootType]
	targetsDoc   = doc[metadata.TargetsType]
	snapshotDoc  = doc[metadata.SnapshotType]
	timestampDoc = doc[metadata.TimestampType]
)

// head is what all roles have.
func (d *doc[T]) head() (Role, int64, time.Time) {
	switch s := any(&d.Signed).(type) {
	case *metadata.RootType:
		return Root, s.Version, s.Expires
	case *metadata.TargetsType:
		return Targets, s.Version, s.Expires
	case *metadata.SnapshotType:
		return Snapshot, s.Version, s.Expires
	case *metadata.TimestampType:
		return Timestamp, s.Version, s.Expires
	}
	panic("a fifth role")
}

func (d *doc[T]) role() Role                        { r, _, _ := d.head(); return r }
func (d *doc[T]) version() int64                    { _, v, _ := d.head(); return v }
func (d *doc[T]) expires() time.Time                { _, _, e := d.head(); return e }
func (d *doc[T]) signed() any                       { return d.Signed }
func (d *doc[T]) signatures() *[]metadata.Signature { return &d.Signatures }
func (d *doc[T]) encode() ([]byte, error)           { return d.ToBytes(false) }

func (d *doc[T]) verify(root *rootDoc) error {
	return root.VerifyDelegate(string(d.role()), d.Metadata)
}

// payload is what a signature is made over.
func payload(d document) ([]byte, error) { return cjson.EncodeCanonical(d.signed()) }

// decode reads metadata of a role.
func decode(role Role, data []byte) (document, error) {
	switch role {
	case Root:
		return decodeAs(metadata.Root(), data)
	case Targets:
		return decodeAs(metadata.Targets(), data)
	case Snapshot:
		return decodeAs(metadata.Snapshot(), data)
	default:
		return decodeAs(metadata.Timestamp(), data)
	}
}

func decodeAs[T metadata.Roles](empty *metadata.Metadata[T], data []byte) (document, error) {
	m, err := empty.FromBytes(data)
	return &doc[T]{m}, err
}

// readMetadata reads a file of metadata.
func readMetadata(role Role, path string) (document, []byte, error) {
	data, err := readLimited(path, maxMetadata)
	if err != nil {
		return nil, nil, err
	}
	d, err := decode(role, data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s is %w: %w", path, ErrDamaged, err)
	}
	return d, data, nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is %w: more than %d bytes", path, ErrDamaged, limit)
	}
	return data, err
}

// state is what devices see: the newest metadata, and the channels.
type state struct {
	root      *rootDoc
	targets   *targetsDoc
	snapshot  *snapshotDoc
	timestamp *timestampDoc
	channels  map[string]release.Channel
	touched   map[string]bool // channels that the change at hand has changed
}

// load reads the state and checks that it is what was signed: who builds on
// something else would sign it.
func (r *Repository) load() (*state, error) {
	s, err := r.read()
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, hint.Wrap(fmt.Errorf("read the repository: %w", err), "if a rotation of keys was cut off, edge publish refresh finishes it; else put back the folder public/ from where it is served")
	}
	return s, nil
}

func (r *Repository) read() (*state, error) {
	s := &state{channels: map[string]release.Channel{}, touched: map[string]bool{}}
	n, err := r.newestRoot()
	if err != nil {
		return nil, err
	}
	d, _, err := readMetadata(Root, r.metadataPath(versioned(Root, n)))
	if err != nil {
		return nil, err
	}
	s.root = d.(*rootDoc)
	if err := s.verified(d, n); err != nil {
		return nil, err
	}
	if d, _, err = readMetadata(Timestamp, r.metadataPath(timestampName)); err != nil {
		return nil, err
	}
	s.timestamp = d.(*timestampDoc)
	if err := s.verified(d, d.version()); err != nil {
		return nil, err
	}
	next := func(role Role, meta *metadata.MetaFiles) (document, error) {
		if meta == nil {
			return nil, fmt.Errorf("%w: nothing names %s", ErrDamaged, role)
		}
		d, data, err := readMetadata(role, r.metadataPath(versioned(role, meta.Version)))
		if err != nil {
			return nil, err
		}
		if err := meta.VerifyLengthHashes(data); err != nil {
			return nil, fmt.Errorf("%s %d is %w: %w", role, meta.Version, ErrDamaged, err)
		}
		return d, s.verified(d, meta.Version)
	}
	if d, err = next(Snapshot, s.timestamp.Signed.Meta[snapshotKey]); err != nil {
		return nil, err
	}
	s.snapshot = d.(*snapshotDoc)
	if d, err = next(Targets, s.snapshot.Signed.Meta[targetsKey]); err != nil {
		return nil, err
	}
	s.targets = d.(*targetsDoc)
	return s, r.readChannels(s)
}

// verified reports whether d is the version of that number, signed by the role's
// keys. That it has expired is no fault here: who keeps a repository renews it.
func (s *state) verified(d document, version int64) error {
	if d.version() != version {
		return fmt.Errorf("%s %d is %w: it says that it is %d", d.role(), version, ErrDamaged, d.version())
	}
	if err := d.verify(s.root); err != nil {
		return fmt.Errorf("%s %d is %w: %w", d.role(), version, ErrDamaged, err)
	}
	return nil
}

// newestRoot returns the highest version of root metadata.
func (r *Repository) newestRoot() (int64, error) {
	versions, err := r.versions(Root)
	if err != nil {
		return 0, err
	}
	if len(versions) == 0 {
		return 0, fmt.Errorf("%s: no root: %w", r.metadataPath(""), fs.ErrNotExist)
	}
	return versions[len(versions)-1], nil
}

// versions returns which versions of a role's metadata there are, rising.
func (r *Repository) versions(role Role) ([]int64, error) {
	entries, err := os.ReadDir(r.metadataPath(""))
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), "."+string(role)+".json")
		if n, err := strconv.ParseInt(digits, 10, 64); ok && err == nil && n > 0 && versioned(role, n) == e.Name() {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return all, nil
}

// readChannels reads the channels that targets names.
func (r *Repository) readChannels(s *state) error {
	for target, info := range s.targets.Signed.Targets {
		name, ok := strings.CutPrefix(target, "channels/")
		if !ok {
			continue
		}
		name = strings.TrimSuffix(name, ".json")
		f := fileOf(target, info)
		data, err := readLimited(r.targetPath(f), release.MaxBytes)
		if err != nil {
			return err
		}
		if digest.Of(data) != f.Digest {
			return fmt.Errorf("channel %q is %w: %s", name, ErrDamaged, r.targetPath(f))
		}
		c, err := release.Parse(data, name)
		if err != nil {
			return err
		}
		s.channels[name] = c
	}
	return nil
}

// fileOf is the target as models/release has it.
func fileOf(target string, info *metadata.TargetFiles) release.File {
	return release.File{Target: target, Digest: digest.Digest(fmt.Sprintf("sha256:%x", []byte(info.Hashes["sha256"]))), Bytes: info.Length}
}

// infoOf is the target as TUF has it.
func infoOf(f release.File) (*metadata.TargetFiles, error) {
	sum, err := digestBytes(f.Digest)
	if err != nil {
		return nil, err
	}
	return &metadata.TargetFiles{Length: f.Bytes, Hashes: metadata.Hashes{"sha256": sum}}, nil
}
