package rebase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
)

func verdict(t *testing.T, o *Outcome, activate bool, kinds ...Kind) {
	t.Helper()
	if o.Verdict.Activate != activate || !slices.Contains(kinds, o.Verdict.Kind) || o.Verdict.Reason == "" {
		t.Errorf("verdict %+v, want %v %v", o.Verdict, activate, kinds)
	}
}

func TestBetterBase(t *testing.T) {
	dir := photos(t, 20, "red", "green", "blue")
	was := learned(t, dir, colourBlind)
	o := run(t, onto(t, dir, was, colourBlind, sharp))
	verdict(t, o, true, Better)
	if o.Compared != 12 || o.Unknown != 0 || o.After.Accuracy <= o.Before.Accuracy || len(o.Flipped) == 0 || len(o.Lost)+len(o.Added) != 0 {
		t.Errorf("%+v", o)
	}
	for _, f := range o.Flipped {
		if f.Before.Label == f.After.Label || f.Lost() && f.Gained() || f.Path == "" || !strings.HasPrefix(f.Path, f.True) {
			t.Errorf("flip %+v", f)
		}
	}
	if o.Result.Val.Accuracy != o.After.Accuracy || !slices.Equal(o.Result.Dataset.Labels, []string{"blue", "green", "red"}) {
		t.Errorf("the result has %+v", o.Result.Val)
	}
}

func TestWorseBase(t *testing.T) {
	dir := photos(t, 20, "red", "green", "blue")
	o := run(t, onto(t, dir, learned(t, dir, sharp), sharp, colourBlind))
	verdict(t, o, false, Worse)
	lost := 0
	for _, f := range o.Flipped {
		if f.Lost() {
			lost++
		}
	}
	if want := int(float64(o.Compared)*(o.Before.Accuracy-o.After.Accuracy) + 0.5); lost < want || want < 1 {
		t.Errorf("%d flips lose an image, and %d more are wrong", lost, want)
	}
	in := onto(t, dir, learned(t, dir, sharp), sharp, colourBlind)
	in.Margin = 1
	verdict(t, run(t, in), true, Margin)
}

// TestHeldOutIsNeverTrainedOn: whatever is compared, neither head has seen.
func TestHeldOutIsNeverTrainedOn(t *testing.T) {
	dir := photos(t, 10, "red", "green")
	was := learned(t, dir, sharp)
	for _, class := range []string{"red", "green"} { // more of them come
		paint(t, dir, class, class, 30)
	}
	in := onto(t, dir, was, sharp, soft)
	trained := map[string]bool{}
	for _, s := range was.Dataset.Samples {
		trained[string(s.Digest)] = s.Split == adapt.SplitTrain
	}
	for _, s := range in.Dataset.Samples {
		if s.Split != adapt.SplitTrain && trained[string(s.Digest)] {
			t.Errorf("%s is held out, and the head in use was trained on it", s.Path)
		}
	}
	if o := run(t, in); o.Compared != 12 {
		t.Errorf("compared %d images, want 12 of 60", o.Compared)
	}
}

func TestServerClassesByExemplars(t *testing.T) {
	dir := photos(t, 20, "red", "green")
	in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
	in.Server = published(t, photos(t, 30, "blue", "green", "grey"), soft, 20)
	o := run(t, in)
	verdict(t, o, true, Equal, Better)
	if want := []string{"blue", "green", "grey", "red"}; !slices.Equal(o.Result.Dataset.Labels, want) || o.Result.Head.Classes != 4 {
		t.Errorf("classes %q", o.Result.Dataset.Labels)
	}
	if !slices.Equal(o.Added, []string{"blue", "grey"}) || len(o.Lost)+len(o.LeftOut)+len(o.Conflicts) > 0 {
		t.Errorf("%+v", o)
	}
	// The new head knows pictures that this device has never seen.
	fresh := photos(t, 40, "blue", "grey")
	d, err := adapt.List(t.Context(), fresh)
	must(t, err)
	f := extract(t, d, soft)
	must(t, d.Resettle(adapt.SplitOptions{}, nil))
	must(t, d.Relabel(o.Result.Dataset.Labels))
	if m := adapt.Evaluate(o.Result.Head, d.Set(f, func(adapt.Sample) bool { return true }), nil); m.Accuracy < 0.9 {
		t.Errorf("of the server's classes %v are right", m.Accuracy)
	}
	// 16 samples of a class are trained with: so many exemplars are taken of each
	// class, and of those that the device lacks a fifth are held back.
	if counts := count(o.Train, 4); !slices.Equal(counts, []int{13, 32, 13, 16}) {
		t.Errorf("trained with %v", counts)
	}
	if counts := count(o.Val, 4); !slices.Equal(counts, []int{3, 4, 3, 4}) {
		t.Errorf("held back %v", counts)
	}
}

