package update

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/release"
)

var update = flag.Bool("update", false, "write docs/attacks.md anew")

// attack is a row of docs/attacks.md.
type attack struct {
	name   string // in a few words
	does   string // what the attacker does
	device string // what the device does
	reason error  // that the device gives; nil: none
	// try does the attack, and returns what the device says to it.
	try func(w *world) error
	// heal is what the publisher does afterwards; nil: publishes release 2 as it was
	// meant to be.
	heal func(w *world)
}

// tables are the rows, by kind.
var tables = []struct {
	title string
	rows  []attack
}{
	{"Keys that are missing, wrong or stolen", keyAttacks},
	{"Old and mixed metadata", replayAttacks},
	{"The clock", clockAttacks},
	{"Files that are not what was signed", contentAttacks},
	{"Servers and networks", serverAttacks},
	{"Archives and folders", localAttacks},
}

// world is a device that has release 1 and its base, a repository that has
// published release 2, and whoever is between them.
type world struct {
	t *testing.T
	*repo
	*server
	*device
	one, two release.Base
	old      map[string][]byte // files of the repository before release 2
}

func newWorld(t *testing.T) *world {
	r := newRepo(t)
	w := &world{t: t, repo: r, one: r.addBase("one", noise(50_000)), two: r.addBase("two", noise(300_000)), old: map[string][]byte{}}
	r.addChannel("stable", start, w.one)
	r.addChannel("canary", start, w.one)
	r.publish()
	w.server = serve(t, r.dir)
	w.device = newDevice(t, r.pinned(), over(t, w.server))
	w.finds(1)
	w.gets(*w.one.Full, noise(50_000))
	must(t, filepath.WalkDir(r.dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(r.dir, path)
			w.old[name], err = os.ReadFile(path)
		}
		return err
	}))
	w.publishTwo()
	w.requests()
	return w
}

func (w *world) publishTwo() {
	w.addChannel("stable", start.Add(time.Hour), w.one, w.two)
	w.publish()
}

// check is what the device says of the channel.
func (w *world) check() error {
	_, err := w.device.check()
	return err
}

// fetch is what the device says of the base of release 2, whose channel it can
// read.
func (w *world) fetch() error {
	w.finds(2)
	_, err := w.Fetch(w.t.Context(), *w.two.Full, nil)
	return err
}

func (w *world) targetTwo() string { return targetName(w.two.Full.Target, w.two.Digest, true) }

// name of the newest metadata of a role.
func (w *world) newest(role string) string {
	switch role {
	case metadata.TARGETS:
		return fmt.Sprintf("metadata/%d.targets.json", w.targets.Signed.Version)
	case metadata.SNAPSHOT:
		return fmt.Sprintf("metadata/%d.snapshot.json", w.snapshot.Signed.Version)
	case metadata.ROOT:
		return fmt.Sprintf("metadata/%d.root.json", w.root.Signed.Version)
	}
	return "metadata/timestamp.json"
}

// instead serves data in the place of a file.
func (s *server) instead(name string, data []byte) {
	s.handle(name, func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", start, bytes.NewReader(data))
	})
}

// honest serves the repository again, and nothing else.
func (s *server) honest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers = map[string]http.HandlerFunc{}
}

// changed is metadata with a change, signed anew by those keys.
func changed[T metadata.Roles](t testing.TB, data []byte, change func(*T), by ...signer) []byte {
	m, err := new(metadata.Metadata[T]).FromBytes(data)
	must(t, err)
	change(&m.Signed)
	return sign(t, m, by)
}

// evilTimestamp, evilSnapshot and evilTargets sign what whoever has the keys likes,
// and serve it.
func (w *world) evilTimestamp(change func(*metadata.TimestampType), by ...signer) {
	w.instead(w.newest(metadata.TIMESTAMP), changed(w.t, w.read(w.newest(metadata.TIMESTAMP)), change, by...))
}

// evilSnapshot serves a snapshot under the next number, and a timestamp for it.
func (w *world) evilSnapshot(change func(*metadata.SnapshotType), by []signer, timestamps ...signer) {
	data := changed(w.t, w.read(w.newest(metadata.SNAPSHOT)), func(s *metadata.SnapshotType) { s.Version++; change(s) }, by...)
	version := w.snapshot.Signed.Version + 1
	w.instead(fmt.Sprintf("metadata/%d.snapshot.json", version), data)
	w.evilTimestamp(func(t *metadata.TimestampType) {
		t.Version++
		t.Meta["snapshot.json"] = w.meta(version, data)
	}, timestamps...)
}

