package publish_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/publish"
)

var errDead = errors.New("the process has ended")

// fault is how a call of the disk goes wrong.
type fault struct {
	name    string
	err     error // returned; of a write, nil makes it short without a word
	effect  bool  // the call does its work first; of a write, half of it
	lasting bool  // later calls that take space fail as well
	crash   bool  // no later call has an effect
}

// rigged is a disk that counts its calls and lets one of them go wrong. It does
// not sync, which only a power cut could tell.
type rigged struct {
	publish.OSDisk
	calls, at int
	fault     fault
	dead      bool
	failed    string
	log       []string // of the calls: operation, a space, the path
}

func (r *rigged) call(op, path string, space bool, do func(wrong bool) error) error {
	if r.dead {
		return errDead
	}
	r.calls++
	r.log = append(r.log, op+" "+path)
	switch {
	case r.calls == r.at && (r.fault.err != nil || op == "write"):
		r.failed, r.dead = op+" "+filepath.Base(path), r.fault.crash
		if r.fault.effect {
			if err := do(true); err != nil {
				return err
			}
		}
		if r.fault.err == nil {
			return nil
		}
		return &fs.PathError{Op: op, Path: path, Err: r.fault.err}
	case r.fault.lasting && r.at > 0 && r.calls > r.at && space:
		return &fs.PathError{Op: op, Path: path, Err: r.fault.err}
	}
	return do(false)
}

func (r *rigged) Mkdir(path string, mode fs.FileMode) error {
	return r.call("mkdir", path, true, func(bool) error { return r.OSDisk.Mkdir(path, mode) })
}

func (r *rigged) Rename(from, to string) error {
	return r.call("rename", to, false, func(bool) error { r.log = append(r.log, "was "+from); return r.OSDisk.Rename(from, to) })
}

func (r *rigged) Remove(path string) error {
	return r.call("remove", path, false, func(bool) error { return r.OSDisk.Remove(path) })
}

func (r *rigged) SyncDir(path string) error {
	return r.call("syncdir", path, false, func(bool) error { return nil })
}

func (r *rigged) Create(path string, mode fs.FileMode) (publish.File, error) {
	var f publish.File
	err := r.call("create", path, true, func(bool) (err error) { f, err = r.OSDisk.Create(path, mode); return err })
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return &riggedFile{r, path, f}, nil
}

type riggedFile struct {
	r    *rigged
	path string
	publish.File
}

func (f *riggedFile) Write(p []byte) (n int, err error) {
	err = f.r.call("write", f.path, true, func(wrong bool) error {
		if wrong {
			p = p[:len(p)/2]
		}
		n, err = f.File.Write(p)
		return err
	})
	return n, err
}

func (f *riggedFile) Sync() error {
	return f.r.call("sync", f.path, true, func(bool) error { return nil })
}

// Close closes the file whatever goes wrong, as close(2) does.
func (f *riggedFile) Close() error {
	f.File.Close()
	return f.r.call("close", f.path, true, func(bool) error { return nil })
}

// ramDir is a folder in memory if there is one: nothing here waits for a disk.
func ramDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "edge-publish-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// deed is something that changes a repository.
type deed struct {
	name string
	do   func(t *testing.T, r *publish.Repository) error
	// done reports whether devices see it.
	done func(st publish.Status) bool
}

