package device_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/samplelinks"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/tflite/file"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// notANumber stands for NaN in what changed is told.
const notANumber = 0.123456789

// changed is the embedded base with other numbers in its largest tensor.
func changed(t *testing.T, change func(i int, v float32) float32) *device.Base {
	t.Helper()
	b, err := device.OpenBase(t.Context(), newEngine(t), changedSource(t, change), device.Cache{}, nil)
	must(t, err)
	t.Cleanup(func() { b.Close() })
	return b
}

func changedSource(t *testing.T, change func(i int, v float32) float32) base.Source {
	t.Helper()
	data, err := os.ReadFile(embedded(t).Path)
	must(t, err)
	m, err := file.Parse(data)
	must(t, err)
	largest, numbers := 0, 0
	for i, tensor := range m.Main().Tensors {
		if n := len(tensor.Data) / 4; tensor.Type == file.Float32 && n > numbers {
			largest, numbers = i, n
		}
	}
	values := make([]float32, numbers)
	for i := range values {
		values[i] = change(i, math.Float32frombits(binary.LittleEndian.Uint32(m.Main().Tensors[largest].Data[4*i:])))
	}
	patched, err := file.Patch(data, map[int][]float32{largest: values})
	must(t, err)
	// Patch takes numbers only.
	patched = bytes.ReplaceAll(patched, binary.LittleEndian.AppendUint32(nil, math.Float32bits(notANumber)), []byte{0, 0, 0xc0, 0x7f})
	path := filepath.Join(t.TempDir(), "changed.tflite")
	must(t, os.WriteFile(path, patched, 0o600))
	source, err := base.Prepare(t.Context(), path, t.TempDir())
	must(t, err)
	return source
}

// tuned is a base that is as good as the embedded one.
func tuned(t *testing.T) *device.Base {
	return changed(t, func(i int, v float32) float32 { return v * (1 + 0.02*float32(i%7-3)) })
}

// rebasing is the rebase of a task "bench", which was adapted, onto another base.
func rebasing(t *testing.T, onto *device.Base) device.RebaseConfig {
	t.Helper()
	c := configured(t)
	_, err := device.Adapt(t.Context(), c)
	must(t, err)
	return device.RebaseConfig{
		Store: c.Store, Task: c.Task, Dir: c.Dir, Base: onto, Engine: newEngine(t), Version: "test",
		Release: &release.Release{Number: 7}, Refused: filepath.Join(t.TempDir(), "refused.html"),
	}
}

func TestRebase(t *testing.T) {
	c := rebasing(t, tuned(t))
	run, err := device.Rebase(t.Context(), c)
	must(t, err)
	if v := run.Rebase.Verdict; !v.Activate || run.Generation != 2 || run.Rebase.Generation != 1 || run.Rebase.Release != 7 || run.Rebase.Compared != 6 {
		t.Fatalf("%+v, %+v", v, run.Rebase)
	}
	g, err := c.Store.Current(c.Task)
	must(t, err)
	must(t, g.Verify(t.Context()))
	if g.Generation != 2 || g.Parent != 1 || g.Base.Digest != c.Base.Source.Digest || !strings.HasPrefix(g.Reason, "release 7: ") || !slices.Equal(g.Labels, classes) {
		t.Errorf("%+v", g.Manifest)
	}
	if r, ok, err := release.Of(g); !ok || err != nil || r.Number != 7 {
		t.Errorf("release %+v, %v, %v", r, ok, err)
	}
	if a, err := c.Store.Active(c.Task); err != nil || a.Previous != 1 || a.Why != g.Reason {
		t.Errorf("%+v, %v", a, err)
	}
	for name, want := range map[string]string{device.ReportName: "Flipped images", calibrate.FileName: string(g.Base.Digest), device.ReceiptName: "val,"} {
		if data, err := os.ReadFile(g.Path(name)); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s does not say %q: %v", name, want, err)
		}
	}
	// The same images were held back.
	before, err := c.Store.Generation(c.Task, 1)
	must(t, err)
	one, _ := os.ReadFile(before.Path(device.ReceiptName))
	two, _ := os.ReadFile(g.Path(device.ReceiptName))
	if !bytes.Equal(one, two) {
		t.Errorf("receipts\n%s\n%s", one, two)
	}
	// A person goes back, and comes again.
	must(t, c.Store.Activate(t.Context(), c.Task, 1, "back"))
	if run, err := device.Rebase(t.Context(), c); err != nil || run.Generation != 3 {
		t.Errorf("again: %+v, %v", run, err)
	}
}

