package update

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/release"
)

// signedChannel has the publisher's keys sign any bytes as the channel.
func signedChannel(w *world, data []byte) error {
	w.add(release.Target("stable"), data)
	w.publish()
	return w.check()
}

// hideLength sends data without saying how long it is.
func hideLength(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for data := data; len(data) > 0; {
			n := min(len(data), 32<<10)
			w.Write(data[:n])
			http.NewResponseController(w).Flush()
			data = data[n:]
		}
	}
}

// fewBytes expects the device to have read no more than it had to.
func (w *world) fewBytes(most int64) {
	w.t.Helper()
	// What lay in the sockets' buffers counts as sent.
	if _, sent := w.requests(); sent > most+16<<20 {
		w.t.Errorf("%d bytes were sent, want %d at most", sent, most)
	}
}

var contentAttacks = []attack{
	{name: "base swapped", does: "serves other bytes of the same length", device: "throws them away: nothing gets its final name unverified", reason: ErrDamaged,
		try: func(w *world) error { w.instead(w.targetTwo(), bytes.Repeat([]byte("x"), 300_000)); return w.fetch() }},
	{name: "one bit of a base", does: "flips one bit", device: "throws it away", reason: ErrDamaged,
		try: func(w *world) error {
			data := noise(300_000)
			data[200_000] ^= 4
			w.instead(w.targetTwo(), data)
			return w.fetch()
		}},
	{name: "base cut short", does: "serves half of it", device: "refuses it before a byte is read", reason: ErrDamaged,
		try: func(w *world) error { w.instead(w.targetTwo(), noise(300_000)[:150_000]); return w.fetch() }},
	{name: "base cut short in silence", does: "serves half of it without saying how long it is", device: "asks for the rest, some times; keeps the half", reason: ErrNetwork,
		try: func(w *world) error { w.handle(w.targetTwo(), hideLength(noise(300_000)[:150_000])); return w.fetch() }},
	{name: "base too long", does: "serves more than was signed", device: "refuses it before a byte is read", reason: ErrTooLong,
		try: func(w *world) error { w.instead(w.targetTwo(), make([]byte, 400_000)); return w.fetch() }},
	{name: "endless base", does: "serves bytes that never end", device: "reads as many as were signed, then throws them away", reason: ErrDamaged,
		try: func(w *world) error {
			w.handle(w.targetTwo(), flood("endless"))
			err := w.fetch()
			w.fewBytes(300_000)
			return err
		}},
	{name: "endless behind the right bytes", does: "serves the base, and never stops", device: "has what was signed, and hangs up", reason: nil,
		try: func(w *world) error {
			w.handle(w.targetTwo(), func(rw http.ResponseWriter, r *http.Request) {
				rw.Write(noise(300_000))
				flood("and more")(rw, r)
			})
			err := w.fetch()
			w.fewBytes(300_000)
			return err
		}},
	{name: "endless timestamp", does: "serves a timestamp.json that never ends", device: "stops at 16 KiB", reason: ErrTooLong,
		try: func(w *world) error {
			w.handle("metadata/timestamp.json", flood(" "))
			err := w.check()
			w.fewBytes(maxTimestamp)
			return err
		}},
	{name: "endless root", does: "serves a next root that never ends", device: "stops at 512 KiB", reason: ErrTooLong,
		try: func(w *world) error {
			w.handle("metadata/2.root.json", flood("{"))
			err := w.check()
			w.fewBytes(maxRoot)
			return err
		}},
	{name: "endless targets.json", does: "serves one that never ends, where the snapshot says no length", device: "stops at 4 MiB", reason: ErrTooLong,
		try: func(w *world) error {
			noHashes(w)
			w.handle(w.newest(metadata.TARGETS), flood("["))
			err := w.check()
			w.fewBytes(maxTargets)
			return err
		}},
	{name: "huge length announced", does: "with the timestamp's key, announces a snapshot of a terabyte", device: "does not ask for it", reason: ErrTooLong,
		try: func(w *world) error {
			w.evilTimestamp(func(t *metadata.TimestampType) {
				t.Version++
				t.Meta["snapshot.json"].Version++
				t.Meta["snapshot.json"].Length = 1 << 40
			}, w.stolen(metadata.TIMESTAMP)...)
			return w.check()
		}, heal: func(w *world) { w.rotate(metadata.TIMESTAMP); w.publishTwo() }},
	{name: "garbage for JSON", does: "serves bytes that are no JSON as timestamp.json", device: "refuses them", reason: ErrForm,
		try: func(w *world) error { w.instead("metadata/timestamp.json", noise(1000)); return w.check() }},
	{name: "JSON that is nested deeply", does: "serves 8,000 brackets", device: "refuses them", reason: ErrForm,
		try: func(w *world) error {
			w.instead("metadata/timestamp.json", []byte(strings.Repeat("[", 8000)+strings.Repeat("]", 8000)))
			return w.check()
		}},
	{name: "JSON with nothing in it", does: "serves null, in the places of objects too", device: "refuses it, does not fall over", reason: ErrForm,
		try: func(w *world) error {
			for _, text := range []string{"null", "{}", `{"signed":null}`, `{"signed":{"_type":"timestamp","meta":{"snapshot.json":null}},"signatures":[]}`} {
				w.instead("metadata/timestamp.json", []byte(text))
				if err := w.check(); Reason(err) != "form" {
					w.t.Errorf("%s: %v", text, err)
				}
			}
			return w.check()
		}},
	{name: "channel swapped", does: "serves another channel's document in its place", device: "sees that it is not what was signed", reason: ErrDamaged,
		try: func(w *world) error {
			name := release.Target("stable")
			sum := digest.Digest("sha256:" + w.targets.Signed.Targets[name].Hashes["sha256"].String())
			w.instead(targetName(name, sum, true), bytes.Repeat([]byte(" "), int(w.targets.Signed.Targets[name].Length)))
			return w.check()
		}},
	{name: "channel of another name", does: "the publisher's tools put canary's document under stable's name", device: "refuses it", reason: release.ErrForm,
		try: func(w *world) error {
			data, err := release.Channel{Format: release.Format, Name: "canary", Updated: start}.Encode()
			must(w.t, err)
			return signedChannel(w, data)
		}, heal: (*world).publishTwo},
	{name: "channel that is huge", does: "signs a channel of 2 MiB", device: "does not ask for it", reason: ErrTooLong,
		try: func(w *world) error { return signedChannel(w, make([]byte, 2<<20)) }, heal: (*world).publishTwo},
	{name: "channel that is empty", does: "signs a channel of no bytes", device: "refuses it", reason: release.ErrForm,
		try: func(w *world) error { return signedChannel(w, nil) }, heal: (*world).publishTwo},
	{name: "names that lead elsewhere", does: "signs a release whose base is ../../etc/passwd", device: "refuses the channel", reason: release.ErrForm,
		try: func(w *world) error {
			c := `{"format":1,"channel":"stable","updated":"2026-06-01T12:00:00Z","releases":[{"release":2,"created":"2026-06-01T12:00:00Z","base":{"name":"x","digest":"` +
				string(w.one.Digest) + `","bytes":5,"preprocessing":{},"features":4,"full":{"target":"bases/../../etc/passwd","digest":"` + string(w.one.Digest) + `","bytes":5}},"rollout":{"percent":100}}]}`
			return signedChannel(w, []byte(c))
		}, heal: (*world).publishTwo},
	{name: "base that the metadata does not list", does: "signs a channel with a base that is no target", device: "fetches only what both name alike", reason: ErrMixed,
		try: func(w *world) error {
			delete(w.targets.Signed.Targets, w.two.Full.Target)
			w.publish()
			return w.fetch()
		}, heal: func(w *world) { w.addBase("two", noise(300_000)); w.publishTwo() }},
	{name: "base without a digest", does: "lists a target with SHA-512 alone", device: "wants SHA-256", reason: ErrForm,
		try: func(w *world) error {
			t, err := metadata.TargetFile().FromBytes("", noise(300_000), "sha512")
			must(w.t, err)
			w.targets.Signed.Targets[w.two.Full.Target] = t
			w.publish()
			return w.fetch()
		}, heal: func(w *world) { w.addBase("two", noise(300_000)); w.publishTwo() }},
	{name: "base larger than the disk", does: "signs a base that there is no room for", device: "looks first, and says how much is needed", reason: ErrSpace,
		try: func(w *world) error {
			w.cfg.Reserve = 1 << 60
			err := w.fetch()
			w.cfg.Reserve = -1
			return err
		}},
}