// TestCostlyClasses: a class of the release that looks like one of the device's
// is left out, and the base is taken all the same. So it is known how much surer
// the device's own class is for being told as the likelier of two that look alike.
func TestCostlyClasses(t *testing.T) {
	dir := photos(t, 20, "red", "green")
	in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
	theirs := photos(t, 30, "blue")
	paint(t, theirs, "rosy", "red", 30)
	in.Server = published(t, theirs, soft, 20)
	o := run(t, in)
	verdict(t, o, true, Equal, Better)
	if o.Costly == nil || o.Costly.Activate || o.Costly.Kind != Worse {
		t.Errorf("costly: %+v", o.Costly)
	}
	if !slices.Equal(o.LeftOut, []string{"blue", "rosy"}) || len(o.Added) != 0 ||
		!slices.Equal(o.Result.Dataset.Labels, []string{"green", "red"}) || !slices.Equal(in.Dataset.Labels, []string{"green", "red"}) {
		t.Errorf("left out %q, added %q, knows %q", o.LeftOut, o.Added, o.Result.Dataset.Labels)
	}
	if o.Train.Len() != 32 || o.Val.Len() != 8 {
		t.Errorf("trained with %d and %d images, want the device's own", o.Train.Len(), o.Val.Len())
	}

	// Whose classes are better told than before has them all.
	in = onto(t, dir, learned(t, dir, colourBlind), colourBlind, soft)
	in.Server = published(t, theirs, soft, 20)
	o = run(t, in)
	verdict(t, o, true, Better)
	if o.Costly != nil || len(o.LeftOut) != 0 || o.Result.Head.Classes != 4 || o.After.Accuracy != 1 {
		t.Errorf("%+v", o)
	}

	// If neither is good enough, it is the first that is told of.
	in = onto(t, dir, learned(t, dir, sharp), sharp, colourBlind)
	in.Server = published(t, theirs, colourBlind, 20)
	o = run(t, in)
	verdict(t, o, false, Worse)
	if o.Costly != nil || !slices.Equal(o.Added, []string{"blue", "rosy"}) {
		t.Errorf("%+v", o)
	}
}

func count(s adapt.Set, classes int) []int {
	n := make([]int, classes)
	for _, label := range s.Labels {
		n[label]++
	}
	return n
}

func TestServerClassesWithoutExemplars(t *testing.T) {
	dir := photos(t, 20, "red", "green")
	in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
	in.Server = published(t, photos(t, 10, "blue", "green"), soft, 0)
	o := run(t, in)
	verdict(t, o, true, Equal, Better)
	if !slices.Equal(o.LeftOut, []string{"blue"}) || !slices.Equal(o.Result.Dataset.Labels, []string{"green", "red"}) {
		t.Errorf("%+v", o)
	}
}

func TestSpellings(t *testing.T) {
	dir := photos(t, 20, "green")
	paint(t, dir, "Traffic_Red", "red", 20)
	other := photos(t, 20, "green")
	paint(t, other, "traffic-red", "red", 20)
	in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
	in.Server = published(t, other, soft, 20)
	o := run(t, in)
	verdict(t, o, true, Equal, Better)
	want := []Conflict{{Kind: Spelling, Device: "Traffic_Red", Server: "traffic-red"}}
	if !reflect.DeepEqual(o.Conflicts, want) || !slices.Equal(o.Result.Dataset.Labels, []string{"Traffic_Red", "green"}) {
		t.Errorf("%+v, classes %q", o.Conflicts, o.Result.Dataset.Labels)
	}
	if counts := count(o.Train, 2); counts[0] != 32 {
		t.Errorf("trained with %v", counts)
	}
}