// refused rebases, and expects that it is refused for that reason and that the
// store stays as it is, but for an empty folder.
func refused(t *testing.T, c device.RebaseConfig, kind rebase.Kind) *report.Run {
	t.Helper()
	before := tree(t, c.Store.Dir())
	run, err := device.Rebase(t.Context(), c)
	must(t, err)
	if v := run.Rebase.Verdict; v.Activate || v.Kind != kind || run.Generation != 0 {
		t.Fatalf("%+v, generation %d, want %s", v, run.Generation, kind)
	}
	untouched(t, c.Store, before, c.Task, 1)
	page, err := os.ReadFile(c.Refused)
	if err != nil || run.Report != c.Refused || !strings.Contains(string(page), "is refused") {
		t.Errorf("the report at %q: %v", run.Report, err)
	}
	return run
}

func TestRebaseRefusesWorse(t *testing.T) {
	c := rebasing(t, changed(t, func(int, float32) float32 { return 0 }))
	run := refused(t, c, rebase.Worse)
	page, _ := os.ReadFile(c.Refused)
	if n := bytes.Count(page, []byte("data:image/jpeg;base64,")); n < len(run.Rebase.Flipped) || n == 0 {
		t.Errorf("%d thumbnails, %d images flipped", n, len(run.Rebase.Flipped))
	}
}

// TestOpenBaseRefusesNaN: such a base does not get as far as a rebase. One that
// gives NaN of some pictures only is package rebase's to refuse.
func TestOpenBaseRefusesNaN(t *testing.T) {
	source := changedSource(t, func(int, float32) float32 { return notANumber })
	_, err := device.OpenBase(t.Context(), newEngine(t), source, device.Cache{}, nil)
	if input := (device.InputError{}); !errors.As(err, &input) {
		t.Errorf("opened: %v", err)
	}
}

func TestRebaseRefusesToLoseAClass(t *testing.T) {
	c := rebasing(t, tuned(t))
	must(t, os.RemoveAll(filepath.Join(c.Dir, classes[0])))
	if run := refused(t, c, rebase.Loses); !slices.Equal(run.Rebase.Lost, classes[:1]) {
		t.Errorf("lost %q", run.Rebase.Lost)
	}
}

func TestRebaseWithoutAnything(t *testing.T) {
	c := rebasing(t, tuned(t))
	c.Dir = filepath.Join(t.TempDir(), "none")
	refused(t, c, rebase.Untrained)
	c.Dir = ""
	refused(t, c, rebase.Untrained)
}

