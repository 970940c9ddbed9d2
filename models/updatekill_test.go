package models_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/publish"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
)

// beUpdated is the device that is killed: it starts, takes what its channel has, and
// ends. It says each stage that it comes to, and at last what it did.
func beUpdated() {
	dir := os.Getenv("EDGE_TEST_VICTIM")
	if dir == "" {
		return
	}
	if err := live(context.Background(), dir, os.Getenv("EDGE_TEST_VICTIM_URL"), os.Getenv("EDGE_TEST_VICTIM_WHOLE") != ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// live is one life of the device in the folder dir. With whole it can make nothing of
// deltas.
func live(ctx context.Context, dir, url string, whole bool) error {
	e, err := engine.New(engine.Options{Tried: filepath.Join(dir, "tried")})
	if err != nil {
		return err
	}
	u, err := updaterIn(dir, e, update.HTTPConfig{URL: url, UserAgent: os.Getenv("EDGE_TEST_VICTIM_LIFE")}, whole)
	if err != nil {
		return err
	}
	defer u.Client.Close()
	if err := starts(ctx, u.Store, e); err != nil {
		return err
	}
	fmt.Println("begun")
	last := ""
	u.Progress = func(stage string, done, total int64) {
		if stage == "train" && done == total {
			stage = "keep" // what comes after the last epoch: compare, calibrate, commit, activate
		}
		if stage != last {
			last = stage
			fmt.Println(stage)
		}
	}
	ch, err := u.Client.Check(ctx)
	if err != nil {
		return err
	}
	done, err := u.Apply(ctx, ch, device.UpdateTask{Name: task, Samples: filepath.Join(dir, "samples"), Force: true})
	if err != nil {
		return err
	}
	fmt.Println("done", done.Action)
	if err := u.Client.Clean(); err != nil {
		return err
	}
	return starts(ctx, u.Store, e)
}

// starts opens what is in use as the daemon does, and asks it about a picture.
func starts(ctx context.Context, s *models.Store, e *engine.Engine) (err error) {
	rt, err := runtime.New(runtime.Options{Store: s, Engine: e, Workers: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rt.Close()) }()
	if err := rt.SetTasks(ctx, []runtime.TaskConfig{{Name: task}}); err != nil {
		return err
	}
	return rt.Ready()
}

// updaterIn is what follows a channel for the device in the folder dir. With whole it
// makes nothing of deltas.
func updaterIn(dir string, e *engine.Engine, from update.HTTPConfig, whole bool) (*device.Updater, error) {
	root, err := os.ReadFile(filepath.Join(dir, "root.json"))
	if err != nil {
		return nil, err
	}
	source, err := update.HTTP(from)
	if err != nil {
		return nil, err
	}
	notes, err := os.OpenFile(filepath.Join(dir, fetchedName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	c := update.Config{Dir: filepath.Join(dir, "state"), Root: root, Channel: "stable", Source: counted{source, notes}, Reserve: -1}
	if whole {
		c.DeltaLimit = 1
	}
	client, err := update.New(c)
	if err != nil {
		return nil, err
	}
	store, err := models.Open(filepath.Join(dir, "store"))
	if err != nil {
		return nil, err
	}
	identity, err := update.OpenIdentity(context.Background(), c.Dir)
	if err != nil {
		return nil, err
	}
	return &device.Updater{
		Store: store, Client: client, Dir: c.Dir, Engine: e, Cache: device.Cache{File: filepath.Join(dir, "features")},
		Device: release.Device{ID: identity.ID(), Edge: "v1.0.0"}, Reports: filepath.Join(dir, "reports"), Version: "v1.0.0",
	}, nil
}

// victim is the device that is killed, and the publisher that it follows.
type victim struct {
	t       *testing.T
	dir     string
	repo    *publish.Repository
	drip    *drip
	url     string
	studio  *studio
	bundles []string // that are published in turn

	release release.Release // the newest
	active  int             // generation before it
	kills   int             // since it came out

	stages map[string]int // kills by the stage that they fell into
	lives  int
}

const victimSamples = 6 // of each of two classes

// newVictim is a device that knows two classes, and a publisher of four bundles, which
// pauses so long after every 16 KiB.
func newVictim(t *testing.T, pause time.Duration) *victim {
	t.Helper()
	v := &victim{t: t, dir: memoryFolder(t), studio: newStudio(t), stages: map[string]int{}}
	classes := []string{"lamp_green", "valve_open"}
	samples := scenes(t, 0, victimSamples, classes...)
	must(t, os.Symlink(samples, filepath.Join(v.dir, "samples")))
	var root []byte
	v.repo, root = newRepository(t)
	must(t, os.WriteFile(filepath.Join(v.dir, "root.json"), root, 0o600))
	v.drip = &drip{next: &publish.Server{Dir: v.repo.Public()}, pause: pause}
	server := httptest.NewServer(v.drip)
	t.Cleanup(server.Close)
	v.url = server.URL

	for i := range 4 {
		v.bundles = append(v.bundles, v.studio.bundle(v.studio.moved(i+1), scenes(t, 14, 20, append(classes, "plug_in")...)))
	}
	v.teach(samples)
	_, err := update.OpenIdentity(t.Context(), filepath.Join(v.dir, "state"))
	must(t, err)
	return v
}

// moved is a base that is about as good as the parent, with another last layer.
func (s *studio) moved(by int) base.Source {
	kernel := s.constant(s.last.Inputs[1])
	for i, v := range kernel {
		kernel[i] = v * (1 + 0.004*float32(by)*float32(i%7-3))
	}
	return s.with(map[int][]float32{s.last.Inputs[1]: kernel})
}

// teach makes the device's first generation.
func (v *victim) teach(samples string) {
	t := v.t
	store, err := models.Open(filepath.Join(v.dir, "store"))
	must(t, err)
	recipe := adapt.DefaultRecipe()
	recipe.Epochs = 8
	_, err = device.Adapt(t.Context(), device.Config{
		Store: store, Task: task, Dir: samples, Base: v.studio.open(v.studio.parent), Recipe: recipe, Version: "v1.0.0",
	})
	must(t, err)
}

// publish brings the next release out.
func (v *victim) publish() {
	t := v.t
	t.Helper()
	r, err := v.repo.Add(t.Context(), publish.AddOptions{
		Bundle: v.bundles[v.release.Number%len(v.bundles)], Channel: "stable", Percent: 100,
		Known: []string{v.studio.parent.Path}, Score: v.studio.score,
	})
	must(t, err)
	if r.Number > 6 { // the channel's document holds 64
		must(t, v.repo.Revoke(t.Context(), "stable", r.Number-6, "long gone"))
	}
	v.release, v.kills = r, 0
	must(t, os.WriteFile(filepath.Join(v.dir, fetchedName), nil, 0o600))
	a, err := v.store().Active(task)
	must(t, err)
	v.active = a.Current
}

func (v *victim) store() *models.Store {
	v.t.Helper()
	s, err := models.Open(filepath.Join(v.dir, "store"))
	must(v.t, err)
	return s
}

// life starts the device and kills it, some time after it has come to a stage, or at
// its end; with the stage "" it is let live. It reports whether the device had done
// all by then.
func (v *victim) life(stage string, after time.Duration) (done bool) {
	t := v.t
	t.Helper()
	v.lives++
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "EDGE_TEST_VICTIM="+v.dir, "EDGE_TEST_VICTIM_URL="+v.url, "EDGE_TEST_VICTIM_LIFE="+v.drip.expect(v.lives))
	if v.release.Number%2 == 0 {
		cmd.Env = append(cmd.Env, "EDGE_TEST_VICTIM_WHOLE=1")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Minute // a trial of its own may outlive it for a moment
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var kill *time.Timer
	last := "start"
	for lines := bufio.NewScanner(out); lines.Scan(); {
		last = lines.Text()
		done = done || strings.HasPrefix(last, "done")
		if kill == nil && stage != "" && (last == stage || stage == "start" || done) {
			kill = time.AfterFunc(after, func() { cmd.Process.Kill() })
		}
	}
	err = cmd.Wait()
	if kill != nil {
		kill.Stop()
	}
	if stderr.Len() > 0 {
		t.Fatalf("in stage %q the device says: %s", last, stderr.String())
	}
	if err != nil {
		v.kills++
		v.stages[last]++
	}
	return done
}

// check looks at what a kill has left, and what the life before went on from: had is
// how many bytes of each file were here by then.
func (v *victim) check(had map[string]int64) {
	t := v.t
	t.Helper()
	s := v.store()
	g, err := s.Current(task)
	if err != nil {
		t.Fatalf("what is in use: %v", err)
	}
	must(t, g.Verify(t.Context()))
	a, err := s.Active(task)
	must(t, err)
	r, _, err := release.Of(g)
	must(t, err)
	if old := a.Current == v.active; !old && (r.Number != v.release.Number || a.Previous != v.active) {
		t.Fatalf("%+v is in use, of release %d; before it was generation %d, and release %d came out", a, r.Number, v.active, v.release.Number)
	}
	all, err := s.Generations(task)
	must(t, err)
	for _, g := range all {
		must(t, g.Verify(t.Context()))
	}
	found, err := s.Fsck(t.Context(), models.FsckOptions{})
	if err != nil || found.Damage() > 0 {
		t.Fatalf("%v: %+v", err, found.Findings)
	}
	if _, err := update.ReadState(filepath.Join(v.dir, "state")); err != nil {
		t.Fatal(err)
	}
	for name, from := range v.drip.saw() {
		if want := had[hexOf(name)]; from != want {
			t.Fatalf("%d bytes of %s were here, and it went on from %d", want, name, from)
		}
	}
	for name, n := range v.fetched() {
		if most := v.size(name) + int64(v.kills)*block; n > most {
			t.Fatalf("it fetched %d bytes of %s, of %d, in %d lives", n, name, v.size(name), v.kills+1)
		}
	}
}

// fetched is how many bytes the device has fetched of each target since the release
// came out.
func (v *victim) fetched() map[string]int64 {
	v.t.Helper()
	data, err := os.ReadFile(filepath.Join(v.dir, fetchedName))
	must(v.t, err)
	sum := map[string]int64{}
	for line := range strings.Lines(string(data)) {
		var name string
		var n int64
		if _, err := fmt.Sscanln(line, &name, &n); err == nil { // the last may be torn
			sum[name] += n
		}
	}
	return sum
}

// size is how long a target of the newest release is.
func (v *victim) size(name string) int64 {
	for _, f := range v.release.Targets() {
		if f.Digest.Hex() == hexOf(name) {
			return f.Bytes
		}
	}
	v.t.Fatalf("the device fetches %s, which is not of release %d", name, v.release.Number)
	return 0
}

// hexOf is the digest in the name of a target's file.
func hexOf(name string) string {
	hex, _, _ := strings.Cut(filepath.Base(name), ".")
	return hex
}

// here is how many bytes of each file were fetched, by digest. It looks into those
// that are whole.
func (v *victim) here() map[string]int64 {
	had := map[string]int64{}
	for _, path := range v.glob("state", "parts", "*.part") {
		info, err := os.Stat(path)
		must(v.t, err)
		had[hexOf(path)] = info.Size()
	}
	for _, path := range v.glob("state", "files", "*") {
		d, n, err := digest.OfFile(path)
		if err != nil || d.Hex() != hexOf(path) {
			v.t.Fatalf("%s holds %s, %v", path, d, err)
		}
		had[hexOf(path)] = n
	}
	return had
}

func (v *victim) glob(names ...string) []string {
	all, err := filepath.Glob(filepath.Join(append([]string{v.dir}, names...)...))
	must(v.t, err)
	return all
}

// tidy does what a person does now and then: it keeps the store small.
func (v *victim) tidy() {
	v.t.Helper()
	_, err := v.store().GC(v.t.Context(), models.GCOptions{Newest: 1})
	must(v.t, err)
	must(v.t, os.RemoveAll(filepath.Join(v.dir, "features")))
}

// The stages that every other kill is aimed at.
var aims = []string{"start", "base", "head", "features", "train", "keep", "done applied"}

// TestCrashUpdateKilled kills a device at random instants of an update: check,
// download, verify, store, rebase, commit, activate. It always starts again with a
// whole generation, the old or the new one, and no download begins anew.
//
// EDGE_KILLS=500 are those of make kills.
func TestCrashUpdateKilled(t *testing.T) {
	t.Parallel()
	kills, err := strconv.Atoi(os.Getenv("EDGE_KILLS"))
	if err != nil {
		kills = 25
	}
	v := newVictim(t, 1500*time.Microsecond) // about 10 MB/s
	v.publish()
	rng := rand.New(rand.NewPCG(6, 500))
	for killed, releases := 0, 1; killed < kills; {
		stage, after := "start", time.Duration(rng.IntN(600_000))*time.Microsecond
		if v.lives%2 == 0 {
			stage, after = aims[v.lives/2%len(aims)], time.Duration(rng.IntN(20_000))*time.Microsecond
		}
		had, before := v.here(), v.kills
		done := v.life(stage, after)
		v.check(had)
		killed += v.kills - before
		if done {
			a, err := v.store().Active(task)
			must(t, err)
			if a.Current == v.active {
				t.Fatalf("it says that it has taken release %d, and generation %d is in use", v.release.Number, a.Current)
			}
			v.tidy()
			v.publish()
			releases++
		}
		if killed >= kills {
			t.Logf("%d kills in %d lives and %d releases, by what the device did: %v", killed, v.lives, releases, v.stages)
		}
	}
	// At last it is let live.
	had := v.here()
	v.life("", 0)
	v.check(had)
	if r, _, err := release.Of(current(t, v.store())); err != nil || r.Number != v.release.Number {
		t.Errorf("release %d is in use, %v; want %d", r.Number, err, v.release.Number)
	}
	if left := append(v.glob("state", "parts", "*"), v.glob("state", "files", "*")...); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	if hit := slices.Sorted(maps.Keys(v.stages)); kills >= 25 && len(hit) < 4 {
		t.Errorf("all kills came in %q", hit)
	}
}

func current(t *testing.T, s *models.Store) models.Generation {
	t.Helper()
	g, err := s.Current(task)
	must(t, err)
	return g
}

// memoryFolder returns an empty folder that goes with the test, in memory where there
// is such a thing: a kill is about the order of calls, not about a disk.
func memoryFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "edge-update-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
