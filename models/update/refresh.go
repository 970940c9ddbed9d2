package update

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

// Limits of metadata in bytes. What is read before its signature was looked at
// takes some ten times as much memory.
const (
	maxRoot      = 512 << 10
	maxTimestamp = 16 << 10
	maxSnapshot  = 512 << 10
	maxTargets   = 4 << 20
	maxRotations = 256 // of the root in one check; the next check goes on
)

// refresh follows the steps of the TUF specification, 5.3 to 5.6, and returns
// metadata that is verified, current and of one piece. trustedmetadata refuses any
// other order. What is verified is written at once. Needs the metadata's lock.
func (c *Client) refresh(ctx context.Context) (*trustedmetadata.TrustedMetadata, error) {
	set, err := c.trusted()
	if err != nil {
		return nil, err
	}
	set.RefTime = c.clock.Now()
	if err := c.refreshRoot(ctx, set); err != nil {
		return nil, err
	}
	if err := c.refreshTimestamp(ctx, set); err != nil {
		return nil, err
	}
	if err := c.refreshSnapshot(ctx, set); err != nil {
		return nil, err
	}
	return set, c.refreshTargets(ctx, set)
}

// trusted begins with the newest root that was verified, or the pinned one. To
// begin with the pinned one each time would let whoever has its keys undo a
// rotation by hiding what came after it.
func (c *Client) trusted() (*trustedmetadata.TrustedMetadata, error) {
	var pinned, kept *trustedmetadata.TrustedMetadata
	begin := func(set **trustedmetadata.TrustedMetadata, data []byte) error {
		return careful("root", func() (err error) {
			*set, err = trustedmetadata.New(data)
			return err
		})
	}
	if err := begin(&pinned, c.cfg.Root); err != nil {
		return nil, err
	}
	data, err := c.kept(metadata.ROOT)
	if err != nil || begin(&kept, data) != nil || kept.Root.Signed.Version <= pinned.Root.Signed.Version {
		return pinned, nil //nolint:nilerr // a root that was lost is fetched again
	}
	return kept, nil
}

// kept returns metadata as it was once verified. What cannot be read or is
// damaged is fetched again.
func (c *Client) kept(role string) ([]byte, error) {
	return c.at.read(filepath.Join(c.trust, role+".json"), maxTargets)
}

func (c *Client) keep(role string, data []byte) error {
	return c.at.replace(filepath.Join(c.trust, role+".json"), data, 0o600)
}

func (c *Client) refreshRoot(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	for range maxRotations {
		name := fmt.Sprintf("%d.root", set.Root.Signed.Version+1)
		data, err := c.fetchMetadata(ctx, name, maxRoot)
		if errors.Is(err, ErrNotThere) || errors.Is(err, ErrDenied) { // object stores deny what they do not have
			break
		}
		if err != nil {
			return err
		}
		err = careful(name, func() error { _, err := set.UpdateRoot(data); return err })
		if errors.Is(err, &metadata.ErrBadVersionNumber{}) {
			err = fmt.Errorf("%s.json is %w: %w", name, ErrMixed, err)
		}
		if err != nil {
			return err
		}
		if err := c.keep(metadata.ROOT, data); err != nil {
			return err
		}
	}
	if end := set.Root.Signed.Expires; set.Root.Signed.IsExpired(set.RefTime) {
		return expired("root", end)
	}
	return nil
}

func (c *Client) refreshTimestamp(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	update := func(data []byte) error {
		return careful(metadata.TIMESTAMP, func() error {
			if err := checkMeta(data, metadata.SNAPSHOT); err != nil {
				return err
			}
			_, err := set.UpdateTimestamp(data)
			return err
		})
	}
	if data, err := c.kept(metadata.TIMESTAMP); err == nil {
		update(data) //nolint:errcheck // it serves to compare versions, though it may have expired, or its key have gone
	}
	data, err := c.fetchMetadata(ctx, metadata.TIMESTAMP, maxTimestamp)
	if err != nil {
		return err
	}
	err = update(data)
	switch {
	case errors.Is(err, &metadata.ErrEqualVersionNumber{}):
		if set.Timestamp.Signed.IsExpired(set.RefTime) {
			return expired(metadata.TIMESTAMP, set.Timestamp.Signed.Expires)
		}
		return nil
	case errors.Is(err, &metadata.ErrBadVersionNumber{}):
		return fmt.Errorf("timestamp.json is %w: %w", ErrRollback, err)
	case errors.Is(err, ErrExpired):
		return expired(metadata.TIMESTAMP, set.Timestamp.Signed.Expires)
	case err != nil:
		return err
	}
	return c.keep(metadata.TIMESTAMP, data)
}

