package server

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/teststore"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
)

// embedded is a server over the embedded base on TensorFlow Lite, with an untrained
// head, and the same base beside it.
type embedded struct {
	*rig
	engine *engine.Engine
	head   *head.Head
	model  runtime.Model
	jpeg   []byte
	pixels []float32 // of jpeg, as the base reads it
}

// newEmbedded returns a server over the base in the file of that path, or over
// the embedded one.
func newEmbedded(tb testing.TB, path string) *embedded {
	tb.Helper()
	r := &embedded{rig: &rig{tb: tb, store: teststore.New(tb), checked: theSpec(tb)}}
	source, err := base.Prepare(tb.Context(), path, tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	b := r.store.File(source.Path, source.Features, source.Preprocessing)
	r.head = head.New(b.Features, 64, 10, 1)
	labels := make([]string, 10)
	for i := range labels {
		labels[i] = fmt.Sprintf("class %d", i)
	}
	r.store.Active("lamps", r.store.Commit("lamps", b, r.head, labels, nil), "test")
	r.engine, err = engine.New(engine.Options{Trial: func(context.Context, string) error { return nil }})
	if err != nil {
		tb.Fatal(err)
	}
	r.rt, err = runtime.New(runtime.Options{Store: r.store.Store, Engine: r.engine, Workers: goruntime.NumCPU(), Poll: time.Hour})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.rt.Close() })
	if err := r.rt.SetTasks(tb.Context(), []runtime.TaskConfig{{Name: "lamps"}}); err != nil {
		tb.Fatal(err)
	}
	if r.Server, err = New(r.rt, Options{Store: r.store.Store}); err != nil {
		tb.Fatal(err)
	}
	task, err := r.rt.Task("lamps")
	if err == nil {
		r.model, err = task.Model()
	}
	if err != nil {
		tb.Fatal(err)
	}
	files, _ := filepath.Glob("../../samples/lamp_red/*.jpg")
	if r.jpeg, err = os.ReadFile(files[0]); err != nil {
		tb.Fatal(err)
	}
	img, err := pixel.Decode(r.jpeg, pixel.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	r.pixels = make([]float32, r.model.Preprocessing.Len())
	if err := r.model.Preprocessing.Apply(r.pixels, img); err != nil {
		tb.Fatal(err)
	}
	return r
}

// open opens the base once more, for the caller to close.
func (r *embedded) open() runtime.Base {
	g, err := r.store.Current("lamps")
	if err != nil {
		r.tb.Fatal(err)
	}
	b, err := r.engine.Open(r.tb.Context(), g)
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// inferRequest is a binary request of n pictures.
func (r *embedded) inferRequest(n int) ask {
	var data []byte
	for range n {
		data = append(data, floatBytes(r.pixels...)...)
	}
	p := r.model.Preprocessing
	return inferBody(fmt.Sprintf(`{"inputs":[{"name":"pixels","shape":[%d,%d,%d,3],"datatype":"FP32","parameters":{"binary_data_size":%d}}],`+
		`"outputs":[{"name":"scores","parameters":{"binary_data":true}}]}`, n, p.Height, p.Width, len(data)), data)
}

// jsonPixels is a predict request of one picture as numbers.
func (r *embedded) jsonPixels() []byte {
	p := r.model.Preprocessing
	rows := make([][][]float32, p.Height)
	for y := range rows {
		for x := range p.Width {
			rows[y] = append(rows[y], r.pixels[(y*p.Width+x)*3:][:3])
		}
	}
	data, err := json.Marshal(map[string]any{"instances": []any{rows}})
	if err != nil {
		r.tb.Fatal(err)
	}
	return data
}

func (r *embedded) jsonFile() []byte {
	return []byte(`{"instances":[{"b64":"` + base64.StdEncoding.EncodeToString(r.jpeg) + `"}]}`)
}

// TestEmbeddedBase answers with the numbers of the base itself, to the last bit,
// whatever the way they were asked for.
func TestEmbeddedBase(t *testing.T) {
	r := newEmbedded(t, "")
	features := make([]float32, r.model.Features)
	bare := r.open()
	defer bare.Close()
	if err := bare.Embed(features, r.pixels); err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 10)
	r.head.Scores(want, features, make([]float32, r.head.Scratch()))

	a := r.do(r.inferRequest(2))
	if a.status != http.StatusOK || len(a.body) < 80 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	tail := a.body[len(a.body)-80:]
	for i := range 20 {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(tail[4*i:])); got != want[i%10] {
			t.Errorf("binary tensor, value %d: %v, want %v", i, got, want[i%10])
		}
	}
	for name, body := range map[string][]byte{"pixels": r.jsonPixels(), "file": r.jsonFile()} {
		var got struct{ Predictions [][]float32 }
		r.send("POST", "/v1/models/lamps:predict", body).json(t, &got)
		if len(got.Predictions) != 1 || !slices.Equal(got.Predictions[0], want) {
			t.Errorf("JSON with a %s: %v, want %v", name, got.Predictions, want)
		}
	}
	var answer runtime.Answer
	r.do(ask{method: "POST", path: "/api/image", body: r.jpeg, header: map[string]string{"Content-Type": "image/jpeg"}}).json(t, &answer)
	if answer.Score != slices.Max(want) || answer.Label != r.model.Labels[slices.Index(want, slices.Max(want))] {
		t.Errorf("%+v, want %v", answer, want)
	}
}
