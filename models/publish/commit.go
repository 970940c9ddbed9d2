package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/models/release"
)

// proposal is the metadata that is to follow a state. What is nil stays, unless
// something before it changes.
type proposal struct {
	root      *rootDoc
	targets   *targetsDoc
	snapshot  *snapshotDoc
	timestamp *timestampDoc

	renewSnapshot  bool
	renewTimestamp bool
	keepStaged     bool                   // something else is staged, and stays so
	settings       *Settings              // with the keys of root; nil: as before
	lives          map[Role]time.Duration // other than the settings'; nil: none
}

func (p *proposal) documents() []document {
	var all []document
	if p.root != nil {
		all = append(all, p.root)
	}
	if p.targets != nil {
		all = append(all, p.targets)
	}
	if p.snapshot != nil {
		all = append(all, p.snapshot)
	}
	if p.timestamp != nil {
		all = append(all, p.timestamp)
	}
	return all
}

// change lets fn change the channels, or propose metadata, and publishes what
// comes of it. The error may be a Pending.
func (r *Repository) change(ctx context.Context, what string, fn func(settings Settings, s *state) (*proposal, error)) error {
	err := r.locked(ctx, func(settings Settings, s *state) error {
		staged, err := r.readStaged(s)
		if err != nil {
			return err
		}
		if waiting := r.waiting(s, staged); waiting != nil {
			return waiting.hinted()
		}
		p, err := fn(settings, s)
		if err != nil {
			return err
		}
		if len(s.touched) > 0 {
			if p.targets, err = r.nextTargets(settings, s); err != nil {
				return err
			}
		}
		if p.settings != nil {
			settings = *p.settings
		}
		return r.proceed(ctx, settings, s, p)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, r.explain(err))
	}
	return nil
}

// locked runs fn with the repository's lock and its state.
func (r *Repository) locked(ctx context.Context, fn func(settings Settings, s *state) error) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	settings, err := r.settings()
	if err != nil {
		return err
	}
	if err := r.sweep(); err != nil {
		return err
	}
	if err := r.finish(); err != nil {
		return err
	}
	s, err := r.load()
	if err != nil {
		return err
	}
	return fn(settings, s)
}

// finish goes on where publish was cut off right behind a new root that does not
// accept what was there before. All of it is staged then, and signed.
func (r *Repository) finish() error {
	staged := map[Role]document{}
	for _, role := range Roles() {
		d, _, err := readMetadata(role, r.stagedPath(role))
		if err == nil {
			staged[role] = d
		} // else readStaged says it to those who want to know
	}
	root, ok := staged[Root].(*rootDoc)
	if !ok || staged[Timestamp] == nil {
		return nil
	}
	published, _, err := readMetadata(Root, r.metadataPath(versioned(Root, root.version())))
	if err != nil {
		return nil //nolint:nilerr // the new root is not there yet, so nothing was cut off
	}
	a, errA := payload(root)
	b, errB := payload(published)
	if errA != nil || errB != nil || string(a) != string(b) {
		return nil //nolint:nilerr // another root: nothing was cut off
	}
	now, _, err := readMetadata(Timestamp, r.metadataPath(timestampName))
	if err != nil || now.version() >= staged[Timestamp].version() {
		return err // it was all published
	}
	for _, role := range []Role{Targets, Snapshot, Timestamp} {
		d := staged[role]
		if d == nil {
			continue
		}
		if err := d.verify(root); err != nil {
			return fmt.Errorf("staged %s: %w", role, err)
		}
		name := timestampName
		if role != Timestamp {
			name = versioned(role, d.version())
		}
		if err := r.writeDocument(r.metadataPath(name), d, 0o644); err != nil {
			return err
		}
	}
	if err := r.writeDocument(r.metadataPath(rootCopyName), root, 0o644); err != nil {
		return err
	}
	return r.unstage()
}

