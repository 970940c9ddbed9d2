package update

import (
	"fmt"
	"net/http"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/digest"
)

// unsigned, byStranger and twice are what can be signed without a key.
func unsigned(w *world, role string) error {
	w.instead(w.metadataOf(role), w.resigned(role))
	return w.check()
}

func byStranger(w *world, role string) error {
	w.instead(w.metadataOf(role), w.resigned(role, newSigner(w.t)))
	return w.check()
}

// metadataOf is where the newest metadata of a role is, and for the root where the
// next would be.
func (w *world) metadataOf(role string) string {
	if role == metadata.ROOT {
		return "metadata/2.root.json"
	}
	return w.newest(role)
}

// resigned is the newest metadata of a role with other signatures; of the root, the
// next. Where hashes would give it away, it is announced by those who should know.
func (w *world) resigned(role string, by ...signer) []byte {
	switch role {
	case metadata.ROOT:
		return w.nextRoot(func(*metadata.RootType) {}, by...)
	case metadata.TARGETS:
		data := changed(w.t, w.read(w.newest(role)), func(*metadata.TargetsType) {}, by...)
		w.evilSnapshot(func(s *metadata.SnapshotType) { s.Meta["targets.json"] = w.meta(w.targets.Signed.Version, data) },
			w.keys[metadata.SNAPSHOT], w.keys[metadata.TIMESTAMP]...)
		return data
	case metadata.SNAPSHOT:
		data := changed(w.t, w.read(w.newest(role)), func(*metadata.SnapshotType) {}, by...)
		w.evilTimestamp(func(t *metadata.TimestampType) { t.Meta["snapshot.json"] = w.meta(w.snapshot.Signed.Version, data) }, w.keys[metadata.TIMESTAMP]...)
		return data
	}
	return changed(w.t, w.read(w.newest(role)), func(*metadata.TimestampType) {}, by...)
}

func (w *world) nextRoot(change func(*metadata.RootType), by ...signer) []byte {
	return changed(w.t, w.pinned(), func(r *metadata.RootType) { r.Version++; change(r) }, by...)
}

// stolen are all keys of the roles.
func (w *world) stolen(roles ...string) (all []signer) {
	for _, role := range roles {
		all = append(all, w.keys[role]...)
	}
	return all
}

// rotateOnline is the publisher's answer to stolen keys.
func rotateOnline(w *world) {
	for _, role := range []string{metadata.TIMESTAMP, metadata.SNAPSHOT} {
		w.rotate(role)
	}
	w.publishTwo()
}

// evilBase is a base that nobody published.
func (w *world) evilBase(t *metadata.TargetsType) {
	data := noise(300_001)
	f, err := metadata.TargetFile().FromBytes("", data, "sha256")
	must(w.t, err)
	t.Targets["bases/"+digest.Of(data).Hex()+".tflite"] = f
}

