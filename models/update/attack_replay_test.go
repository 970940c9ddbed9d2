package update

import (
	"errors"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/models/release"
)

// oldOf is the metadata of a role from before release 2.
func (w *world) oldOf(role string) []byte {
	switch role {
	case metadata.TARGETS:
		return w.old["metadata/3.targets.json"]
	case metadata.SNAPSHOT:
		return w.old["metadata/3.snapshot.json"]
	}
	return w.old["metadata/timestamp.json"]
}

// expiring is a repository whose role's metadata ends tomorrow, on the day after.
func expiring(w *world, role string) error {
	tomorrow := start.Add(day)
	switch role {
	case metadata.ROOT:
		w.root.Signed.Expires = tomorrow
		w.root.Signed.Version++
		w.writeRoot()
	case metadata.TARGETS:
		w.targets.Signed.Expires = tomorrow
	case metadata.SNAPSHOT:
		w.snapshot.Signed.Expires = tomorrow
	case metadata.TIMESTAMP:
		w.timestamp.Signed.Expires = tomorrow
	}
	w.publish()
	w.now = start.Add(2 * day)
	return w.check()
}

// renewed is what the publisher does about it.
func renewed(w *world) {
	end := start.Add(7 * day)
	w.root.Signed.Expires, w.targets.Signed.Expires, w.snapshot.Signed.Expires, w.timestamp.Signed.Expires = end, end, end, end
	w.root.Signed.Version++
	w.writeRoot()
	w.publishTwo()
	w.now = start.Add(2 * day)
}

// noHashes has the publisher leave hashes out of metadata, as TUF allows.
func noHashes(w *world) {
	w.hashes = false
	w.publishTwo()
	w.finds(2)
	w.publishTwo()
}

var replayAttacks = []attack{
	{name: "old timestamp", does: "replays the timestamp.json of release 1 to a device that has seen release 2", device: "knows a newer one", reason: ErrRollback,
		try: func(w *world) error {
			w.finds(2)
			w.instead("metadata/timestamp.json", w.oldOf(metadata.TIMESTAMP))
			return w.check()
		}},
	{name: "old repository", does: "replays all of the repository as it was at release 1", device: "knows a newer one", reason: ErrRollback,
		try: func(w *world) error {
			w.finds(2)
			for name, data := range w.old {
				w.instead(name, data)
			}
			return w.check()
		}},
	{name: "old snapshot", does: "serves the old snapshot.json under the new one's name", device: "sees that the timestamp names another", reason: ErrMixed,
		try: func(w *world) error {
			w.instead(w.newest(metadata.SNAPSHOT), w.oldOf(metadata.SNAPSHOT))
			return w.check()
		}},
	{name: "old targets", does: "serves the old targets.json under the new one's name", device: "sees that the snapshot names another", reason: ErrMixed,
		try: func(w *world) error {
			w.instead(w.newest(metadata.TARGETS), w.oldOf(metadata.TARGETS))
			return w.check()
		}},
	{name: "old snapshot without hashes", does: "the same, where the publisher puts versions alone into metadata", device: "knows a newer one", reason: ErrRollback,
		try: func(w *world) error {
			noHashes(w)
			w.instead(w.newest(metadata.SNAPSHOT), w.oldOf(metadata.SNAPSHOT))
			return w.check()
		}},
	{name: "old targets without hashes", does: "the same with targets.json", device: "compares versions", reason: ErrMixed,
		try: func(w *world) error {
			noHashes(w)
			w.instead(w.newest(metadata.TARGETS), w.oldOf(metadata.TARGETS))
			return w.check()
		}},
	{name: "half a repository", does: "a mirror that has the new timestamp.json and not the rest", device: "refuses it; the next check may find all", reason: ErrMixed,
		try: func(w *world) error {
			w.handle(w.newest(metadata.SNAPSHOT), status(404))
			return w.check()
		}},
	{name: "next root out of turn", does: "serves a root of version 3, signed well, as 2.root.json", device: "takes roots one by one", reason: ErrMixed,
		try: func(w *world) error {
			w.instead("metadata/2.root.json", w.nextRoot(func(r *metadata.RootType) { r.Version++ }, w.keys[metadata.ROOT]...))
			return w.check()
		}},
	{name: "first root again", does: "serves the first root as 2.root.json", device: "takes roots one by one", reason: ErrMixed,
		try: func(w *world) error {
			w.instead("metadata/2.root.json", w.pinned())
			return w.check()
		}},
	{name: "another timestamp of the same version", does: "with the timestamp's key, signs a timestamp.json of the version that the device has, for a snapshot of version 100", device: "keeps the one it has", reason: nil,
		try: func(w *world) error {
			w.finds(2)
			w.evilTimestamp(func(t *metadata.TimestampType) { t.Meta["snapshot.json"].Version = 100 }, w.keys[metadata.TIMESTAMP]...)
			return w.check()
		}},
	{name: "device that slept", does: "nothing: what the device has expired long ago, what the publisher has did not", device: "compares versions with what it has, and takes release 2", reason: nil,
		try: func(w *world) error {
			w.timestamp.Signed.Expires = start.Add(25 * day)
			w.publishTimestamp()
			w.now = start.Add(18 * day)
			return w.check()
		}, heal: func(w *world) { w.now = start.Add(18 * day) }},
	{name: "one role's file as another's", does: "serves snapshot.json as timestamp.json", device: "looks at what a document says it is", reason: ErrForm,
		try: func(w *world) error {
			w.instead("metadata/timestamp.json", w.read(w.newest(metadata.SNAPSHOT)))
			return w.check()
		}},
	{name: "frozen timestamp", does: "holds back what is new, and replays a timestamp.json that has expired", device: "says so, keeps what it has", reason: ErrExpired,
		try: func(w *world) error { return expiring(w, metadata.TIMESTAMP) }, heal: renewed},
	{name: "frozen snapshot", does: "the same with snapshot.json, and the timestamp's key", device: "says so", reason: ErrExpired,
		try: func(w *world) error { return expiring(w, metadata.SNAPSHOT) }, heal: renewed},
	{name: "frozen targets", does: "the same with targets.json, and the keys of timestamp and snapshot", device: "says so", reason: ErrExpired,
		try: func(w *world) error { return expiring(w, metadata.TARGETS) }, heal: renewed},
	{name: "expired root", does: "the publisher forgets to renew the root", device: "says so", reason: ErrExpired,
		try: func(w *world) error { return expiring(w, metadata.ROOT) }, heal: renewed},
	{name: "expired, and nothing has changed", does: "replays the very timestamp.json that the device has, after its end", device: "says so", reason: ErrExpired,
		try: func(w *world) error {
			w.finds(2)
			w.now = start.Add(8 * day)
			return w.check()
		}},
	{name: "revoked release", does: "nothing: the publisher revokes release 2", device: "sees the reason, and stays with release 1", reason: nil,
		try: func(w *world) error {
			c, err := w.device.check()
			must(w.t, err)
			c.Releases[1].Revoked = "eats cats"
			data, err := c.Encode()
			must(w.t, err)
			w.add(release.Target("stable"), data)
			w.publish()
			c, err = w.device.check()
			newest, ok, why := c.Newest(release.Device{ID: "d", Task: "lamps", Base: w.one.Digest}, 0)
			if !ok || newest.Number != 1 || c.Releases[1].Revoked != "eats cats" {
				w.t.Errorf("release %d, %v, %v", newest.Number, why, ok)
			}
			return err
		}, heal: (*world).publishTwo},
}