// publishedFor is a release's head for a base: a bundle of these classes, with
// exemplars and a self-test.
func publishedFor(t *testing.T, b *device.Base, edit func(map[string][]byte), names ...string) *bundle.Bundle {
	t.Helper()
	c := configured(t)
	c.Base, c.Dir = b, t.TempDir()
	samplelinks.Make(t, c.Dir, 20, names...)
	run, err := device.Adapt(t.Context(), c)
	must(t, err)
	g, err := c.Store.Generation(c.Task, run.Generation)
	must(t, err)
	data, err := os.ReadFile(g.HeadPath())
	must(t, err)
	h, err := head.Decode(data)
	must(t, err)

	d, err := adapt.List(t.Context(), c.Dir)
	must(t, err)
	e := b.Extractor()
	f, err := e.Extract(t.Context(), d, nil, nil)
	must(t, err)
	must(t, d.Settle(adapt.SplitOptions{}))
	x, err := rebase.NewExemplars(g.Base.Digest, d.Set(f, func(adapt.Sample) bool { return true }), h.Classes, 10)
	must(t, err)
	files := map[string][]byte{}
	files[rebase.ExemplarsName], err = x.Encode()
	must(t, err)

	s := release.SelfTest{Preprocessing: g.Preprocessing}
	features, score := make([]float32, h.Features), h.Scorer()
	for seed := range uint64(3) {
		must(t, b.Embed(features, release.Picture(seed, g.Preprocessing)))
		s.Cases = append(s.Cases, release.Case{Seed: seed, Scores: slices.Clone(score(features))})
	}
	files[release.SelfTestName], err = s.Encode()
	must(t, err)
	if edit != nil {
		edit(files)
	}
	var added []bundle.Added
	for name, data := range files {
		added = append(added, bundle.Added{Name: name, Data: data})
	}
	var w bytes.Buffer
	must(t, bundle.WriteLight(t.Context(), &w, g, added...))
	light, err := bundle.ReadLight(t.Context(), &w, t.TempDir(), bundle.Limits{})
	must(t, err)
	t.Cleanup(func() { light.Close() })
	return light
}

func TestRebaseAddsPublishedClasses(t *testing.T) {
	c := rebasing(t, tuned(t))
	c.Head = publishedFor(t, c.Base, nil, "lamp_red", "plug_in")
	run, err := device.Rebase(t.Context(), c)
	must(t, err)
	if want := append(slices.Clone(classes[:2]), "plug_in", classes[2]); !run.Rebase.Verdict.Activate || !slices.Equal(run.Labels, want) || !slices.Equal(run.Rebase.Added, []string{"plug_in"}) {
		t.Fatalf("%+v, classes %q", run.Rebase, run.Labels)
	}
	// A device that has never seen a plug knows one.
	g, err := c.Store.Current(c.Task)
	must(t, err)
	data, err := os.ReadFile(g.HeadPath())
	must(t, err)
	h, err := head.Decode(data)
	must(t, err)
	dir := t.TempDir()
	samplelinks.Make(t, dir, 20, "plug_in")
	d, err := adapt.List(t.Context(), dir)
	must(t, err)
	e := c.Base.Extractor()
	f, err := e.Extract(t.Context(), d, nil, nil)
	must(t, err)
	must(t, d.Relabel(g.Labels))
	if m := adapt.Evaluate(h, d.Set(f, func(adapt.Sample) bool { return true }), nil); m.Accuracy < 0.8 {
		t.Errorf("%v of the plugs are known", m.Accuracy)
	}
}

func TestRebaseTakesPublished(t *testing.T) {
	c := rebasing(t, tuned(t))
	c.Dir = ""
	c.Head = publishedFor(t, c.Base, nil, append(slices.Clone(classes), "plug_in")...)
	run, err := device.Rebase(t.Context(), c)
	must(t, err)
	if run.Rebase.Verdict.Kind != rebase.AsPublished || run.Generation != 2 {
		t.Fatalf("%+v", run.Rebase.Verdict)
	}
	g, err := c.Store.Current(c.Task)
	must(t, err)
	must(t, g.Verify(t.Context()))
	for _, name := range []string{models.HeadName, calibrate.FileName, release.SelfTestName, rebase.ExemplarsName} {
		want, ok := c.Head.File(name)
		if got, has := g.File(name); !ok || !has || got.Digest != want.Digest {
			t.Errorf("%s is another than was published", name)
		}
	}
	if page, err := os.ReadFile(g.Path(device.ReportName)); err != nil || !strings.Contains(string(page), "passes its own test") {
		t.Errorf("the report: %v", err)
	}
}

