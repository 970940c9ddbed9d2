package models_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

// story is what TestStory tells with.
type story struct {
	studio *studio
	// server's pictures, which the releases are made from, and the two bundles: one
	// whose base suits the first device and not the second, and one that is good by
	// day alone.
	tuned, bad string
	// classes of the server that the first device has no samples of.
	foreign []string
	// demand is the second device's margin when the first release comes. Zero: margin.
	demand float64
	// samples of the devices, and what their cameras see by day.
	samples, live [2]string
	night         [2]light // what is left of that by night
}

// TestStory is the life of a fleet: a server's base is published, two devices with
// classes of their own pull a delta and fit their heads anew; one is better and takes
// it, one would be worse and refuses. A bad release comes, which is good on every
// sample and fails by night: both take it and go back by themselves, tell the fleet,
// and the roll-out halts before a third device has it.
//
// Everything is real but the trainer: TestStoryFineTuned has that, too.
func TestStory(t *testing.T) {
	t.Parallel()
	s := newStudio(t)
	shapes, foreign := []string{"level_full", "level_low", "valve_closed", "valve_open"}, []string{"plug_in", "plug_out"}
	colours := []string{"lamp_green", "lamp_off", "lamp_red", "lamp_yellow"}
	server := scenes(t, 14, 28, slices.Concat(shapes, foreign)...)
	night := light{3, 3, 3}
	tell(t, story{
		studio: s, foreign: foreign, night: [2]light{night, night},
		tuned:   s.bundle(s.shaped(server), server),
		bad:     s.bundle(s.dazzled(scenes(t, 14, 28, slices.Concat(shapes, foreign, colours)...), night), server),
		samples: [2]string{scenes(t, 0, 14, shapes...), scenes(t, 0, 14, colours...)},
		live:    [2]string{scenes(t, 14, 28, shapes...), scenes(t, 14, 28, colours...)},
	})
}

func tell(t *testing.T, s story) {
	p := newPublisher(t)
	one, two := newUnit(t, "one", p, s.studio, s.samples[0]), newUnit(t, "two", p, s.studio, s.samples[1])
	day := [2][]picture{pictures(t, s.live[0]), pictures(t, s.live[1])}
	night := [2][]picture{pictures(t, s.live[0]), pictures(t, s.live[1])}
	for i, pictures := range night {
		for _, picture := range pictures {
			s.night[i].fall(picture.RGB)
		}
	}
	for i, u := range []*unit{one, two} {
		u.passes(day[i], 1)
	}
	if u := one.update(); u.Action != device.ActionNone {
		t.Fatalf("nothing is published, and it does %+v", u)
	}

	// A good release.
	first := p.add(s.studio, s.tuned)
	t.Run("one improves", func(t *testing.T) { one.improves(t, p, first, s.foreign) })
	two.Margin = cmp.Or(s.demand, margin)
	t.Run("two refuses", func(t *testing.T) { two.refuses(t, p, first) })
	two.Margin = margin
	one.passes(day[0], 2)
	one.report()
	two.report()
	if f := p.state(); len(f.Releases) != 1 || f.Releases[0].Activated != 1 || f.Releases[0].Active != 1 || f.Releases[0].Refused != 1 || f.Releases[0].Halt != nil {
		t.Fatalf("the fleet: %+v", f.Releases)
	}

	// A bad one. Before it the devices knew what they see by night, too.
	for i, u := range []*unit{one, two} {
		if said := u.watch(night[i], 120, func() bool { return false }); len(said) < 3 {
			t.Fatalf("%s by night: %v", u.name, said)
		}
	}
	second := p.add(s.studio, s.bad)
	t.Run("one goes back", func(t *testing.T) { one.goesBack(t, night[0], second, 3, 2) })
	t.Run("two goes back", func(t *testing.T) { two.goesBack(t, night[1], second, 2, 1) })
	t.Run("the roll-out halts", func(t *testing.T) { p.halts(t, second, one, two) })
	t.Run("three is spared", func(t *testing.T) { spared(t, p, s, first, second) })
}

// improves takes the release as a delta, learns classes that it has no samples of,
// and is better than before.
func (u *unit) improves(t *testing.T, p *publisher, r release.Release, foreign []string) {
	p.tally.of(u.name)
	before := u.active()
	done := u.update()
	fetched := p.tally.of(u.name)
	t.Logf("fetched: %v; the base has %d bytes", fetched, r.Base.Bytes)
	if d := fetched["targets/deltas"]; d == 0 || d >= r.Base.Bytes || fetched["targets/bases"] > 0 {
		t.Errorf("of a base of %d bytes it fetched %v", r.Base.Bytes, fetched)
	}
	m := done.Measured
	if done.Action != device.ActionApplied || done.Release != r.Number || done.Generation != 2 || m == nil || m.Kind != rebase.Better || m.After <= m.Before {
		t.Fatalf("%+v, %+v", done, m)
	}
	g := u.active()
	if g.Generation != 2 || g.Base.Digest != r.Base.Digest || g.Parent != before.Generation {
		t.Errorf("in use: %+v", g.Manifest)
	}
	for _, class := range slices.Concat(before.Labels, foreign) {
		if !slices.Contains(g.Labels, class) {
			t.Errorf("it does not know %s, but %q", class, g.Labels)
		}
	}
	if !slices.Equal(m.Added, foreign) {
		t.Errorf("it learnt %q, not %q", m.Added, foreign)
	}
}

