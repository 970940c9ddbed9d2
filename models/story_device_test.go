package models_test

import (
	"context"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/runtime/probation"
)

const task = "panel"

// watching is how the story's devices watch a new generation: as usual, but for the
// speed, which says nothing on a machine that tests share.
var watching = probation.Options{Frames: 240, CollapseFrames: 64, LatencyFactor: -1}

// margin is what the story's devices may lose: two images of the 24 that they hold
// back. One image shall not decide what is told.
const margin = 0.09

// unit is a device: a store with a head of its own, a daemon that serves it, and what
// follows the publisher.
type unit struct {
	*device.Updater
	t       *testing.T
	name    string
	samples string
	serves  *runtime.Task
	reports *fleet.Client
	sent    fleet.Report // the last
}

// newUnit is a device that was taught the classes in the folder samples on the
// publisher's parent base.
func newUnit(t *testing.T, name string, p *publisher, s *studio, samples string) *unit {
	t.Helper()
	u := &unit{t: t, name: name, samples: samples}
	dir := filepath.Join(t.TempDir(), "state")
	store, err := models.Open(filepath.Join(t.TempDir(), "store"))
	must(t, err)
	e := newEngine(t)
	_, err = device.Adapt(t.Context(), device.Config{
		Store: store, Task: task, Dir: samples, Base: s.open(s.parent), Recipe: adapt.DefaultRecipe(),
		Split: adapt.SplitOptions{ValFraction: 0.3}, Version: "v1.0.0",
	})
	must(t, err)
	identity, err := update.OpenIdentity(t.Context(), dir)
	must(t, err)
	source, err := update.HTTP(update.HTTPConfig{URL: p.origin.URL, UserAgent: name})
	must(t, err)
	client, err := update.New(update.Config{Dir: dir, Root: p.root, Channel: "stable", Source: source})
	must(t, err)
	t.Cleanup(func() { client.Close() })
	u.Updater = &device.Updater{
		Store: store, Client: client, Dir: dir, Engine: e, Reports: filepath.Join(dir, "reports"), Version: "v1.0.0", Margin: margin,
		Device: release.Device{ID: identity.ID(), Edge: "v1.0.0", Architecture: goruntime.GOARCH},
		Warn:   func(err error) { t.Errorf("%s: %v", name, err) },
	}
	u.reports, err = fleet.NewClient(fleet.ClientOptions{
		URL: p.fleet, Identity: identity, Token: func() (string, error) { return p.enrolment, nil },
	})
	must(t, err)
	t.Cleanup(u.reports.Close)
	u.serve(e)
	return u
}

// serve runs the daemon's runtime until the test ends.
func (u *unit) serve(e *engine.Engine) {
	t := u.t
	rt, err := runtime.New(runtime.Options{Store: u.Store, Engine: e, Workers: 1, Poll: 20 * time.Millisecond})
	must(t, err)
	must(t, rt.SetTasks(t.Context(), []runtime.TaskConfig{{Name: task, Probation: watching}}))
	wait, err := rt.Start(context.WithoutCancel(t.Context()))
	must(t, err)
	t.Cleanup(func() {
		must(t, rt.Close())
		wait() //nolint:errcheck // that it was closed
	})
	u.serves, err = rt.Task(task)
	must(t, err)
}

// check asks the publisher for the channel.
func (u *unit) check() release.Channel {
	u.t.Helper()
	ch, err := u.Client.Check(u.t.Context())
	must(u.t, err)
	return ch
}

// update takes what the channel has.
func (u *unit) update() device.Update {
	u.t.Helper()
	done, err := u.Apply(u.t.Context(), u.check(), device.UpdateTask{Name: task, Samples: u.samples})
	must(u.t, err)
	u.t.Logf("%s: %s release %d, generation %d: %s", u.name, done.Action, done.Release, done.Generation, done.Reason)
	return done
}

// active is the generation in use, whole.
func (u *unit) active() models.Generation {
	u.t.Helper()
	g, err := u.Store.Current(task)
	must(u.t, err)
	must(u.t, g.Verify(u.t.Context()))
	return g
}

// isServed waits until a generation serves.
func (u *unit) isServed(generation int) {
	u.t.Helper()
	eventually(u.t, func() bool {
		m, err := u.serves.Model()
		return err == nil && m.Generation == generation
	}, "%s: generation %d serves", u.name, generation)
}

// watch shows the daemon pictures, a few of each class and then of the next, until
// it is convinced or there were so many. It returns the names that it gave them.
func (u *unit) watch(live []picture, most int, convinced func() bool) map[string]int {
	u.t.Helper()
	const stay = 5 // frames of one class
	byClass := map[string][]picture{}
	var classes []string
	for _, p := range live {
		if byClass[p.class] == nil {
			classes = append(classes, p.class)
		}
		byClass[p.class] = append(byClass[p.class], p)
	}
	said := map[string]int{}
	for n := range most {
		of := byClass[classes[n/stay%len(classes)]]
		a, err := u.serves.Classify(u.t.Context(), of[(n/(stay*len(classes))*stay+n%stay)%len(of)].RGB)
		must(u.t, err)
		if a.Unknown {
			a.Label = "unknown"
		}
		said[a.Label]++
		if n%stay == stay-1 && convinced() {
			break
		}
	}
	return said
}

// passes has the generation that serves pass its probation by day.
func (u *unit) passes(live []picture, generation int) {
	u.t.Helper()
	u.isServed(generation)
	good := func() bool {
		marks, err := u.Store.Good(task)
		must(u.t, err)
		return slices.ContainsFunc(marks, func(m models.Mark) bool { return m.Generation == generation })
	}
	u.watch(live, watching.Frames, good)
	eventually(u.t, good, "%s: generation %d is good", u.name, generation)
}

// report sends the publisher's fleet what the daemon would.
func (u *unit) report() {
	t := u.t
	t.Helper()
	g := u.active()
	a, err := u.Store.Active(task)
	must(t, err)
	one := fleet.Task{
		Task: task, Generation: g.Generation, Base: g.Base.Digest, Classes: len(g.Labels), Labels: g.Labels, Activated: a.When,
		Counts: fleet.Counts{Images: u.serves.Status().Counts.Images},
	}
	if r, ok, err := release.Of(g); err == nil && ok {
		one.Release = r.Number
	}
	state, err := update.ReadState(u.Dir)
	must(t, err)
	for n, why := range state.Tasks[task].Refused {
		one.Refused = append(one.Refused, fleet.Refusal{Release: n, Reason: why})
	}
	marks, err := u.Store.RolledBack(task)
	must(t, err)
	for _, m := range marks {
		left, err := u.Store.Generation(task, m.Generation)
		must(t, err)
		r, _, err := release.Of(left)
		must(t, err)
		one.Rollbacks = append(one.Rollbacks, fleet.Rollback{
			When: m.When, Generation: m.Generation, Release: r.Number, To: g.Generation, By: fleet.By(m.By), Reason: m.Why,
		})
	}
	u.sent = fleet.Report{
		Sent: time.Now(), Edge: "v1.0.0", Architecture: goruntime.GOARCH, Channel: "stable",
		Health: fleet.Health{Ready: true}, Tasks: []fleet.Task{one},
	}
	must(t, u.reports.Send(t.Context(), u.sent))
}

// eventually waits for something that will be, or the test fails.
func eventually(t *testing.T, is func() bool, format string, args ...any) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not so: "+format, args...)
		}
	}
}