// nextTargets is the targets metadata of the channels as they are now: their
// documents, and every file that a release names that was not revoked.
func (r *Repository) nextTargets(settings Settings, s *state) (*targetsDoc, error) {
	next := metadata.Targets(r.expiry(settings, Targets, nil))
	next.Signed.Version = s.targets.version() + 1
	for _, name := range slices.Sorted(maps.Keys(s.channels)) {
		c := s.channels[name]
		target := release.Target(name)
		if !s.touched[name] {
			next.Signed.Targets[target] = s.targets.Signed.Targets[target]
		} else {
			f, err := r.putChannel(c)
			if err != nil {
				return nil, err
			}
			if next.Signed.Targets[target], err = infoOf(f); err != nil {
				return nil, err
			}
		}
		for _, rel := range c.Releases {
			if rel.Revoked != "" {
				continue
			}
			if err := r.nameFiles(next.Signed.Targets, rel); err != nil {
				return nil, fmt.Errorf("release %d: %w", rel.Number, err)
			}
		}
	}
	return &targetsDoc{next}, nil
}

// nameFiles adds the files of a release to the targets.
func (r *Repository) nameFiles(targets map[string]*metadata.TargetFiles, rel release.Release) error {
	for _, f := range rel.Targets() {
		info, err := infoOf(f)
		if err != nil {
			return err
		}
		if other, ok := targets[f.Target]; ok && !other.Equal(*info) {
			return fmt.Errorf("%s has another content in another release", f.Target)
		}
		if there, err := os.Stat(r.targetPath(f)); err != nil || there.Size() != f.Bytes {
			return fmt.Errorf("%s is %w: missing, or of another size", r.targetPath(f), ErrDamaged)
		}
		targets[f.Target] = info
	}
	return nil
}

// touch says when the channel was changed, for the device's clock. Time does not
// run back for those who follow it.
func (r *Repository) touch(s *state, c release.Channel) {
	if now := r.time(); now.After(c.Updated) {
		c.Updated = now
	}
	s.channels[c.Name], s.touched[c.Name] = c, true
}

func (r *Repository) expiry(settings Settings, role Role, lives map[Role]time.Duration) time.Time {
	if life, ok := lives[role]; ok {
		return r.time().Add(life)
	}
	return r.time().Add(settings.life(role))
}

// proceed signs the proposal, role by role, each naming the one before, and
// publishes it once all are signed. What lacks signatures is staged, and the error
// is a Pending.
func (r *Repository) proceed(ctx context.Context, settings Settings, s *state, p *proposal) error {
	root, roots := s.root, []*rootDoc{s.root}
	if p.root != nil {
		root, roots = p.root, []*rootDoc{p.root, s.root}
		if p.targets == nil && s.targets.verify(root) != nil {
			p.targets = next(s.targets)
			p.targets.Signed.Expires = r.expiry(settings, Targets, p.lives)
		}
		for _, by := range []*rootDoc{s.root, p.root} {
			if err := r.signOrStage(ctx, settings, p, p.root, by, roots); err != nil {
				return err
			}
		}
	}
	if p.targets != nil && p.snapshot == nil { // else what the snapshot says of its bytes holds
		if err := r.signOrStage(ctx, settings, p, p.targets, root, roots); err != nil {
			return err
		}
	}
	if p.snapshot == nil && (p.targets != nil || p.renewSnapshot || s.snapshot.verify(root) != nil) {
		p.snapshot = next(s.snapshot)
		p.snapshot.Signed.Expires = r.expiry(settings, Snapshot, p.lives)
		if err := name(p.snapshot.Signed.Meta, targetsKey, p.targets); err != nil {
			return err
		}
	}
	if p.snapshot != nil && p.timestamp == nil {
		if err := r.signOrStage(ctx, settings, p, p.snapshot, root, roots); err != nil {
			return err
		}
	}
	if p.timestamp == nil && (p.snapshot != nil || p.renewTimestamp || s.timestamp.verify(root) != nil) {
		p.timestamp = next(s.timestamp)
		p.timestamp.Signed.Expires = r.expiry(settings, Timestamp, p.lives)
		if err := name(p.timestamp.Signed.Meta, snapshotKey, p.snapshot); err != nil {
			return err
		}
	}
	if p.timestamp != nil {
		if err := r.signOrStage(ctx, settings, p, p.timestamp, root, roots); err != nil {
			return err
		}
	}
	return r.publish(s, p)
}