// refuses would be worse: everything stays, and a page shows the images that flipped.
func (u *unit) refuses(t *testing.T, p *publisher, r release.Release) {
	before, files := u.active(), generationFiles(t, u.Store)
	done := u.update()
	m := done.Measured
	if done.Action != device.ActionRefused || done.Release != r.Number || m == nil || m.Kind != rebase.Worse || m.After >= m.Before || len(m.Flipped) == 0 {
		t.Fatalf("%+v, %+v", done, m)
	}
	page, err := os.ReadFile(done.Report)
	must(t, err)
	lost := 0
	for _, f := range m.Flipped {
		if f.Lost() {
			lost++
		}
		if !bytes.Contains(page, []byte(filepath.Base(f.Path))) {
			t.Errorf("the page does not show %s", f.Path)
		}
	}
	if n := bytes.Count(page, []byte("data:image/jpeg;base64,")); lost == 0 || n < len(m.Flipped) || !bytes.Contains(page, []byte("is refused")) {
		t.Errorf("the page has %d pictures of %d that flipped, %d of them right before", n, len(m.Flipped), lost)
	}
	if now := u.active(); now.Generation != before.Generation || now.Base.Digest != before.Base.Digest {
		t.Errorf("in use: %+v", now.Manifest)
	}
	if now := generationFiles(t, u.Store); !slices.Equal(now, files) {
		t.Errorf("the store's generations were\n%v\nand are\n%v", files, now)
	}
	// It is not tried again by itself.
	p.tally.of(u.name)
	if again := u.update(); again.Action != device.ActionNone || p.tally.of(u.name)["targets/heads"] > 0 {
		t.Errorf("again: %+v", again)
	}
}

// goesBack takes a release that proves itself on the samples, fails by night and is
// left again without anybody's help.
func (u *unit) goesBack(t *testing.T, night []picture, r release.Release, generation, to int) {
	done := u.update()
	if done.Action != device.ActionApplied || done.Release != r.Number || done.Generation != generation {
		t.Fatalf("%+v, %+v", done, done.Measured)
	}
	u.isServed(generation)
	left := func() bool {
		a, err := u.Store.Active(task)
		must(t, err)
		return a.Current != generation
	}
	said := u.watch(night, watching.Frames, left)
	eventually(t, left, "%s leaves generation %d, which says %v", u.name, generation, said)
	u.isServed(to)
	marks, err := u.Store.RolledBack(task)
	must(t, err)
	last := marks[len(marks)-1]
	t.Logf("%s: %s", u.name, last.Why)
	if u.active().Generation != to || last.Generation != generation || last.By != models.ByProbation || !strings.Contains(last.Why, "it says") {
		t.Errorf("generation %d is in use; %+v", u.active().Generation, last)
	}
	if said := u.watch(night, 60, func() bool { return false }); len(said) < 3 {
		t.Errorf("back on generation %d by night: %v", to, said)
	}
	if again := u.update(); again.Action != device.ActionNone {
		t.Errorf("it takes the release up again: %+v", again)
	}
}

// halts reports from both, and waits for the receiver to halt the roll-out.
func (p *publisher) halts(t *testing.T, r release.Release, units ...*unit) {
	for _, u := range units {
		u.report()
	}
	halted := func() (why string) {
		for _, of := range p.state().Releases {
			if of.Release == r.Number && of.Halt != nil {
				why = of.Halt.Reason
			}
		}
		return why
	}
	eventually(t, func() bool { return halted() != "" }, "the receiver halts release %d", r.Number)
	now, ok := units[0].check().Find(r.Number)
	if !ok || now.Rollout.Halted != halted() || !strings.Contains(now.Rollout.Halted, "2 of 2 devices went back") {
		t.Errorf("release %d in the channel: %+v", r.Number, now.Rollout)
	}
	if f := p.state(); f.Devices.Total != 2 || len(f.Rollbacks) != 2 || f.Rollbacks[0].Release != r.Number || !strings.Contains(f.Rollbacks[0].Reason, "it says") {
		t.Errorf("the fleet: %+v", f.Overview)
	}
	for _, of := range p.state().Releases {
		if of.Release != r.Number && of.Halt != nil {
			t.Errorf("release %d is halted, too: %+v", of.Release, of.Halt)
		}
	}
}

// spared is a third device, which comes late: it gets the good release, not the bad
// one, and knows why.
func spared(t *testing.T, p *publisher, s story, first, second release.Release) {
	three := newUnit(t, "three", p, s.studio, s.samples[0])
	if done := three.update(); done.Action != device.ActionApplied || done.Release != first.Number {
		t.Fatalf("%+v", done)
	}
	for _, look := range []func() device.Update{three.update, func() device.Update {
		u, err := three.Look(three.check(), device.UpdateTask{Name: task})
		must(t, err)
		return u
	}} {
		u := look()
		if u.Action != device.ActionNone || !strings.Contains(u.Reason, "its roll-out is halted: 2 of 2 devices went back") {
			t.Errorf("%+v", u)
		}
	}
	r, ok, err := release.Of(three.active())
	if err != nil || !ok || r.Number != first.Number {
		t.Errorf("in use: release %d, %v; not %d", r.Number, err, second.Number)
	}
}

// generationFiles are the files of the store's generations and what says which is in
// use, with their sizes and times.
func generationFiles(t *testing.T, s *models.Store) (all []string) {
	t.Helper()
	root := filepath.Join(s.Dir(), "tasks")
	must(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 { // locks are empty
			all = append(all, path+" "+info.ModTime().String())
		}
		return err
	}))
	return all
}