// TestMeanings: what the server calls red is the device's green. The device's
// samples decide.
func TestMeanings(t *testing.T) {
	dir := photos(t, 20, "red", "green", "blue")
	other := photos(t, 20, "blue")
	paint(t, other, "red", "green", 20)
	paint(t, other, "green", "red", 20)
	in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
	in.Server = published(t, other, soft, 20)
	o := run(t, in)
	verdict(t, o, true, Equal, Better)
	want := []Conflict{{Kind: Meaning, Device: "green", Server: "red", Images: 16, Of: 16}, {Kind: Meaning, Device: "red", Server: "green", Images: 16, Of: 16}}
	if !reflect.DeepEqual(o.Conflicts, want) {
		t.Errorf("%+v", o.Conflicts)
	}
	if counts := count(o.Train, 3); !slices.Equal(counts, []int{32, 16, 16}) {
		t.Errorf("trained with %v", counts)
	}
	for _, c := range o.Conflicts {
		if s := c.String(); !strings.Contains(s, c.Device) || !strings.Contains(s, c.Server) {
			t.Error(s)
		}
	}
}

func TestOneClass(t *testing.T) {
	dir := photos(t, 20, "red")
	in := onto(t, dir, nil, nil, soft)
	verdict(t, run(t, in), false, Untrained)
	in = onto(t, dir, nil, nil, soft)
	in.Server = published(t, photos(t, 20, "blue", "green"), soft, 5)
	o := run(t, in)
	verdict(t, o, true, First)
	if len(o.Result.Dataset.Labels) != 3 {
		t.Errorf("classes %q", o.Result.Dataset.Labels)
	}
}

func TestNoSamples(t *testing.T) {
	dir := photos(t, 20, "blue", "green")
	server := published(t, dir, soft, 5)
	fails := *server
	fails.SelfTest = func() error { return errors.New("picture 3") }
	untested := *server
	untested.SelfTest = nil
	was := learned(t, dir, sharp)
	same := &InUse{Head: was.Head, Labels: was.Dataset.Labels}
	other := &InUse{Head: was.Head, Labels: []string{"blue", "wheel"}}
	shouted := &InUse{Head: was.Head, Labels: []string{"BLUE", "green"}}
	for name, c := range map[string]struct {
		server   *Published
		inUse    *InUse
		activate bool
		kind     Kind
	}{
		"a base alone":        {nil, same, false, Untrained},
		"a base, nothing yet": {nil, nil, false, Untrained},
		"its test passes":     {server, same, true, AsPublished},
		"nothing in use":      {server, nil, true, AsPublished},
		"its test fails":      {&fails, nil, false, SelfTest},
		"it has no test":      {&untested, nil, false, SelfTest},
		"a class is lost":     {server, other, false, Loses},
		"another spelling":    {server, shouted, true, AsPublished},
	} {
		for _, d := range []*adapt.Dataset{nil, {}} {
			o := run(t, Input{Server: c.server, InUse: c.inUse, Recipe: recipe(), Dataset: d})
			if verdict(t, o, c.activate, c.kind); t.Failed() {
				t.Fatal(name)
			}
			if !c.activate {
				continue
			}
			if !bytes.Equal(encoded(t, o.Result.Head), encoded(t, server.Head)) || len(o.Result.Dataset.Labels) != 2 {
				t.Errorf("%s: another head than was published", name)
			}
			if c.inUse == shouted && !slices.Equal(o.Result.Dataset.Labels, shouted.Labels) {
				t.Errorf("classes %q", o.Result.Dataset.Labels)
			}
		}
	}
}

// TestSelfTestFails: a base that computes something else here is not used,
// however good it looks on the samples.
func TestSelfTestFails(t *testing.T) {
	dir := photos(t, 10, "red", "green")
	in := onto(t, dir, learned(t, dir, colourBlind), colourBlind, sharp)
	in.Server = published(t, dir, sharp, 5)
	in.Server.SelfTest = func() error { return errors.New("picture 3") }
	verdict(t, run(t, in), false, SelfTest)
}

// TestClassVanishes: a folder is empty or broken meanwhile.
func TestClassVanishes(t *testing.T) {
	dir := photos(t, 10, "red", "green", "blue")
	was := learned(t, dir, sharp)
	must(t, os.RemoveAll(filepath.Join(dir, "blue")))
	o := run(t, onto(t, dir, was, sharp, soft))
	verdict(t, o, false, Loses)
	if !slices.Equal(o.Lost, []string{"blue"}) || !strings.Contains(o.Verdict.Reason, "blue") || o.Compared != 4 {
		t.Errorf("%+v", o)
	}
	// The release brings it back.
	in := onto(t, dir, was, sharp, soft)
	in.Server = published(t, photos(t, 20, "blue", "grey"), soft, 20)
	verdict(t, run(t, in), true, Equal, Better)

	must(t, os.Mkdir(filepath.Join(dir, "blue"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "blue", "1.png"), []byte("\x89PNG, once"), 0o600))
	o = run(t, onto(t, dir, was, sharp, soft))
	verdict(t, o, false, Loses)
	if len(o.Result.Dataset.Skipped) != 1 {
		t.Errorf("skipped %+v", o.Result.Dataset.Skipped)
	}
}

