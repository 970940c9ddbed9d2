package publish

import (
	"context"
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/hint"
)

// Rotation says how the keys of a role change.
type Rotation struct {
	// Add are keys that count from now on. Nil, with nothing to remove: one new key
	// in keys/, in place of the only one.
	Add []KeySpec
	// Remove are the IDs, or unmistakable beginnings of IDs, of those that do not
	// count any more.
	Remove []string
	// Threshold is how many must sign. Zero: as before.
	Threshold int
}

// Rotate changes the keys of a role, which takes a new root: a threshold of the
// root's keys must sign it. What the role has signed is signed anew, by the old
// keys too where they are at hand, so that the repository verifies at any instant.
//
// A key that was stolen is rotated at once, one that was lost too.
func (r *Repository) Rotate(ctx context.Context, role Role, o Rotation) error {
	return r.change(ctx, fmt.Sprintf("rotate the keys of %s", role), func(settings Settings, s *state) (*proposal, error) {
		if _, err := ParseRole(string(role)); err != nil {
			return nil, err
		}
		p := &proposal{root: next(s.root)}
		p.root.Signed.Expires = r.expiry(settings, Root, nil)
		of := s.root.Signed.Roles[string(role)]
		if len(o.Add) == 0 && len(o.Remove) == 0 && o.Threshold == 0 {
			if len(of.KeyIDs) != 1 {
				return nil, hint.Wrap(fmt.Errorf("it has %d keys", len(of.KeyIDs)), "say which one is replaced by what: --remove ID --add REFERENCE; edge publish status lists them")
			}
			o.Add = []KeySpec{{Reference: fmt.Sprintf("file:keys/%s-%d.pem", role, p.root.version())}}
			o.Remove = of.KeyIDs
		}
		kept, err := without(of.KeyIDs, o.Remove)
		if err != nil {
			return nil, err
		}
		if o.Threshold == 0 {
			o.Threshold = of.Threshold
		}
		p.root.Signed.Roles[string(role)] = &metadata.Role{KeyIDs: kept, Threshold: of.Threshold}
		if err := r.addKeys(ctx, &settings, p.root, role, RoleKeys{o.Add, o.Threshold}); err != nil {
			return nil, err
		}
		for id := range p.root.Signed.Keys {
			if !slices.ContainsFunc(Roles(), func(role Role) bool { return slices.Contains(keyIDs(p.root, role), id) }) {
				delete(p.root.Signed.Keys, id)
			}
		}
		text, err := settings.encode()
		if err != nil {
			return nil, err
		}
		if err := r.write(r.path(settingsName), text, 0o644); err != nil {
			return nil, err
		}
		p.settings = &settings
		return p, nil
	})
}

// without returns ids less those that remove names.
func without(ids, remove []string) ([]string, error) {
	kept := slices.Clone(ids)
	for _, prefix := range remove {
		var named []string
		for _, id := range ids {
			if prefix != "" && len(prefix) <= len(id) && id[:len(prefix)] == prefix {
				named = append(named, id)
			}
		}
		if len(named) != 1 {
			return nil, hint.Wrap(fmt.Errorf("%q names %d of its keys", prefix, len(named)), "edge publish status lists them")
		}
		kept = slices.DeleteFunc(kept, func(id string) bool { return id == named[0] })
	}
	return kept, nil
}