// tenYears is about that long.
const tenYears = 3652 * day

var clockAttacks = []attack{
	{name: "clock back ten years", does: "sets back the clock of a board without a battery, and replays a timestamp.json that has expired", device: "knows a time that has passed, and says that it has expired", reason: ErrExpired,
		try: func(w *world) error {
			w.now = start.Add(8 * day)
			w.timestamp.Signed.Expires = start.Add(20 * day)
			w.publishTimestamp()
			w.finds(2) // on day 8
			w.timestamp.Signed.Expires = start.Add(7 * day)
			w.publishTimestamp()
			w.now, w.synchronised = start.Add(-tenYears), false
			w.open(w.pinned(), over(w.t, w.server))
			return w.check()
		}, heal: renewed},
	{name: "time server ten years back", does: "the same through the time server, so that the device takes the clock for right", device: "knows the time of the newest document that it verified, and when it was built", reason: ErrExpired,
		try: func(w *world) error {
			w.now = start.Add(8 * day)
			w.timestamp.Signed.Expires = start.Add(20 * day)
			w.addChannel("stable", start.Add(8*day), w.one, w.two)
			w.publish()
			w.finds(2)
			w.timestamp.Signed.Expires = start.Add(7 * day)
			w.publishTimestamp()
			w.now = start.Add(-tenYears)
			w.open(w.pinned(), over(w.t, w.server))
			return w.check()
		}, heal: func(w *world) {
			renewed(w)
			w.timestamp.Signed.Expires, w.snapshot.Signed.Expires, w.targets.Signed.Expires = start.Add(20*day), start.Add(20*day), start.Add(20*day)
			w.root.Signed.Expires = start.Add(20 * day)
			w.root.Signed.Version++
			w.writeRoot()
			w.publish()
			w.now = start.Add(9 * day)
		}},
	{name: "clock back, no signs of it", does: "sets the clock back ten years while everything is fresh", device: "takes release 2", reason: nil,
		try: func(w *world) error {
			w.now, w.synchronised = start.Add(-tenYears), false
			w.open(w.pinned(), over(w.t, w.server))
			return w.check()
		}},
	{name: "clock forward ten years", does: "sets the clock ahead: all metadata looks expired", device: "says that it has expired, and that the clock may be wrong; keeps running what it has", reason: ErrExpired,
		try: func(w *world) error {
			w.now, w.synchronised = start.Add(tenYears), false
			err := w.check()
			if !errors.Is(err, ErrClock) {
				w.t.Errorf("%v does not speak of the clock", err)
			}
			return err
		}},
	{name: "time server ten years ahead", does: "the same through the time server", device: "says that it has expired; heals once the time server is right", reason: ErrExpired,
		try: func(w *world) error {
			w.now = start.Add(tenYears)
			return w.check()
		}},
	{name: "document from the future", does: "the publisher's clock is a year ahead", device: "refuses it while its own clock is synchronised", reason: ErrClock,
		try: func(w *world) error {
			w.addChannel("stable", start.Add(365*day), w.one, w.two)
			w.publish()
			return w.check()
		}, heal: (*world).publishTwo},
	{name: "document from the future, no clock", does: "the same to a board that has no clock", device: "takes it; a document written after its own end says nothing about the time", reason: nil,
		try: func(w *world) error {
			w.addChannel("stable", start.Add(365*day), w.one, w.two)
			w.publish()
			w.now, w.synchronised = time.Unix(0, 0), false
			w.open(w.pinned(), over(w.t, w.server))
			must(w.t, w.check())
			return w.check() // still not expired
		}, heal: (*world).publishTwo},
}