var keyAttacks = []attack{
	{name: "timestamp without a signature", does: "takes the signatures off timestamp.json", device: "refuses it, keeps release 1", reason: ErrSignature,
		try: func(w *world) error { return unsigned(w, metadata.TIMESTAMP) }},
	{name: "snapshot without a signature", does: "takes the signatures off snapshot.json, with the timestamp's key", device: "refuses it", reason: ErrSignature,
		try: func(w *world) error { return unsigned(w, metadata.SNAPSHOT) }, heal: rotateOnline},
	{name: "targets without a signature", does: "takes the signatures off targets.json, with the keys of timestamp and snapshot", device: "refuses it", reason: ErrSignature,
		try: func(w *world) error { return unsigned(w, metadata.TARGETS) }, heal: rotateOnline},
	{name: "root without a signature", does: "offers a next root that nobody signed", device: "keeps the root it has", reason: ErrSignature,
		try: func(w *world) error { return unsigned(w, metadata.ROOT) }},
	{name: "timestamp by a stranger", does: "signs timestamp.json with a key of their own", device: "refuses it", reason: ErrSignature,
		try: func(w *world) error { return byStranger(w, metadata.TIMESTAMP) }},
	{name: "snapshot by a stranger", does: "has the timestamp's key, and signs snapshot.json with one of their own", device: "refuses it", reason: ErrSignature,
		try: func(w *world) error { return byStranger(w, metadata.SNAPSHOT) }, heal: rotateOnline},
	{name: "targets by a stranger", does: "has the keys of timestamp and snapshot, and signs targets.json with one of their own", device: "refuses it, as every target", reason: ErrSignature,
		try: func(w *world) error { return byStranger(w, metadata.TARGETS) }, heal: rotateOnline},
	{name: "root by a stranger", does: "offers a next root with keys of their own", device: "keeps the root it has", reason: ErrSignature,
		try: func(w *world) error { return byStranger(w, metadata.ROOT) }},
	{name: "one root key stolen", does: "signs a next root with one of three keys, where two are needed", device: "keeps the root it has", reason: ErrSignature,
		try: func(w *world) error {
			w.instead("metadata/2.root.json", w.nextRoot(func(*metadata.RootType) {}, w.keys[metadata.ROOT][0]))
			return w.check()
		}},
	{name: "one root key signs twice", does: "has two signatures of one key in a next root", device: "refuses it", reason: ErrForm,
		try: func(w *world) error {
			one := w.keys[metadata.ROOT][0]
			w.instead("metadata/2.root.json", w.nextRoot(func(*metadata.RootType) {}, one, one))
			return w.check()
		}},
	{name: "one root key under two names", does: "adds the key that they have to the next root under another name, and signs with both", device: "counts it once", reason: ErrSignature,
		try: func(w *world) error {
			one := w.keys[metadata.ROOT][0]
			w.instead("metadata/2.root.json", w.nextRoot(func(r *metadata.RootType) {
				r.Keys["another"] = one.public(w.t)
				r.Roles[metadata.ROOT].KeyIDs = append(r.Roles[metadata.ROOT].KeyIDs, "another")
			}, one, signer{"another", one.key}))
			return w.check()
		}},
	{name: "one key for the snapshot under ten names", does: "the publisher asks for two keys of the snapshot, and has one under ten names", device: "counts it once", reason: ErrSignature,
		try: func(w *world) error {
			one := w.keys[metadata.SNAPSHOT][0]
			for i := range 9 {
				id := fmt.Sprint("name ", i)
				w.root.Signed.Keys[id] = one.public(w.t)
				w.root.Signed.Roles[metadata.SNAPSHOT].KeyIDs = append(w.root.Signed.Roles[metadata.SNAPSHOT].KeyIDs, id)
				w.keys[metadata.SNAPSHOT] = append(w.keys[metadata.SNAPSHOT], signer{id, one.key})
			}
			w.root.Signed.Roles[metadata.SNAPSHOT].Threshold = 2
			w.root.Signed.Version++
			w.writeRoot()
			w.publish()
			return w.check()
		}, heal: func(w *world) {
			two := w.keys[metadata.SNAPSHOT][0]
			w.root.Signed.Roles[metadata.SNAPSHOT].KeyIDs = []string{two.id}
			w.keys[metadata.SNAPSHOT] = []signer{two}
			w.trust(metadata.SNAPSHOT, newSigner(w.t))
			w.root.Signed.Version++
			w.writeRoot()
			w.publishTwo()
		}},
	{name: "more keys wanted than there are", does: "the publisher asks for two keys of the timestamp, and has one", device: "refuses the timestamp", reason: ErrSignature,
		try: func(w *world) error {
			w.root.Signed.Roles[metadata.TIMESTAMP].Threshold = 2
			w.root.Signed.Version++
			w.writeRoot()
			w.publish()
			return w.check()
		}, heal: func(w *world) {
			w.trust(metadata.TIMESTAMP, newSigner(w.t))
			w.root.Signed.Version++
			w.writeRoot()
			w.publishTwo()
		}},
	{name: "new root by its new keys alone", does: "replaces the root's keys, and signs with the new ones", device: "wants the old ones' signatures too", reason: ErrSignature,
		try: func(w *world) error {
			a, b := newSigner(w.t), newSigner(w.t)
			w.instead("metadata/2.root.json", w.nextRoot(func(r *metadata.RootType) {
				r.Keys[a.id], r.Keys[b.id] = a.public(w.t), b.public(w.t)
				r.Roles[metadata.ROOT].KeyIDs = []string{a.id, b.id}
			}, a, b))
			return w.check()
		}},
	{name: "new root by its old keys alone", does: "replaces the root's keys, and lacks the new ones' signatures", device: "wants both", reason: ErrSignature,
		try: func(w *world) error {
			a, b := newSigner(w.t), newSigner(w.t)
			w.instead("metadata/2.root.json", w.nextRoot(func(r *metadata.RootType) {
				r.Keys[a.id], r.Keys[b.id] = a.public(w.t), b.public(w.t)
				r.Roles[metadata.ROOT].KeyIDs = []string{a.id, b.id}
			}, w.keys[metadata.ROOT]...))
			return w.check()
		}},
	{name: "root with a key of odd length", does: "has a key of 5 bytes in a root that is signed well", device: "refuses the root, does not fall over", reason: ErrForm,
		try: func(w *world) error {
			w.instead("metadata/2.root.json", w.nextRoot(func(r *metadata.RootType) {
				odd := &metadata.Key{Type: metadata.KeyTypeEd25519, Scheme: metadata.KeySchemeEd25519, Value: metadata.KeyVal{PublicKey: "0102030405"}}
				r.Keys["odd"] = odd
				r.Roles[metadata.ROOT].KeyIDs = append(r.Roles[metadata.ROOT].KeyIDs, "odd")
			}, append(w.keys[metadata.ROOT], signer{"odd", w.keys[metadata.ROOT][0].key})...))
			return w.check()
		}},
	{name: "targets key stolen", does: "lists a base of their own in targets.json, without the keys of snapshot and timestamp", device: "sees that it is not the one that the snapshot names", reason: ErrMixed,
		try: func(w *world) error {
			w.instead(w.newest(metadata.TARGETS), changed(w.t, w.read(w.newest(metadata.TARGETS)), w.evilBase, w.stolen(metadata.TARGETS)...))
			return w.check()
		}},
	{name: "snapshot key stolen", does: "names an older targets.json in the snapshot, without the timestamp's key", device: "sees that it is not the one that the timestamp names", reason: ErrMixed,
		try: func(w *world) error {
			w.instead(w.newest(metadata.SNAPSHOT), changed(w.t, w.read(w.newest(metadata.SNAPSHOT)),
				func(s *metadata.SnapshotType) { s.Meta["targets.json"].Version-- }, w.stolen(metadata.SNAPSHOT)...))
			return w.check()
		}},
	{name: "timestamp key stolen", does: "names the snapshot before release 1", device: "knows a newer one", reason: ErrRollback,
		try: func(w *world) error {
			w.evilTimestamp(func(t *metadata.TimestampType) { t.Version++; t.Meta["snapshot.json"].Version = 1 }, w.stolen(metadata.TIMESTAMP)...)
			return w.check()
		}},
	{name: "timestamp and snapshot keys stolen", does: "names the targets.json before release 1", device: "knows a newer one", reason: ErrRollback,
		try: func(w *world) error {
			w.evilSnapshot(func(s *metadata.SnapshotType) { s.Meta["targets.json"].Version = 1 }, w.stolen(metadata.SNAPSHOT), w.stolen(metadata.TIMESTAMP)...)
			return w.check()
		}, heal: rotateOnline},
	{name: "snapshot that forgets targets", does: "with the same keys, names no targets.json at all", device: "refuses the snapshot", reason: ErrForm,
		try: func(w *world) error {
			w.evilSnapshot(func(s *metadata.SnapshotType) { delete(s.Meta, "targets.json") }, w.stolen(metadata.SNAPSHOT), w.stolen(metadata.TIMESTAMP)...)
			return w.check()
		}, heal: rotateOnline},
	{name: "timestamp that forgets the snapshot", does: "with the timestamp's key, names no snapshot.json", device: "refuses it, and does not keep it", reason: ErrForm,
		try: func(w *world) error {
			w.evilTimestamp(func(t *metadata.TimestampType) { t.Version++; t.Meta = map[string]*metadata.MetaFiles{} }, w.stolen(metadata.TIMESTAMP)...)
			return w.check()
		}},
	{name: "fast forward", does: "with the timestamp's key, signs a timestamp of version 1,000,000,000, so that the publisher's own are old",
		device: "takes it, then refuses the publisher's; the next root, with another timestamp key, heals it", reason: ErrRollback,
		try: func(w *world) error {
			w.evilTimestamp(func(t *metadata.TimestampType) { t.Version = 1_000_000_000 }, w.stolen(metadata.TIMESTAMP)...)
			w.finds(2)
			w.honest()
			return w.check()
		}, heal: func(w *world) { w.rotate(metadata.TIMESTAMP); w.publishTwo() }},
	{name: "fast forward of the snapshot", does: "with the keys of timestamp and snapshot, signs a snapshot of version 1,000,000,000",
		device: "the same; the next root has other keys of both", reason: ErrRollback,
		try: func(w *world) error {
			data := changed(w.t, w.read(w.newest(metadata.SNAPSHOT)), func(s *metadata.SnapshotType) { s.Version = 1_000_000_000 }, w.stolen(metadata.SNAPSHOT)...)
			w.instead("metadata/1000000000.snapshot.json", data)
			w.evilTimestamp(func(t *metadata.TimestampType) { t.Version++; t.Meta["snapshot.json"] = w.meta(1_000_000_000, data) }, w.stolen(metadata.TIMESTAMP)...)
			w.finds(2)
			w.honest()
			return w.check()
		}, heal: rotateOnline},
	{name: "key that was taken out", does: "has all keys but the root's, which have been replaced, and hides the root that says so", device: "knows the newer root", reason: ErrSignature,
		try: func(w *world) error {
			thief := w.stolen(metadata.TIMESTAMP)
			w.rotate(metadata.TIMESTAMP)
			w.publishTimestamp()
			w.finds(2)
			w.handle("metadata/2.root.json", http.NotFound)
			w.evilTimestamp(func(t *metadata.TimestampType) { t.Version++ }, thief...)
			w.open(w.pinned(), over(w.t, w.server)) // another start, with the same pinned root
			return w.check()
		}},
	{name: "another repository", does: "serves a repository of their own at the address", device: "refuses it: its timestamp is signed by none of the root's keys", reason: ErrSignature,
		try: func(w *world) error {
			other := newRepo(w.t)
			other.addChannel("stable", start, w.one, w.two)
			other.publish()
			for _, role := range roles[1:] {
				w.instead(w.newest(role), other.signed(role))
			}
			return w.check()
		}},
	{name: "keys replaced by the publisher", does: "nothing: the publisher replaces the keys of every role, in four new roots", device: "walks from root to root", reason: nil,
		try: func(w *world) error {
			for _, role := range roles[1:] {
				w.rotate(role)
			}
			before := w.keys[metadata.ROOT]
			one, two := newSigner(w.t), newSigner(w.t)
			for _, s := range before[:2] {
				must(w.t, w.root.Signed.RevokeKey(s.id, metadata.ROOT))
			}
			w.trust(metadata.ROOT, one)
			w.trust(metadata.ROOT, two)
			w.root.Signed.Version++
			w.writeRoot() // signed by old and new
			w.keys[metadata.ROOT] = []signer{before[2], one, two}
			w.publishTwo()
			return w.check()
		}},
}
