package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// InitOptions say what a new repository is like. All may be zero.
type InitOptions struct {
	// Keys finds and makes the keys.
	Keys KeyRing
	// Roles are the keys of each role. A role that is missing gets one key in
	// keys/<role>.pem.
	Roles map[Role]RoleKeys
	// Channels are there from the start. Nil: stable and canary.
	Channels []string
	// Expires are the lives of metadata that are not as usual.
	Expires map[Role]Life
	// Options are those of Open.
	Options []Option
}

// RoleKeys are the keys of a role, and how many of them must sign. Zero: all.
type RoleKeys struct {
	Keys      []KeySpec
	Threshold int
}

// KeySpec is a key to be used.
type KeySpec struct {
	// Reference is as KeyRing has it. A file that is not there is made, with a new
	// Ed25519 key.
	Reference string
	// Public is the public part in PEM, which a command cannot be asked for. Nil for
	// the others, which have it.
	Public []byte
}

// Init makes a repository in the folder dir: keys, settings and the first metadata
// of every role, which all must be signed here. One that was begun and cut off is
// finished, with the keys it has. ErrThere says that it is done already.
func Init(ctx context.Context, dir string, o InitOptions) (*Repository, error) {
	r, err := newRepository(dir, o.Keys, o.Options)
	if err != nil {
		return nil, err
	}
	if err := r.init(ctx, o); err != nil {
		return nil, fmt.Errorf("make a repository in %s: %w", r.dir, r.explain(err))
	}
	return r, nil
}