func (c *Client) refreshSnapshot(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	update := func(data []byte, kept bool) error {
		return careful(metadata.SNAPSHOT, func() error {
			if err := checkMeta(data, metadata.TARGETS); err != nil {
				return err
			}
			_, err := set.UpdateSnapshot(data, kept)
			return err
		})
	}
	if data, err := c.kept(metadata.SNAPSHOT); err == nil && update(data, true) == nil {
		return nil
	}
	before := set.Snapshot
	data, err := c.fetchNamed(ctx, set, metadata.SNAPSHOT, set.Timestamp.Signed.Meta["snapshot.json"], maxSnapshot)
	if err != nil {
		return err
	}
	err = update(data, false)
	switch {
	case errors.Is(err, ErrExpired):
		return expired(metadata.SNAPSHOT, set.Snapshot.Signed.Expires)
	case errors.Is(err, &metadata.ErrBadVersionNumber{}) && before != nil && set.Snapshot == before:
		return fmt.Errorf("snapshot.json is %w: %w", ErrRollback, err)
	case errors.Is(err, &metadata.ErrBadVersionNumber{}), errors.Is(err, &metadata.ErrLengthOrHashMismatch{}):
		return fmt.Errorf("snapshot.json is %w: %w", ErrMixed, err)
	case err != nil:
		return err
	}
	return c.keep(metadata.SNAPSHOT, data)
}

func (c *Client) refreshTargets(ctx context.Context, set *trustedmetadata.TrustedMetadata) error {
	update := func(data []byte) error {
		return careful(metadata.TARGETS, func() error { _, err := set.UpdateTargets(data); return err })
	}
	if data, err := c.kept(metadata.TARGETS); err == nil && update(data) == nil {
		return nil
	}
	data, err := c.fetchNamed(ctx, set, metadata.TARGETS, set.Snapshot.Signed.Meta["targets.json"], maxTargets)
	if err != nil {
		return err
	}
	err = update(data)
	switch {
	case errors.Is(err, &metadata.ErrBadVersionNumber{}), errors.Is(err, &metadata.ErrLengthOrHashMismatch{}):
		return fmt.Errorf("targets.json is %w: %w", ErrMixed, err)
	case err != nil:
		return err
	}
	return c.keep(metadata.TARGETS, data)
}

// fetchMetadata reads metadata/<name>.json.
func (c *Client) fetchMetadata(ctx context.Context, name string, limit int64) ([]byte, error) {
	return c.fetchSmall(ctx, "metadata/"+name+".json", limit, -1)
}

// fetchNamed reads the metadata that other metadata names.
func (c *Client) fetchNamed(ctx context.Context, set *trustedmetadata.TrustedMetadata, role string, meta *metadata.MetaFiles, limit int64) ([]byte, error) {
	name := role
	if set.Root.Signed.ConsistentSnapshot {
		name = fmt.Sprintf("%d.%s", meta.Version, role)
	}
	if meta.Length > limit {
		return nil, fmt.Errorf("%s.json of %d bytes is %w: at most %d", name, meta.Length, ErrTooLong, limit)
	}
	if meta.Length > 0 {
		limit = meta.Length
	}
	data, err := c.fetchMetadata(ctx, name, limit)
	if errors.Is(err, ErrNotThere) || meta.Length > 0 && errors.Is(err, ErrTooLong) {
		err = fmt.Errorf("it is %w: %w", ErrMixed, err) // other metadata says what it is
	}
	return data, err
}

// readChannel reads the channel that the metadata lists, from the disk if it is
// still the same.
func (c *Client) readChannel(ctx context.Context, set *trustedmetadata.TrustedMetadata) (release.Channel, error) {
	name := release.Target(c.cfg.Channel)
	targets := set.Targets[metadata.TARGETS].Signed
	t, ok := targets.Targets[name]
	if !ok {
		return release.Channel{}, hint.Wrap(fmt.Errorf("it is %w", ErrNotThere), "the repository has "+channels(targets.Targets))
	}
	want, err := listed(t)
	if err != nil {
		return release.Channel{}, fmt.Errorf("%s: %w", name, err)
	}
	if t.Length > release.MaxBytes {
		return release.Channel{}, fmt.Errorf("%s of %d bytes is %w: at most %d", name, t.Length, ErrTooLong, release.MaxBytes)
	}
	data, err := c.at.read(c.channelFile(), release.MaxBytes)
	fresh := err != nil || digest.Of(data) != want
	if fresh {
		data, err = c.fetchSmall(ctx, targetName(name, want, set.Root.Signed.ConsistentSnapshot), t.Length, t.Length)
		if err != nil {
			return release.Channel{}, err
		}
		if got := digest.Of(data); got != want {
			return release.Channel{}, fmt.Errorf("%s is %w: its digest is %s, want %s", name, ErrDamaged, got.Short(), want.Short())
		}
	}
	ch, err := release.Parse(data, c.cfg.Channel)
	if err != nil {
		return release.Channel{}, err
	}
	if err := c.clock.learn(ch.Updated, ends(set)); err != nil {
		return release.Channel{}, err
	}
	if fresh {
		err = c.at.replace(c.channelFile(), data, 0o600)
	}
	return ch, err
}