// deeds on a repository with one release. Its files are made once.
func deeds(t *testing.T) (first publish.AddOptions, all []deed) {
	t.Helper()
	g := generation(t, baseFile(t, 1))
	first = publish.AddOptions{Base: &publish.BaseFile{Path: baseFile(t, 0), Name: "base", Preprocessing: small(), Features: 4}}
	releases := func(st publish.Status) int { return len(st.Channels[1].Releases) }
	rotate := func(role publish.Role, keep bool) deed {
		return deed{
			"rotate " + string(role), func(t *testing.T, r *publish.Repository) error {
				st, err := r.Status(t.Context())
				if err != nil {
					return err
				}
				o := publish.Rotation{Add: []publish.KeySpec{{Reference: "env:NEW"}}}
				for _, s := range st.Roles {
					if s.Role == role && !keep {
						o.Remove = []string{s.Keys[0].ID}
					}
				}
				return r.Rotate(t.Context(), role, o)
			},
			func(st publish.Status) bool { return st.Roles[0].Version == 2 },
		}
	}
	return first, []deed{
		{
			"add", func(t *testing.T, r *publish.Repository) error {
				_, err := r.Add(t.Context(), publish.AddOptions{Generation: &g, Score: score})
				return err
			},
			func(st publish.Status) bool { return releases(st) == 2 },
		},
		{
			"revoke", func(t *testing.T, r *publish.Repository) error { return r.Revoke(t.Context(), "", 1, "bad") },
			func(st publish.Status) bool { return st.Channels[1].Releases[0].Revoked != "" },
		},
		{
			"refresh", func(t *testing.T, r *publish.Repository) error { return r.Refresh(t.Context(), publish.Roles()...) },
			func(st publish.Status) bool { return st.Roles[3].Version == 3 },
		},
		rotate(publish.Root, false), rotate(publish.Targets, false), rotate(publish.Timestamp, false), rotate(publish.Snapshot, true),
	}
}

// After a fault at any call of the disk, devices see what was or what was to be,
// and the next change succeeds and cleans up.
func TestCrashAtEveryCall(t *testing.T) {
	first, all := deeds(t)
	k, c := keys{}, newClock()
	template, err := publish.Init(t.Context(), filepath.Join(ramDir(t), "template"), k.options(t, c))
	must(t, err)
	k.make(t, "NEW")
	_, err = template.Add(t.Context(), first)
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(template.Dir(), "tmp"), 0o700))
	faults := []fault{
		{name: "killed after", err: errDead, crash: true, effect: true},
		{name: "disk full", err: unix.ENOSPC, effect: true, lasting: true},
		{name: "killed before", err: errDead, crash: true},
		{name: "EIO", err: unix.EIO},
		{name: "EIO after the work", err: unix.EIO, effect: true},
		{name: "short write", effect: true},
	}
	for i, d := range all {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			whole := &rigged{}
			try(t, template.Dir(), k, c, d, whole)
			if whole.calls < 12 {
				t.Fatalf("only %d calls: are they still counted?", whole.calls)
			}
			t.Logf("%d calls", whole.calls)
			of := faults
			if i > 0 {
				of = faults[:2] // the ways of writing are the same
			}
			for _, f := range of {
				for at := 1; at <= whole.calls; at++ {
					try(t, template.Dir(), k, c, d, &rigged{at: at, fault: f})
				}
			}
		})
	}
}