func (r *Repository) init(ctx context.Context, o InitOptions) error {
	if o.Channels == nil {
		o.Channels = []string{"stable", "canary"}
	}
	for _, name := range o.Channels {
		if err := release.CheckChannel(name); err != nil {
			return err
		}
	}
	for role, keys := range o.Roles {
		if _, err := ParseRole(string(role)); err != nil {
			return err
		}
		for _, k := range keys.Keys {
			if err := checkReference(k.Reference); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat(r.metadataPath(timestampName)); err == nil {
		return hint.Wrap(fmt.Errorf("a repository is %w", ErrThere), "see what it holds: edge publish status --repository "+r.dir)
	}
	if err := r.mkdirs(r.dir, 0o755); err != nil {
		return err
	}
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.sweep(); err != nil {
		return err
	}
	root := &rootDoc{metadata.Root(r.time())}
	settings := Settings{Format: settingsFormat, Expires: map[Role]Life{}}
	for _, role := range Roles() {
		settings.Expires[role] = Life(usualLife(role))
		if life, ok := o.Expires[role]; ok {
			settings.Expires[role] = life
		}
	}
	for _, role := range Roles() {
		keys := o.Roles[role]
		if len(keys.Keys) == 0 {
			keys.Keys = []KeySpec{{Reference: "file:keys/" + string(role) + ".pem"}}
		}
		if err := r.addKeys(ctx, &settings, root, role, keys); err != nil {
			return err
		}
	}
	text, err := settings.encode()
	if err != nil {
		return err
	}
	if err := r.write(r.path(settingsName), text, 0o644); err != nil {
		return err
	}
	return r.first(ctx, settings, root, o.Channels)
}

// first writes the first metadata of every role.
func (r *Repository) first(ctx context.Context, settings Settings, root *rootDoc, channels []string) error {
	root.Signed.Expires = r.expiry(settings, Root, nil)
	targets := &targetsDoc{metadata.Targets(r.expiry(settings, Targets, nil))}
	for _, name := range channels {
		f, err := r.putChannel(release.Channel{Name: name, Updated: r.time(), Releases: []release.Release{}})
		if err != nil {
			return err
		}
		if targets.Signed.Targets[f.Target], err = infoOf(f); err != nil {
			return err
		}
	}
	snapshot := &snapshotDoc{metadata.Snapshot(r.expiry(settings, Snapshot, nil))}
	timestamp := &timestampDoc{metadata.Timestamp(r.expiry(settings, Timestamp, nil))}
	signed := func(d document) error {
		if _, err := r.sign(ctx, settings, d, root); err != nil {
			return err
		}
		if p := pending(d, root); p != nil {
			return hint.Wrap(fmt.Errorf("the first %s has %d of the %d signatures it needs", p.Role, p.Have, p.Want), "begin where as many keys of every role are at hand; take them away afterwards")
		}
		return nil
	}
	for _, step := range []func() error{
		func() error { return signed(root) },
		func() error { return signed(targets) },
		func() error { return name(snapshot.Signed.Meta, targetsKey, targets) },
		func() error { return signed(snapshot) },
		func() error { return name(timestamp.Signed.Meta, snapshotKey, snapshot) },
		func() error { return signed(timestamp) },
		func() error { return r.writeDocument(r.metadataPath(versioned(Root, 1)), root, 0o644) },
		func() error { return r.writeDocument(r.metadataPath(rootCopyName), root, 0o644) },
		func() error { return r.writeDocument(r.metadataPath(versioned(Targets, 1)), targets, 0o644) },
		func() error { return r.writeDocument(r.metadataPath(versioned(Snapshot, 1)), snapshot, 0o644) },
		func() error { return r.writeDocument(r.metadataPath(timestampName), timestamp, 0o644) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// addKeys finds or makes the keys of a role, and adds them to settings and root.
func (r *Repository) addKeys(ctx context.Context, settings *Settings, root *rootDoc, role Role, keys RoleKeys) error {
	for _, spec := range keys.Keys {
		id, public, err := r.resolve(ctx, role, spec)
		if err != nil {
			return fmt.Errorf("key of %s, %s: %w", role, shownReference(spec.Reference), err)
		}
		for _, other := range Roles() {
			if slices.Contains(keyIDs(root, other), id) {
				return hint.Wrap(fmt.Errorf("%s and %s have the same key %s", other, role, short(id)), "give each role keys of its own")
			}
		}
		root.Signed.Keys[id] = public
		of := root.Signed.Roles[string(role)]
		root.Signed.Roles[string(role)] = &metadata.Role{KeyIDs: append(slices.Clone(of.KeyIDs), id), Threshold: of.Threshold}
		settings.Keys = slices.DeleteFunc(settings.Keys, func(e KeyEntry) bool { return e.ID == id })
		settings.Keys = append(settings.Keys, KeyEntry{id, role, spec.Reference})
	}
	of := root.Signed.Roles[string(role)]
	if keys.Threshold == 0 {
		keys.Threshold = len(of.KeyIDs)
	}
	if keys.Threshold < 1 || keys.Threshold > len(of.KeyIDs) {
		return fmt.Errorf("a threshold of %d for the %d keys of %s", keys.Threshold, len(of.KeyIDs), role)
	}
	of.Threshold = keys.Threshold
	return nil
}

// resolve returns the public part of a key, which it makes if its file is missing.
func (r *Repository) resolve(ctx context.Context, role Role, spec KeySpec) (id string, public *metadata.Key, err error) {
	if spec.Public != nil {
		public, err = parsePublic(spec.Public)
		if err == nil {
			id, err = public.ID()
		}
		return id, public, err
	}
	if path, ok := strings.CutPrefix(spec.Reference, "exec:"); ok {
		return "", nil, hint.Wrap(errors.New("the public key of "+path+" is not known"), "give it as PEM: --key 'ROLE=exec:COMMAND,public=FILE'")
	}
	key, err := r.keys.private(ctx, r.dir, spec.Reference)
	if path, ok := strings.CutPrefix(spec.Reference, "file:"); ok && errors.Is(err, ErrNoKey) {
		return r.make(ctx, role, spec.Reference, keyPath(r.dir, path))
	}
	if err != nil {
		return "", nil, err
	}
	s, err := signerOf(key)
	if err == nil {
		r.signers[s.id] = s
	}
	return s.id, s.public, err
}

// make makes a key and keeps it in a file, encrypted.
func (r *Repository) make(ctx context.Context, role Role, reference, path string) (id string, public *metadata.Key, err error) {
	passphrase, err := r.keys.passphrase(ctx, reference, true)
	if err != nil {
		return "", nil, err
	}
	key, err := newKey()
	if err != nil {
		return "", nil, err
	}
	data, err := encodeKey(key, passphrase, encrypted.OWASP)
	if err != nil {
		return "", nil, err
	}
	s, err := signerOf(key)
	if err != nil {
		return "", nil, err
	}
	if filepath.Dir(path) == r.path("keys") {
		err = r.mkdirs(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = r.writeKey(path, data)
	}
	if err != nil {
		return "", nil, fmt.Errorf("write the key of %s: %w", role, err)
	}
	r.signers[s.id] = s
	return s.id, s.public, nil
}

// writeKey writes a new key. Its folder may lie on another disk.
func (r *Repository) writeKey(path string, data []byte) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is %w", path, ErrThere)
	}
	temporary := path + ".part"
	if err := r.disk.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := r.disk.Create(temporary, 0o600)
	if err != nil {
		return err
	}
	p := &part{r: r, path: temporary, file: f}
	defer p.discard()
	if _, err := p.Write(data); err != nil {
		return err
	}
	return p.publish(path)
}