func TestRebaseWithNothingInUse(t *testing.T) {
	c := rebasing(t, tuned(t))
	c.Task = "new"
	run, err := device.Rebase(t.Context(), c)
	if err != nil || run.Rebase.Verdict.Kind != rebase.First || run.Generation != 1 {
		t.Errorf("%+v, %v", run, err)
	}
}

func TestRebaseSelfTestFails(t *testing.T) {
	c := rebasing(t, tuned(t))
	c.Head = publishedFor(t, c.Base, func(files map[string][]byte) {
		s, err := release.ParseSelfTest(files[release.SelfTestName], len(classes))
		must(t, err)
		s.Cases[1].Scores[0] = 1 - s.Cases[1].Scores[0]
		files[release.SelfTestName], err = s.Encode()
		must(t, err)
	}, classes...)
	refused(t, c, rebase.SelfTest)
}

// TestRebaseBlamesThePublisher: a head that is not what its release says.
func TestRebaseBlamesThePublisher(t *testing.T) {
	c := rebasing(t, tuned(t))
	before := tree(t, c.Store.Dir())
	for name, b := range map[string]*bundle.Bundle{
		"of another base": publishedFor(t, openEmbedded(t), nil, classes...),
		"bad exemplars":   publishedFor(t, c.Base, func(f map[string][]byte) { f[rebase.ExemplarsName] = []byte("x") }, classes...),
		"bad self-test":   publishedFor(t, c.Base, func(f map[string][]byte) { f[release.SelfTestName] = []byte("x") }, classes...),
	} {
		c.Head = b
		_, err := device.Rebase(t.Context(), c)
		if input := (device.InputError{}); !errors.As(err, &input) {
			t.Errorf("%s: %v", name, err)
		}
		nextStep(t, err)
		untouched(t, c.Store, before, c.Task, 1)
	}
}

func TestRebaseStops(t *testing.T) {
	c := rebasing(t, tuned(t))
	before := tree(t, c.Store.Dir())
	cause := errors.New("enough")
	for _, stage := range []adapt.Stage{adapt.StageFeatures, adapt.StageTrain} {
		ctx, cancel := context.WithCancelCause(t.Context())
		c.Progress = func(p adapt.Progress) {
			if p.Stage == stage {
				cancel(cause)
			}
		}
		if _, err := device.Rebase(ctx, c); !errors.Is(err, cause) {
			t.Errorf("%s: %v", stage, err)
		}
		untouched(t, c.Store, before, c.Task, 1)
	}
}

// TestRebaseNoticesChange: whoever adapts meanwhile is not overwritten.
func TestRebaseNoticesChange(t *testing.T) {
	c := rebasing(t, tuned(t))
	again := configured(t)
	again.Store, again.Dir = c.Store, c.Dir
	once := false
	c.Progress = func(p adapt.Progress) {
		if p.Stage == adapt.StageTrain && !once {
			once = true
			_, err := device.Adapt(t.Context(), again)
			must(t, err)
		}
	}
	if _, err := device.Rebase(t.Context(), c); !errors.Is(err, models.ErrChanged) {
		t.Errorf("%v", err)
	}
	if a, err := c.Store.Active(c.Task); err != nil || a.Current != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}

// TestRebaseImagesChangeMeanwhile: the samples go while they are looked at.
func TestRebaseImagesChangeMeanwhile(t *testing.T) {
	c := rebasing(t, tuned(t))
	once := false
	c.Progress = func(p adapt.Progress) {
		if p.Stage == adapt.StageFeatures && p.Done == p.Total && !once { // between the two bases
			once = true
			must(t, os.RemoveAll(c.Dir))
		}
	}
	c.Refused = ""
	run, err := device.Rebase(t.Context(), c)
	must(t, err)
	if run.Rebase.Verdict.Kind != rebase.Unmeasured || run.Rebase.Unknown != 6 {
		t.Errorf("%+v", run.Rebase)
	}
}
