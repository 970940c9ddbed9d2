package publish

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/digest"
)

func digestBytes(d digest.Digest) ([]byte, error) {
	if _, err := digest.Parse(string(d)); err != nil {
		return nil, err
	}
	return hex.DecodeString(d.Hex())
}

// signer returns the private part of a key, and remembers it.
func (r *Repository) signer(ctx context.Context, settings Settings, id string, public *metadata.Key) (signer, error) {
	if s, ok := r.signers[id]; ok {
		return s, nil
	}
	for _, e := range settings.Keys {
		if e.ID != id {
			continue
		}
		s, err := r.keys.open(ctx, r.dir, e, public)
		if err == nil {
			r.signers[id] = s
		}
		return s, err
	}
	return signer{}, fmt.Errorf("key %s: no reference to it in %s: %w", short(id), settingsName, ErrNoKey)
}

// sign adds the signatures of all keys that roots want for d, that are here and
// that have not signed yet. It says whether it added any.
//
// Keys beyond the threshold sign too: one of them may be withdrawn later.
func (r *Repository) sign(ctx context.Context, settings Settings, d document, roots ...*rootDoc) (added bool, err error) {
	data, err := payload(d)
	if err != nil {
		return false, err
	}
	for _, root := range roots {
		for _, id := range keyIDs(root, d.role()) {
			if signedBy(d, id, roots...) {
				continue
			}
			s, err := r.signer(ctx, settings, id, root.Signed.Keys[id])
			if errors.Is(err, ErrNoKey) {
				continue
			}
			if err != nil {
				return added, err
			}
			sig, err := s.sign(ctx, data)
			if err != nil {
				return added, fmt.Errorf("sign %s %d with key %s: %w", d.role(), d.version(), short(id), err)
			}
			*d.signatures() = slices.DeleteFunc(*d.signatures(), func(s metadata.Signature) bool { return s.KeyID == id })
			*d.signatures() = append(*d.signatures(), metadata.Signature{KeyID: id, Signature: sig})
			added = true
		}
	}
	return added, nil
}

// keyIDs returns the keys of a role.
func keyIDs(root *rootDoc, role Role) []string {
	if r := root.Signed.Roles[string(role)]; r != nil {
		return r.KeyIDs
	}
	return nil
}

func threshold(root *rootDoc, role Role) int {
	if r := root.Signed.Roles[string(role)]; r != nil {
		return r.Threshold
	}
	return 0
}

// pending says how far d is signed by root's keys: nil if far enough.
func pending(d document, root *rootDoc) *Pending {
	if d.verify(root) == nil {
		return nil
	}
	have := 0
	for _, id := range keyIDs(root, d.role()) {
		if signedBy(d, id, root) {
			have++
		}
	}
	return &Pending{d.role(), d.version(), have, threshold(root, d.role())}
}

// signedBy reports whether the key, which one of roots knows, has signed d.
func signedBy(d document, id string, roots ...*rootDoc) bool {
	data, err := payload(d)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(*d.signatures(), func(s metadata.Signature) bool {
		return s.KeyID == id && goodSignature(data, s, roots...)
	})
}

// goodSignature reports whether sig is one of a key that one of roots knows.
func goodSignature(data []byte, sig metadata.Signature, roots ...*rootDoc) bool {
	for _, root := range roots {
		if key := root.Signed.Keys[sig.KeyID]; key != nil && verifies(key, data, sig.Signature) {
			return true
		}
	}
	return false
}