func (c *Client) channelFile() string {
	return filepath.Join(c.trust, "channels", c.cfg.Channel+".json")
}

// Last returns the channel as it was when it was last verified, without asking
// anybody: ErrUnchecked if it never was.
func (c *Client) Last() (release.Channel, error) {
	data, err := c.at.read(c.channelFile(), release.MaxBytes)
	if err != nil {
		return release.Channel{}, fmt.Errorf("channel %q: %w", c.cfg.Channel, ErrUnchecked)
	}
	return release.Parse(data, c.cfg.Channel)
}

// Role is metadata that a device has verified.
type Role struct {
	Name    string    `json:"role"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

// Trusted returns the metadata that was verified last, for people: root,
// timestamp, snapshot, targets, as far as there is any.
func (c *Client) Trusted() []Role {
	var roles []Role
	for _, name := range []string{metadata.ROOT, metadata.TIMESTAMP, metadata.SNAPSHOT, metadata.TARGETS} {
		data, err := c.kept(name)
		if err != nil && name == metadata.ROOT {
			data, err = c.cfg.Root, nil
		}
		var of struct{ Signed Role }
		if err == nil && json.Unmarshal(data, &of) == nil {
			of.Signed.Name = name
			roles = append(roles, of.Signed)
		}
	}
	return roles
}

// ends is when the first of all metadata expires.
func ends(set *trustedmetadata.TrustedMetadata) time.Time {
	return slices.MinFunc([]time.Time{
		set.Root.Signed.Expires, set.Timestamp.Signed.Expires, set.Snapshot.Signed.Expires, set.Targets[metadata.TARGETS].Signed.Expires,
	}, time.Time.Compare)
}

// listed returns the digest of a target.
func listed(t *metadata.TargetFiles) (digest.Digest, error) {
	sum, ok := t.Hashes["sha256"]
	if !ok || len(sum) != 32 || t.Length < 0 {
		return "", fmt.Errorf("it is listed %w: without a SHA-256 or a length", ErrForm)
	}
	return digest.Digest("sha256:" + hex.EncodeToString(sum)), nil
}

// targetName is where a target lies in a source.
func targetName(target string, d digest.Digest, prefix bool) string {
	dir, base := path.Split(target)
	if prefix {
		base = d.Hex() + "." + base
	}
	return "targets/" + dir + base
}

// channels names the channels of a repository.
func channels(targets map[string]*metadata.TargetFiles) string {
	var names []string
	for _, t := range slices.Sorted(maps.Keys(targets)) {
		if name, ok := strings.CutPrefix(t, "channels/"); ok && len(names) < 10 {
			names = append(names, fmt.Sprintf("%.64q", strings.TrimSuffix(name, ".json")))
		}
	}
	if len(names) == 0 {
		return "no channels"
	}
	return "the channels " + strings.Join(names, ", ")
}

// checkMeta reports whether timestamp or snapshot metadata names the metadata that
// it must: go-tuf looks at it without asking, when this one has been kept.
func checkMeta(data []byte, role string) error {
	var m struct {
		Signed struct {
			Meta map[string]*struct{ Version int64 }
		}
	}
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&m); err != nil {
		return err
	}
	for name, meta := range m.Signed.Meta {
		if meta == nil || meta.Version < 1 {
			return fmt.Errorf("it names %.100q without a version: %w", name, ErrForm)
		}
	}
	if m.Signed.Meta[role+".json"] == nil {
		return fmt.Errorf("it does not name %s.json: %w", role, ErrForm)
	}
	return nil
}

// careful has go-tuf look at a document of anybody's, and gives its errors a
// reason. go-tuf follows pointers that a document can leave out, and hands keys of
// any length to ed25519: either panics.
func careful(name string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s.json is %w: %v", name, ErrForm, p)
		}
	}()
	if err = do(); errors.Is(err, ErrForm) {
		return fmt.Errorf("%s.json: %w", name, err)
	}
	if err == nil || errors.Is(err, &metadata.ErrBadVersionNumber{}) || errors.Is(err, &metadata.ErrLengthOrHashMismatch{}) {
		return err
	}
	reason := ErrForm
	switch {
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		reason = ErrExpired
	case errors.Is(err, &metadata.ErrUnsignedMetadata{}):
		reason = ErrSignature
	}
	return fmt.Errorf("%s.json is %w: %w", name, reason, err)
}

func expired(role string, end time.Time) error {
	return fmt.Errorf("%s.json %w on %s", role, ErrExpired, end.UTC().Format("2006-01-02 15:04"))
}