// signOrStage signs d with the keys that are here, those of both roots during a
// rotation. If they do not satisfy by, the proposal waits.
func (r *Repository) signOrStage(ctx context.Context, settings Settings, p *proposal, d document, by *rootDoc, roots []*rootDoc) error {
	if _, err := r.sign(ctx, settings, d, roots...); err != nil {
		return err
	}
	waiting := pending(d, by)
	if waiting == nil {
		return nil
	}
	if p.keepStaged {
		return waiting.hinted()
	}
	if err := r.stage(p); err != nil {
		return err
	}
	return waiting.hinted()
}

// next is a copy of metadata with the next version and no signatures.
func next[T metadata.Roles](d *doc[T]) *doc[T] {
	m := *d.Metadata
	m.Signatures = []metadata.Signature{}
	switch s := any(&m.Signed).(type) {
	case *metadata.RootType:
		s.Version++
		s.Keys, s.Roles = maps.Clone(s.Keys), maps.Clone(s.Roles)
	case *metadata.TargetsType:
		s.Version++
		s.Targets = maps.Clone(s.Targets)
	case *metadata.SnapshotType:
		s.Version++
		s.Meta = maps.Clone(s.Meta)
	case *metadata.TimestampType:
		s.Version++
		s.Meta = maps.Clone(s.Meta)
	}
	return &doc[T]{&m}
}

// name lets meta name d, by version, length and digest. Nil: what it names stays.
func name[T metadata.Roles](meta map[string]*metadata.MetaFiles, key string, d *doc[T]) error {
	if d == nil {
		return nil
	}
	data, err := d.encode()
	if err != nil {
		return err
	}
	info, err := metadata.TargetFile().FromBytes("", data, "sha256")
	if err != nil {
		return err
	}
	meta[key] = &metadata.MetaFiles{Version: d.version(), Length: int64(len(data)), Hashes: info.Hashes}
	return nil
}

// publish writes signed metadata to where devices see it, and removes what nobody
// names any more.
//
// The timestamp is what devices see a change by. A new root counts at once, so it
// comes last where the old one accepts all of the rest, which is signed for both;
// if a key was lost, it comes right before the timestamp, and finish would go on.
func (r *Repository) publish(s *state, p *proposal) error {
	if len(p.documents()) == 0 {
		return nil
	}
	last := []document{}
	if p.timestamp != nil {
		last = append(last, p.timestamp)
	}
	if p.root != nil {
		last = append(last, p.root)
		if !p.acceptedBy(s.root) {
			slices.Reverse(last)
			if err := r.stage(p); err != nil { // for finish
				return err
			}
		}
	}
	order := []document{}
	if p.targets != nil {
		order = append(order, p.targets)
	}
	if p.snapshot != nil {
		order = append(order, p.snapshot)
	}
	for _, d := range append(order, last...) {
		file := timestampName
		if d.role() != Timestamp {
			file = versioned(d.role(), d.version())
		}
		if err := r.writeDocument(r.metadataPath(file), d, 0o644); err != nil {
			return err
		}
	}
	if p.root != nil {
		s.root = p.root
		if err := r.writeDocument(r.metadataPath(rootCopyName), p.root, 0o644); err != nil {
			return err
		}
	}
	if p.targets != nil {
		s.targets = p.targets
	}
	if p.snapshot != nil {
		s.snapshot = p.snapshot
	}
	if p.timestamp != nil {
		s.timestamp = p.timestamp
	}
	if !p.keepStaged {
		if err := r.unstage(); err != nil {
			return err
		}
	}
	r.prune(s)
	return nil
}

// acceptedBy reports whether all but the root verify by another root.
func (p *proposal) acceptedBy(root *rootDoc) bool {
	for _, d := range p.documents() {
		if d.role() != Root && d.verify(root) != nil {
			return false
		}
	}
	return true
}

func (r *Repository) writeDocument(path string, d document, mode fs.FileMode) error {
	data, err := d.encode()
	if err != nil {
		return err
	}
	if len(data) > maxMetadata {
		return errors.New("the metadata got too long: start another repository")
	}
	return r.write(path, data, mode)
}
