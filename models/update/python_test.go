package update

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/models/release"
)

// python is a process that runs python-tuf.
type python struct {
	in    io.WriteCloser
	lines *bufio.Scanner
}

func startPython(t *testing.T) *python {
	t.Helper()
	packages := os.Getenv("EDGE_TEST_TUF")
	if _, err := os.Stat(filepath.Join(packages, "tuf")); packages == "" || err != nil {
		t.Skip("EDGE_TEST_TUF does not say where python-tuf is installed (make test sets it)")
	}
	cmd := exec.Command("python3", filepath.Join("testdata", "other_side.py"))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	return &python{in, bufio.NewScanner(out)}
}

// do sends an order, and returns the error that python-tuf answers with.
func (p *python) do(t *testing.T, order map[string]any) error {
	t.Helper()
	must(t, json.NewEncoder(p.in).Encode(order))
	if !p.lines.Scan() {
		t.Fatal("python ended")
	}
	var answer struct{ Error string }
	must(t, json.Unmarshal(p.lines.Bytes(), &answer))
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}

// TestPythonRepository follows a repository that python-tuf wrote: with keys of
// three kinds, thresholds of two, a root that was rotated twice, unknown fields,
// SHA-512 beside SHA-256, and a role that was delegated to.
func TestPythonRepository(t *testing.T) {
	p := startPython(t)
	r := newRepo(t)
	b := r.addBase("one", noise(100_000))
	targets, dir := t.TempDir(), filepath.Join(t.TempDir(), "repository")
	put := func(name string, data []byte) {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(targets, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(targets, name), data, 0o644))
	}
	put(b.Full.Target, noise(100_000))
	c := release.Channel{Format: release.Format, Name: "stable", Updated: start, Releases: []release.Release{{Number: 1, Base: b, Rollout: release.Rollout{Percent: 100}}}}
	data, err := c.Encode()
	must(t, err)
	put(release.Target("stable"), data)
	must(t, p.do(t, map[string]any{"do": "write", "dir": dir, "targets": targets, "expires": start.Add(7 * day).Unix()}))

	root, err := os.ReadFile(filepath.Join(dir, "metadata", "1.root.json"))
	must(t, err)
	d := newDevice(t, root, over(t, serve(t, dir)))
	d.finds(1)
	d.gets(*b.Full, noise(100_000))
	if roles := d.Trusted(); roles[0].Version != 3 || roles[3].Version != 7 {
		t.Errorf("%+v", roles)
	}
	d.now = start.Add(8 * day)
	if _, err := d.newest(); !errors.Is(err, ErrExpired) {
		t.Errorf("after its end: %v", err)
	}
}

// TestPythonClientAgrees lets python-tuf's client meet the same attacks by keys and
// replays, check by check, and compares what is accepted.
func TestPythonClientAgrees(t *testing.T) {
	p := startPython(t)
	// Where it is not the same, and why.
	differ := map[string]string{
		"root with a key of odd length":            "python-tuf leaves out a key that it cannot use, and counts the others",
		"one key for the snapshot under ten names": "python-tuf 7.0.1 counts names, go-tuf keys",
	}
	rows := slices.Concat(keyAttacks, replayAttacks)
	checks, refused := 0, 0
	for _, a := range rows {
		t.Run(a.name, func(t *testing.T) {
			w := newWorld(t)
			metadata, root := t.TempDir(), filepath.Join(t.TempDir(), "root.json")
			must(t, os.WriteFile(root, w.pinned(), 0o600))
			ask := func() error {
				return p.do(t, map[string]any{"do": "refresh", "url": w.URL, "dir": metadata, "root": root, "now": w.now.Unix()})
			}
			hidden := filepath.Join(t.TempDir(), "before") // release 1, as the device has seen it
			for name, data := range w.old {
				must(t, os.MkdirAll(filepath.Dir(filepath.Join(hidden, name)), 0o755))
				must(t, os.WriteFile(filepath.Join(hidden, name), data, 0o644))
			}
			w.dirs(hidden)
			must(t, ask())
			w.dirs(w.repo.dir)
			w.also = func(ours error) {
				theirs := ask()
				checks++
				if ours != nil {
					refused++
				}
				if (ours == nil) != (theirs == nil) && differ[a.name] == "" {
					t.Errorf("we say %v, python-tuf %v", ours, theirs)
				}
			}
			a.try(w) //nolint:errcheck // TestAttacks looks at it
			w.also = nil
		})
	}
	if refused < 20 {
		t.Errorf("only %d checks were refused", refused)
	}
	t.Logf("%d attacks, %d checks, %d refused by both", len(rows), checks, refused)
}