// TestImagesVanish: images that went between the two bases are not compared.
func TestImagesVanish(t *testing.T) {
	dir := photos(t, 20, "red", "green")
	was := learned(t, dir, sharp)
	in := onto(t, dir, was, sharp, soft)
	gone := 0
	for _, s := range in.Dataset.Samples {
		if s.Split != adapt.SplitTrain && gone < 3 {
			must(t, os.Remove(filepath.Join(dir, s.Path)))
			gone++
		}
	}
	left, err := adapt.List(t.Context(), dir)
	must(t, err)
	in.InUse.Features = extract(t, left, sharp)
	if o := run(t, in); o.Compared != 5 || o.Unknown != 3 {
		t.Errorf("compared %d, %d not", o.Compared, o.Unknown)
	}
	in = onto(t, dir, was, sharp, soft)
	in.InUse.Features = nil
	verdict(t, run(t, in), false, Unmeasured)
}

// TestNewClassIsNoGain: that the head in use does not know a class that came
// since then says nothing about the bases.
func TestNewClassIsNoGain(t *testing.T) {
	dir := photos(t, 20, "red", "green", "blue")
	was := learned(t, dir, sharp)
	paint(t, dir, "yellow", "yellow", 60)
	o := run(t, onto(t, dir, was, sharp, colourBlind))
	verdict(t, o, false, Worse)
	if o.Compared != 12 || o.Unknown != 12 || !slices.Equal(o.Added, []string{"yellow"}) {
		t.Errorf("%+v", o)
	}
}

func TestNotFinite(t *testing.T) {
	dir := photos(t, 10, "red", "green")
	verdict(t, run(t, onto(t, dir, learned(t, dir, sharp), sharp, broken)), false, NotFinite)
	in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
	in.Recipe.Rate = 1e38
	verdict(t, run(t, in), false, NotFinite)
}

func TestFewImages(t *testing.T) {
	dir := photos(t, 1, "red", "green")
	verdict(t, run(t, onto(t, dir, nil, nil, soft)), true, First)
	big := photos(t, 10, "red", "green")
	verdict(t, run(t, onto(t, dir, learned(t, big, sharp), sharp, soft)), false, Unmeasured)
}

func TestRunTwice(t *testing.T) {
	dir := photos(t, 10, "red", "green")
	was := learned(t, dir, sharp)
	server := published(t, photos(t, 10, "blue", "green"), soft, 5)
	var heads [][]byte
	for range 2 {
		in := onto(t, dir, was, sharp, soft)
		in.Server = server
		heads = append(heads, encoded(t, run(t, in).Result.Head))
	}
	if !bytes.Equal(heads[0], heads[1]) {
		t.Error("two heads of one input")
	}
}

func TestRunStops(t *testing.T) {
	dir := photos(t, 10, "red", "green")
	in := onto(t, dir, nil, nil, soft)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := fmt.Errorf("enough")
	in.OnEpoch = func(adapt.Epoch) { cancel(cause) }
	if _, err := Run(ctx, in); !errors.Is(err, cause) {
		t.Error(err)
	}
}

func TestRunRefusesWhatDoesNotFit(t *testing.T) {
	dir := photos(t, 10, "red", "green")
	for name, change := range map[string]func(*Input){
		"recipe":      func(in *Input) { in.Recipe.Batch = 0 },
		"features":    func(in *Input) { in.Features = nil },
		"labels":      func(in *Input) { in.InUse.Labels = nil },
		"their":       func(in *Input) { in.Server.Labels = nil },
		"their width": func(in *Input) { in.Server.Exemplars = nil; in.Server.Head.Features++ },
		"exemplars":   func(in *Input) { in.Server.Exemplars.Classes++ },
	} {
		in := onto(t, dir, learned(t, dir, sharp), sharp, soft)
		in.Server = published(t, dir, soft, 5)
		change(&in)
		if o, err := Run(t.Context(), in); err == nil {
			t.Errorf("%s: %+v", name, o.Verdict)
		}
	}
}
