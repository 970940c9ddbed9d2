package publish

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/edge-adapt/edge/models/release"
)

// Status is what a repository is and holds.
type Status struct {
	Time     time.Time         `json:"time"` // of the question
	Roles    []RoleStatus      `json:"roles"`
	Channels []release.Channel `json:"channels"`
	Files    int               `json:"files"` // that targets names
	Bytes    int64             `json:"bytes"` // they have together
	Staged   []StagedStatus    `json:"staged,omitempty"`
}

// RoleStatus is one role.
type RoleStatus struct {
	Role      Role        `json:"role"`
	Version   int64       `json:"version"`
	Expires   time.Time   `json:"expires"`
	Expired   bool        `json:"expired"`
	Soon      bool        `json:"soon"` // less than a third of its life is left: edge publish refresh
	Threshold int         `json:"threshold"`
	Keys      []KeyStatus `json:"keys"`
}

// KeyStatus is one key of a role.
type KeyStatus struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Reference string `json:"reference,omitempty"` // "": nobody says where it is
	Signed    bool   `json:"signed"`              // the role's metadata
}

// StagedStatus is metadata that waits for signatures.
type StagedStatus struct {
	Role    Role  `json:"role"`
	Version int64 `json:"version"`
	Have    int   `json:"have"`
	Want    int   `json:"want"`
}

// Status returns the repository's status. It needs no key, changes nothing, and
// verifies all metadata and channels on the way.
func (r *Repository) Status(ctx context.Context) (Status, error) {
	if err := context.Cause(ctx); err != nil {
		return Status{}, err
	}
	settings, err := r.settings()
	if err != nil {
		return Status{}, err
	}
	s, err := r.load()
	if err != nil {
		return Status{}, err
	}
	st := Status{Time: r.time()}
	for _, d := range []document{s.root, s.targets, s.snapshot, s.timestamp} {
		st.Roles = append(st.Roles, r.roleStatus(settings, s, d))
	}
	for _, name := range slices.Sorted(maps.Keys(s.channels)) {
		st.Channels = append(st.Channels, s.channels[name])
	}
	for _, info := range s.targets.Signed.Targets {
		st.Files++
		st.Bytes += info.Length
	}
	staged, err := r.readStaged(s)
	if err != nil {
		return Status{}, err
	}
	root := s.root
	if staged.root != nil {
		root = staged.root
	}
	for _, d := range staged.documents() {
		have, want := threshold(root, d.role()), threshold(root, d.role())
		if p := pending(d, root); p != nil {
			have = p.Have
		}
		st.Staged = append(st.Staged, StagedStatus{d.role(), d.version(), have, want})
	}
	return st, nil
}

func (r *Repository) roleStatus(settings Settings, s *state, d document) RoleStatus {
	now := r.time()
	st := RoleStatus{
		Role: d.role(), Version: d.version(), Expires: d.expires(), Expired: now.After(d.expires()),
		Soon: r.soon(settings, d), Threshold: threshold(s.root, d.role()),
	}
	for _, id := range keyIDs(s.root, d.role()) {
		k := KeyStatus{ID: id, Type: s.root.Signed.Keys[id].Type, Signed: signedBy(d, id, s.root)}
		for _, e := range settings.Keys {
			if e.ID == id {
				k.Reference = shownReference(e.Reference)
			}
		}
		st.Keys = append(st.Keys, k)
	}
	return st
}

// soon reports whether less than a third of the life of d is left.
func (r *Repository) soon(settings Settings, d document) bool {
	return d.expires().Sub(r.time()) < settings.life(d.role())/3
}

// Verify reads every file that the metadata names, and compares it with what is
// signed. progress is told how far it is, in bytes, and may be nil. The error
// joins one for each file that is not as it should be.
func (r *Repository) Verify(ctx context.Context, progress func(done, total int64)) error {
	s, err := r.load()
	if err != nil {
		return err
	}
	var total, done int64
	for _, info := range s.targets.Signed.Targets {
		total += info.Length
	}
	var errs []error
	for _, target := range slices.Sorted(maps.Keys(s.targets.Signed.Targets)) {
		f := fileOf(target, s.targets.Signed.Targets[target])
		if err := r.verifyTarget(ctx, f); err != nil {
			if ctx.Err() != nil {
				return err
			}
			errs = append(errs, err)
		}
		done += f.Bytes
		if progress != nil {
			progress(done, total)
		}
	}
	return errors.Join(errs...)
}

func (r *Repository) verifyTarget(ctx context.Context, f release.File) error {
	src, err := r.open(f)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", f.Target, ErrDamaged)
	}
	if err != nil {
		return err
	}
	defer src.Close()
	return sameContent(f, &source{ctx, src})
}