func TestAttacks(t *testing.T) {
	for _, table := range tables {
		for _, a := range table.rows {
			t.Run(a.name, func(t *testing.T) { t.Parallel(); a.run(t) })
		}
	}
}

func (a attack) run(t *testing.T) {
	w := newWorld(t)
	err := a.try(w)
	if !errors.Is(err, a.reason) || a.reason == nil && err != nil {
		t.Fatalf("the device says %v, want %v", err, a.reason)
	}
	if err != nil && (hint.Of(err) == "" || Reason(err) == "other") {
		t.Errorf("%v: the next step is %q, the reason %q", err, hint.Of(err), Reason(err))
	}
	w.unharmed()
	w.honest()
	w.now, w.synchronised = start.Add(2*time.Hour), true
	if a.heal != nil {
		a.heal(w)
	}
	w.open(w.pinned(), over(t, w.server))
	w.finds(2)
	w.gets(*w.two.Full, noise(300_000))
	w.unharmed()
	if err != nil {
		t.Logf("%s: %v", Reason(err), err)
	}
}

// unharmed expects every file of the device to be what its name says, and what it
// had to be there.
func (w *world) unharmed() {
	w.t.Helper()
	entries, err := os.ReadDir(filepath.Join(w.device.dir, "files"))
	must(w.t, err)
	for _, e := range entries {
		d, _, err := digest.OfFile(filepath.Join(w.device.dir, "files", e.Name()))
		if err != nil || d.Hex() != e.Name() {
			w.t.Errorf("file %s holds %s, %v", e.Name(), d, err)
		}
	}
	if _, err := os.Stat(filepath.Join(w.device.dir, "files", w.one.Digest.Hex())); err != nil {
		w.t.Error(err)
	}
	if c, err := w.Last(); err != nil || len(c.Releases) == 0 {
		w.t.Errorf("the channel as it was last: %v", err)
	}
	if _, err := ReadState(w.device.dir); err != nil {
		w.t.Error(err)
	}
}

// TestAttackTable holds docs/attacks.md to the rows.
func TestAttackTable(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "attacks.md")
	var b strings.Builder
	rows := 0
	for _, table := range tables {
		fmt.Fprintf(&b, "\n## %s\n\n| attack | what is done | what the device does | reason |\n|---|---|---|---|\n", table.title)
		for _, a := range table.rows {
			rows++
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", a.name, a.does, a.device, word(a.reason))
		}
	}
	text := fmt.Sprintf(attacksHead, rows) + b.String()
	if rows < 25 {
		t.Errorf("%d rows", rows)
	}
	if *update {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return
	}
	have, err := os.ReadFile(path)
	must(t, err)
	if string(have) != text {
		t.Error("docs/attacks.md is another: go test ./models/update -run TestAttackTable -update")
	}
}

func word(reason error) string {
	if reason == nil {
		return "–"
	}
	return "`" + Reason(reason) + "`"
}

const attacksHead = `# Attacks on updates, and what a device does

Made by ` + "`go test ./models/update -run TestAttackTable -update`" + ` from the rows of ` + "`TestAttacks`" + `. Each of the %d rows is a test against the
real client, over a real server, with keys made for it: a device has release 1, release 2 is published, somebody is in between. After the attack
the test looks whether every file of the device is whole and what it had is there, lets the publisher do what a publisher would, starts the
device's program anew, and expects it to find and fetch release 2.

The reason is the word that ` + "`edge update status --json`" + ` and reports carry (` + "`update.Reason`" + `). What can be done with any keys but the root's threshold ends
with the publisher's next root. What whoever has timestamp, snapshot and targets keys together signs is, to a device, the publisher's: keep
the targets key where the others are not.
`

// endless never ends; it may be given away slowly.
type endless struct{ text string }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[i%len(e.text)]
	}
	return len(p), nil
}

// flood sends what never ends, until the client hangs up.
func flood(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		io.Copy(w, endless{text}) //nolint:errcheck // it ends with an error
	}
}

// trickle sends data a byte at a time.
func trickle(data []byte, every time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := range data {
			w.Write(data[i : i+1])
			http.NewResponseController(w).Flush()
			select {
			case <-time.After(every):
			case <-r.Context().Done():
				return
			}
		}
	}
}