// try does the deed on a copy of a repository, on a rigged disk.
func try(t *testing.T, from string, k keys, c *clock, d deed, disk *rigged) {
	t.Helper()
	dir := filepath.Join(ramDir(t), "copy")
	must(t, os.CopyFS(dir, os.DirFS(from)))
	defer os.RemoveAll(dir)
	r, err := publish.Open(dir, k.ring(), publish.Clock(c.Now))
	must(t, err)
	device := newDevice(t, r, c.Now)
	r.SetDisk(disk)
	told := d.do(t, r)
	at := fmt.Sprintf("%s, %s at call %d (%s), told %v", d.name, disk.fault.name, disk.at, disk.failed, told)
	if told != nil && disk.fault.err != nil && (!errors.Is(told, disk.fault.err) || !disk.fault.crash && hint.Of(told) == "") {
		t.Errorf("%s: want %v and a hint", at, disk.fault.err)
	}
	r, err = publish.Open(dir, k.ring(), publish.Clock(c.Now))
	must(t, err)
	st, err := r.Status(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	if _, err := device.channel("stable"); err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	if told == nil && !d.done(st) {
		t.Fatalf("%s: it is not there", at)
	}
	must(t, r.Discard(t.Context()))
	if err := r.Channel(t.Context(), "after"); err != nil {
		t.Fatalf("%s: afterwards: %v", at, err)
	}
	if _, err := device.channel("after"); err != nil {
		t.Fatalf("%s: afterwards: %v", at, err)
	}
	if err := r.Verify(t.Context(), nil); err != nil {
		t.Fatalf("%s: afterwards: %v", at, err)
	}
	if left := files(t, filepath.Join(dir, "tmp")); len(left) > 0 {
		t.Fatalf("%s: left over: %v", at, left)
	}
}

// A power cut takes what was not synced: every file is synced before it gets its
// name, and every name before the timestamp that leads to it.
func TestCrashOrder(t *testing.T) {
	first, all := deeds(t)
	for _, d := range all {
		k, c := keys{}, newClock()
		r, err := publish.Init(t.Context(), t.TempDir(), k.options(t, c))
		must(t, err)
		k.make(t, "NEW")
		_, err = r.Add(t.Context(), first)
		must(t, err)
		disk := &rigged{}
		r.SetDisk(disk)
		must(t, d.do(t, r))
		synced, unsyncedNames, last := map[string]bool{}, map[string]bool{}, ""
		seen := 0
		for _, line := range disk.log {
			op, path, _ := strings.Cut(line, " ")
			switch op {
			case "write", "create":
				synced[path] = false
			case "sync":
				synced[path] = true
			case "syncdir":
				delete(unsyncedNames, path)
			case "rename":
				last = path
				if strings.HasSuffix(path, "timestamp.json") || strings.HasSuffix(path, ".root.json") {
					seen++
					if len(unsyncedNames) > 0 {
						t.Errorf("%s: %s before the names in %v are synced", d.name, path, unsyncedNames)
					}
				}
				unsyncedNames[filepath.Dir(path)] = true
			case "was":
				if !synced[path] {
					t.Errorf("%s: %s gets its name unsynced", d.name, last)
				}
			}
		}
		if seen == 0 || len(unsyncedNames) > 0 {
			t.Errorf("%s: %d documents that lead to others; unsynced in the end: %v\n%s", d.name, seen, unsyncedNames, strings.Join(disk.log, "\n"))
		}
	}
}

// Where a key is lost, devices may be refused for an instant; the next command
// finishes what was cut off then.
func TestCrashRotateLostKey(t *testing.T) {
	for _, role := range []publish.Role{publish.Targets, publish.Timestamp} {
		k, c := keys{}, newClock()
		template, err := publish.Init(t.Context(), filepath.Join(ramDir(t), "template"), k.options(t, c))
		must(t, err)
		old := status(t, template, role).Keys[0].ID
		delete(k, strings.ToUpper(string(role)))
		o := publish.Rotation{Add: []publish.KeySpec{k.make(t, "NEW")}, Remove: []string{old}}
		refused := 0
		for at, total := 0, 1; at <= total; at++ {
			dir := filepath.Join(ramDir(t), "copy")
			must(t, os.CopyFS(dir, os.DirFS(template.Dir())))
			r, err := publish.Open(dir, k.ring(), publish.Clock(c.Now))
			must(t, err)
			d := newDevice(t, r, c.Now)
			disk := &rigged{at: at, fault: fault{err: errDead, crash: true, effect: true}}
			r.SetDisk(disk)
			told := r.Rotate(t.Context(), role, o)
			if at == 0 {
				must(t, told)
				total = disk.calls
			}
			if _, err := d.channel("stable"); err != nil {
				refused++
			}
			if r, err = publish.Open(dir, k.ring(), publish.Clock(c.Now)); err != nil {
				t.Fatal(err)
			}
			err = r.Rotate(t.Context(), role, o)
			if errors.Is(err, publish.ErrWaiting) { // what was staged is signed
				err = r.Sign(t.Context(), "")
			}
			if err != nil && status(t, r, publish.Root).Version != 2 { // else it was finished, and cannot be done twice
				t.Fatalf("%s, call %d (%s): %v", role, at, disk.failed, err)
			}
			must(t, r.Refresh(t.Context()))
			d.sees("stable")
			newDevice(t, r, c.Now).sees("stable")
		}
		if refused == 0 || refused > 6 {
			t.Errorf("%s: refused after %d of the calls, want those between the root and the timestamp", role, refused)
		}
	}
}

// A repository whose making was cut off at any call is made by the next try.
func TestCrashInit(t *testing.T) {
	k, c := keys{}, newClock()
	o := k.options(t, c)
	total := 1
	for at := 0; at <= total; at++ {
		dir := filepath.Join(ramDir(t), "repository")
		disk := &rigged{at: at, fault: fault{err: errDead, crash: true, effect: true}}
		o.Options = []publish.Option{publish.Clock(c.Now), func(r *publish.Repository) { r.SetDisk(disk) }}
		r, err := publish.Init(t.Context(), dir, o)
		if at == 0 {
			must(t, err)
			total = disk.calls
			continue
		}
		if err != nil {
			o.Options = o.Options[:1]
			if r, err = publish.Init(t.Context(), dir, o); err != nil && !errors.Is(err, publish.ErrThere) {
				t.Fatalf("call %d: %v", at, err)
			} else if err != nil {
				r, err = publish.Open(dir, k.ring(), publish.Clock(c.Now))
				must(t, err)
			}
		}
		newDevice(t, r, c.Now).sees("stable")
	}
	if total < 30 {
		t.Errorf("only %d calls", total)
	}
}

// childRole is what the test binary does as the process that is killed.
func childRole(dir string) error {
	r, err := publish.Open(dir, publish.KeyRing{Getenv: os.Getenv}, publish.Clock(newClock().Now))
	if err != nil {
		return err
	}
	fmt.Println("begun")
	for i := 0; ; i++ {
		base := &publish.BaseFile{Path: os.Getenv(fmt.Sprint("EDGE_TEST_BASE", i%4)), Name: "base", Preprocessing: small(), Features: 4}
		rel, err := r.Add(context.Background(), publish.AddOptions{Base: base, Percent: 100})
		if err != nil {
			return err
		}
		fmt.Println(rel.Number)
	}
}

func TestCrashKilled(t *testing.T) {
	const kills = 25
	k, c := keys{}, newClock()
	r, err := publish.Init(t.Context(), filepath.Join(ramDir(t), "repository"), k.options(t, c))
	must(t, err)
	env := append(os.Environ(), "EDGE_TEST_CHILD="+r.Dir())
	for name, value := range k {
		env = append(env, name+"="+value)
	}
	for i := range 4 {
		env = append(env, fmt.Sprintf("EDGE_TEST_BASE%d=%s", i, baseFile(t, i)))
	}
	d := newDevice(t, r, c.Now)
	random := rand.New(rand.NewPCG(6, 25))
	told := 0
	for range kills {
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stderr = env, os.Stderr
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		var word string
		fmt.Fscan(out, &word)
		time.Sleep(time.Duration(random.IntN(60_000)) * time.Microsecond)
		must(t, cmd.Process.Kill())
		for n := 0; ; told = max(told, n) {
			if _, err := fmt.Fscan(out, &n); err != nil {
				break
			}
		}
		cmd.Wait() //nolint:errcheck // it was killed
		got, err := d.channel("stable")
		if err != nil {
			t.Fatalf("after release %d: %v", told, err)
		}
		if numbers := got.Releases; told > 0 && (len(numbers) == 0 || numbers[len(numbers)-1].Number < told) {
			t.Fatalf("release %d was published and is not there", told)
		}
	}
	must(t, r.Channel(t.Context(), "after"))
	must(t, r.Verify(t.Context(), nil))
	if left := files(t, filepath.Join(r.Dir(), "tmp")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	t.Logf("%d releases in %d lives", told, kills)
	if told < 2 {
		t.Error("the processes got nowhere")
	}
}
