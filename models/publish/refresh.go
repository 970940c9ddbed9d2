package publish

import (
	"context"
	"fmt"
	"slices"
)

// Refresh signs a new timestamp, and whatever else has less than a third of its
// life left, as far as the keys are here. roles are renewed in any case. It goes
// on while a change waits for signatures, which stays as it is.
//
// Run it more often than the timestamp lives: after that devices refuse what they
// are offered, and keep what they have.
func (r *Repository) Refresh(ctx context.Context, roles ...Role) error {
	err := r.locked(ctx, func(settings Settings, s *state) error {
		staged, err := r.readStaged(s)
		if err != nil {
			return err
		}
		p := &proposal{renewTimestamp: true, keepStaged: len(staged.documents()) > 0}
		due := func(d document) bool { return slices.Contains(roles, d.role()) || r.soon(settings, d) }
		p.renewSnapshot = due(s.snapshot)
		if !p.keepStaged {
			if due(s.root) && r.canSign(ctx, settings, s.root, Root, roles) {
				p.root = next(s.root)
				p.root.Signed.Expires = r.expiry(settings, Root, nil)
			}
			if due(s.targets) && r.canSign(ctx, settings, s.root, Targets, roles) {
				p.targets = next(s.targets)
				p.targets.Signed.Expires = r.expiry(settings, Targets, nil)
			}
		}
		return r.proceed(ctx, settings, s, p)
	})
	if err != nil {
		return fmt.Errorf("refresh: %w", r.explain(err))
	}
	return nil
}

// canSign reports whether a threshold of a role's keys is here, or the role was
// asked for and may wait.
func (r *Repository) canSign(ctx context.Context, settings Settings, root *rootDoc, role Role, asked []Role) bool {
	if slices.Contains(asked, role) {
		return true
	}
	have := 0
	for _, id := range keyIDs(root, role) {
		if _, err := r.signer(ctx, settings, id, root.Signed.Keys[id]); err == nil {
			have++
		}
	}
	return have >= threshold(root, role)
}
