package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
)

// stage keeps a proposal until it has its signatures.
func (r *Repository) stage(p *proposal) error {
	if err := r.unstage(); err != nil {
		return err
	}
	for _, d := range p.documents() {
		if err := r.writeDocument(r.stagedPath(d.role()), d, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// unstage removes what was staged.
func (r *Repository) unstage() error {
	for _, role := range Roles() {
		err := r.disk.Remove(r.stagedPath(role))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readStaged returns what is staged and still follows the state; the rest was
// published, or overtaken. Empty: nothing.
func (r *Repository) readStaged(s *state) (*proposal, error) {
	p := &proposal{}
	for _, role := range Roles() {
		d, _, err := readMetadata(role, r.stagedPath(role))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, hint.Wrap(err, "throw the staged change away: edge publish sign --discard")
		}
		switch d := d.(type) {
		case *rootDoc:
			if d.version() == s.root.version()+1 {
				p.root = d
			}
		case *targetsDoc:
			if d.version() == s.targets.version()+1 {
				p.targets = d
			}
		case *snapshotDoc:
			if d.version() == s.snapshot.version()+1 {
				p.snapshot = d
			}
		case *timestampDoc:
			if d.version() == s.timestamp.version()+1 {
				p.timestamp = d
			}
		}
	}
	p.dropOvertaken()
	return p, nil
}

// dropOvertaken drops the snapshot and the timestamp that do not name what is
// staged before them: they are made again when it is their turn.
func (p *proposal) dropOvertaken() {
	if p.snapshot != nil && p.targets != nil {
		data, err := p.targets.encode()
		if meta := p.snapshot.Signed.Meta[targetsKey]; err != nil || meta == nil || meta.VerifyLengthHashes(data) != nil {
			p.snapshot = nil
		}
	}
	if p.snapshot == nil {
		p.timestamp = nil
	}
	if p.timestamp != nil {
		data, err := p.snapshot.encode()
		if meta := p.timestamp.Signed.Meta[snapshotKey]; err != nil || meta == nil || meta.VerifyLengthHashes(data) != nil {
			p.timestamp = nil
		}
	}
}

// waiting says for what the staged proposal waits: nil if there is none.
func (r *Repository) waiting(s *state, p *proposal) *Pending {
	if p.root != nil {
		for _, by := range []*rootDoc{s.root, p.root} {
			if w := pending(p.root, by); w != nil {
				return w
			}
		}
	}
	root := s.root
	if p.root != nil {
		root = p.root
	}
	for _, d := range p.documents() {
		if d.role() == Root {
			continue
		}
		if w := pending(d, root); w != nil {
			return w
		}
	}
	if p.root == nil && p.targets == nil && p.snapshot == nil {
		return nil
	}
	// All of it is signed, and what follows it is not even made: as after a crash.
	last := p.documents()[len(p.documents())-1].role()
	role := Roles()[min(slices.Index(Roles(), last)+1, len(Roles())-1)]
	return &Pending{Role: role, Want: threshold(root, role)}
}

// Sign adds the signatures of the keys that are here to what is staged, and
// publishes it once it has all. role bounds it to one role's metadata; "" means
// whatever waits. files are copies of staged metadata that others have signed:
// their signatures are taken over.
//
// ErrNothing says that nothing was staged; a Pending what it still waits for.
func (r *Repository) Sign(ctx context.Context, role Role, files ...string) error {
	err := r.locked(ctx, func(settings Settings, s *state) error {
		p, err := r.readStaged(s)
		if err != nil {
			return err
		}
		if len(p.documents()) == 0 {
			return fmt.Errorf("no change waits for signatures: %w", ErrNothing)
		}
		if role != "" && !online(role) && !slices.ContainsFunc(p.documents(), func(d document) bool { return d.role() == role }) {
			return fmt.Errorf("no %s waits for signatures: %w", role, ErrNothing)
		}
		for _, file := range files {
			if err := p.takeOver(file, s.root); err != nil {
				return err
			}
		}
		if role != "" {
			settings.Keys = slices.DeleteFunc(slices.Clone(settings.Keys), func(e KeyEntry) bool { return e.Role != role && !online(e.Role) })
		}
		return r.proceed(ctx, settings, s, p)
	})
	if err != nil {
		return fmt.Errorf("sign: %w", r.explain(err))
	}
	return nil
}

// online reports whether a role only tells what others have signed: its keys may
// sign whenever they are here.
func online(role Role) bool { return role == Snapshot || role == Timestamp }

// takeOver adds the good signatures in a copy of staged metadata to it.
func (p *proposal) takeOver(file string, root *rootDoc) error {
	for _, d := range p.documents() {
		other, _, err := readMetadata(d.role(), file)
		if errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err != nil {
			continue // of another role
		}
		mine, err := payload(d)
		if err != nil {
			return err
		}
		theirs, err := payload(other)
		if err != nil || string(mine) != string(theirs) {
			continue
		}
		roots := []*rootDoc{root}
		if p.root != nil {
			roots = append(roots, p.root)
		}
		for _, sig := range *other.signatures() {
			if !signedBy(d, sig.KeyID, roots...) && goodSignature(mine, sig, roots...) {
				*d.signatures() = append(*d.signatures(), sig)
			}
		}
		return nil
	}
	return hint.Wrap(fmt.Errorf("%s is no copy of what is staged here", file), "sign a copy of the file in staged/, and give that")
}

// Discard throws the staged change away. Devices never saw it.
func (r *Repository) Discard(ctx context.Context) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(r.path("staged")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := errors.Join(r.finish(), r.unstage()); err != nil {
		return fmt.Errorf("discard the staged change: %w", r.explain(err))
	}
	return nil
}
