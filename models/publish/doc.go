// Package publish keeps the repository that devices update from: a TUF repository
// (https://theupdateframework.io) of bases, heads and the channels that list them.
//
//	REPO/publish.yaml       settings: lifetimes, and where which key is; no secrets
//	REPO/keys/              keys in files, encrypted, if they are kept here
//	REPO/public/metadata/   1.root.json …, N.targets.json, N.snapshot.json, timestamp.json; root.json is the newest root
//	REPO/public/targets/    <folder>/<sha256>.<name> of each target that models/release names
//	REPO/staged/            metadata that waits for signatures of keys that are elsewhere
//	REPO/tmp/, REPO/lock    half-made files; held while the repository is changed
//
// public/ is all that devices see: any static server, object store or stick will
// do. It uses consistent snapshots, so no file in it ever changes but
// timestamp.json and root.json.
//
// # What happens when something goes wrong
//
// Files of targets are written first, then targets, snapshot and timestamp, each
// under another name, synced, renamed, and its folder synced. A process killed at
// any instant, or a full disk, leaves a repository that verifies: what it offered
// before, or what it was to offer. What nobody names is overwritten or removed by
// a later change.
//
// # Which key can do what
//
// The root key says which keys count, and is needed to replace one: it belongs on
// a stick in a drawer. The targets key says which files and channels there are:
// who has it can publish. Snapshot and timestamp keys say what is newest: who has
// them can hold devices back, and make them take nothing new. Each role asks for a
// threshold of its keys, and metadata that lacks some waits in staged/.
package publish
