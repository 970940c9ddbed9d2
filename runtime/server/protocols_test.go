package server

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/runtime/server/wire"
)

// pixelsOf is a picture of one colour as the fake base reads it.
func pixelsOf(label string) []float32 {
	p := make([]float32, 8*8*3)
	for i := slices.Index(rgbLabels, label); i < len(p); i += 3 {
		p[i] = 1
	}
	return p
}

// nested is a picture as nested arrays of JSON.
func nested(label string) string {
	p := pixelsOf(label)
	var rows [8][8][3]float32
	for i, v := range p {
		rows[i/24][i/3%8][i%3] = v
	}
	text, _ := json.Marshal(rows)
	return string(text)
}

func file(label string) string {
	return `{"b64":"` + base64.StdEncoding.EncodeToString(shot(label, 1)) + `"}`
}

// best returns the likeliest class of each row.
func best(rows [][]float32) (labels []string) {
	for _, row := range rows {
		labels = append(labels, rgbLabels[slices.Index(row, slices.Max(row))])
	}
	return labels
}

func TestPredict(t *testing.T) {
	g := newRig(t)
	const path = "/v1/models/lamps:predict"
	for name, c := range map[string]struct {
		body    string
		outputs bool
		want    []string
	}{
		"pixels":         {`{"instances":[` + nested("red") + `,` + nested("blue") + `]}`, false, []string{"red", "blue"}},
		"named pixels":   {`{"instances":[{"pixels":` + nested("green") + `}]}`, false, []string{"green"}},
		"files":          {`{"signature_name":"serving_default","instances":[` + file("green") + `,` + file("red") + `,` + file("blue") + `]}`, false, []string{"green", "red", "blue"}},
		"column":         {`{"inputs":[` + nested("red") + `]}`, true, []string{"red"}},
		"column, pixels": {`{"inputs":{"pixels":[` + nested("red") + `,` + nested("green") + `]}}`, true, []string{"red", "green"}},
		"column, files":  {`{"inputs":{"encoded":[` + file("blue") + `]}}`, true, []string{"blue"}},
	} {
		for _, a := range []ask{{}, {chunked: true}, {header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}} {
			a.method, a.path, a.body = "POST", path, []byte(c.body)
			got := map[string][][]float32{}
			res := g.do(a)
			res.json(t, &got)
			rows := got["predictions"]
			if c.outputs {
				rows = got["outputs"]
			}
			if res.status != 200 || !slices.Equal(best(rows), c.want) {
				t.Errorf("%s: %d %s", name, res.status, res.body)
			}
		}
	}
	g.want(g.send("POST", "/v1/models/lamps/versions/1:predict", []byte(`{"instances":[`+nested("red")+`]}`)), 200, "predictions")
	for body, want := range map[string]string{
		`{"instances":[[[1,2,3]]]}`: "has the shape [1,3]: want [8,8,3]", `{`: "ends too early", ``: "ends too early",
		`{"instances":[{"b64":"aGVsbG8="}]}`:                       "picture 0: not a picture",
		`{"instances":[` + file("red")[:100] + `"}]}`:              "picture 0: ",
		`{"signature_name":"x","instances":[` + file("red") + `]}`: "Serving signature",
	} {
		a := g.send("POST", path, []byte(body))
		if a.status < 400 || a.status >= 500 || !strings.Contains(string(a.body), want) {
			t.Errorf("%s: %d %s, want %q", body, a.status, a.body, want)
		}
	}
	many := `{"instances":[` + strings.Repeat(nested("red")+",", 64) + nested("red") + `]}`
	g.want(g.send("POST", path, []byte(many)), 413, "at most 64")
	g.want(g.send("POST", "/v1/models/nobody:predict", []byte(`{}`)), 404, `{"error":"task \"nobody\"`)
	g.want(g.send("POST", "/v1/models/lamps/versions/2:predict", []byte(`{}`)), 404, "Could not find version 2 of model lamps")
	g.want(g.send("POST", "/v1/models/lamps:classify", []byte(`{}`)), 404, "Malformed request")
	g.want(g.send("POST", "/v1/models/lamps", []byte(`{}`)), 404, "Malformed request")
	g.addEmpty()
	g.want(g.send("POST", "/v1/models/empty:predict", []byte(`{}`)), 503, "no generation serves")
}

func TestModels(t *testing.T) {
	g := newRig(t)
	for _, path := range []string{"/v1/models/lamps", "/v1/models/lamps/versions/1"} {
		g.want(g.get(path), 200, `"state":"AVAILABLE"`)
		g.want(g.get(path+"/metadata"), 200, `"size":"8"`)
	}
	for _, path := range []string{"/v2/models/lamps", "/v2/models/lamps/versions/1"} {
		g.want(g.get(path), 200, `"shape":[-1,8,8,3]`)
		g.want(g.get(path+"/ready"), 200, `"ready":true`)
	}
	g.want(g.get("/v2"), 200, "binary_tensor_data")
	g.want(g.get("/v2/health/live"), 200, "true")
	g.want(g.get("/v2/health/ready"), 200, `{"ready":true}`)
	g.addEmpty()
	g.want(g.get("/v2/models/empty/ready"), 503, `{"name":"empty","ready":false}`)
	for _, path := range []string{"/v1/models/nobody", "/v1/models/lamps/versions/2", "/v1/models/lamps/versions/x/metadata", "/v2/models/nobody", "/v2/models/lamps/versions/2/ready"} {
		a := g.get(path)
		if a.status != 404 || strings.Contains(string(a.body), `"hint"`) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// inferBody joins the JSON part and binary tensors.
func inferBody(header string, tail []byte) ask {
	return ask{
		method: "POST", path: "/v2/models/lamps/infer", body: append([]byte(header), tail...),
		header: map[string]string{headerLength: strconv.Itoa(len(header)), "Content-Type": "application/octet-stream"},
	}
}

func floatBytes(values ...float32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestInfer(t *testing.T) {
	g := newRig(t)
	img, err := pixel.Decode(shot("blue", 1), pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	files := [][]byte{shot("green", 1), shot("red", 1)}
	var elements []byte
	for _, f := range files {
		elements = append(binary.LittleEndian.AppendUint32(elements, uint32(len(f))), f...)
	}
	two := append(floatBytes(pixelsOf("red")...), floatBytes(pixelsOf("blue")...)...)
	const scores = `"outputs":[{"name":"scores","parameters":{"binary_data":true}},{"name":"label"}]`
	for name, c := range map[string]struct {
		ask  ask
		want []string
	}{
		"pixels": {inferBody(fmt.Sprintf(`{"id":"7","inputs":[{"name":"pixels","shape":[2,8,8,3],"datatype":"FP32","parameters":{"binary_data_size":%d}}],%s}`, len(two), scores), two), []string{"red", "blue"}},
		"image":  {inferBody(fmt.Sprintf(`{"id":"7","inputs":[{"name":"image","shape":[1,12,16,3],"datatype":"UINT8","parameters":{"binary_data_size":%d}}],%s}`, len(img.Pix), scores), img.Pix), []string{"blue"}},
		"files":  {inferBody(fmt.Sprintf(`{"id":"7","inputs":[{"name":"encoded","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":%d}}],%s}`, len(elements), scores), elements), []string{"green", "red"}},
		"JSON": {ask{method: "POST", path: "/v2/models/lamps/versions/1/infer", body: []byte(`{"id":"7","inputs":[{"name":"pixels","shape":[1,8,8,3],"datatype":"FP32","data":[` + nested("green") + `]}],` + scores + `}`)},
			[]string{"green"}},
	} {
		for _, chunked := range []bool{false, true} {
			c.ask.chunked = chunked
			a := g.do(c.ask)
			header, err := strconv.Atoi(a.header.Get(headerLength))
			if err != nil {
				t.Fatalf("%s: %d %s", name, a.status, a.body)
			}
			var res struct {
				ID      string
				Version string `json:"model_version"`
				Outputs []struct {
					Name string
					Data []string
				}
			}
			if err := json.Unmarshal(a.body[:header], &res); err != nil {
				t.Fatal(err)
			}
			if res.ID != "7" || res.Version != "1" || !slices.Equal(res.Outputs[1].Data, c.want) || len(a.body)-header != 12*len(c.want) || a.header.Get("Content-Type") != "application/octet-stream" {
				t.Errorf("%s: %s %v", name, a.body[:header], a.header)
			}
		}
	}
	one := floatBytes(pixelsOf("red")...)
	head := fmt.Sprintf(`{"inputs":[{"name":"pixels","shape":[1,8,8,3],"datatype":"FP32","parameters":{"binary_data_size":%d}}]}`, len(one))
	g.want(g.do(inferBody(head, one)), 200, `"data":["red"]`)
	bad := func(a ask, status int, text string) {
		t.Helper()
		for _, chunked := range []bool{false, true} {
			a.chunked = chunked
			g.want(g.do(a), status, text)
		}
	}
	bad(inferBody(head, one[:8]), 400, "bytes follow the JSON part")
	bad(inferBody(head, append(one, 0)), 400, "bytes follow the JSON part")
	bad(inferBody(strings.Replace(head, "[1,8,8,3]", "[1,4,4,3]", 1), one), 400, "want [n,8,8,3]")
	bad(inferBody(strings.Replace(head, "[1,8,8,3]", "[65,8,8,3]", 1), one), 413, "at most 64")
	bad(ask{method: "POST", path: "/v2/models/lamps/infer", body: []byte(`{"inputs":[]}`)}, 400, "no input")
	nan := slices.Clone(one)
	copy(nan, floatBytes(float32(math.NaN())))
	bad(inferBody(head, nan), 400, "no numbers")
	for _, length := range []string{"-1", "x", "99999999", "1e3", strconv.Itoa(len(head) + len(one) + 1)} {
		a := inferBody(head, one)
		a.header = with(a.header, headerLength, length)
		bad(a, 400, headerLength)
	}
	g.want(g.do(ask{method: "POST", path: "/v2/models/nobody/infer", body: []byte(`{}`)}), 404, "nobody")
}

// TestClassifyAcrossGenerations makes sure that a request is answered by one
// generation, with that one's labels, though generations change all the time.
func TestClassifyAcrossGenerations(t *testing.T) {
	g := newRig(t)
	other := g.store.Commit("lamps", g.store.Fake("base", 3), rgbHead(), []string{"rot", "grün", "blau"}, nil)
	task, err := g.rt.Task("lamps")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := task.Activate(t.Context(), []int{1, other}[i%2], "test"); err != nil {
				done <- err
				return
			}
		}
	}()
	body := []byte(`{"inputs":[{"name":"pixels","shape":[1,8,8,3],"datatype":"FP32","data":[` + nested("green") + `]}],"outputs":[{"name":"label"}]}`)
	seen := map[string]int{}
	for range 300 {
		a := g.send("POST", "/v2/models/lamps/infer", body)
		var res struct {
			Version string `json:"model_version"`
			Outputs []struct{ Data []string }
		}
		a.json(t, &res)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		seen[res.Version+" "+res.Outputs[0].Data[0]]++
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for what := range seen {
		if what != "1 green" && what != strconv.Itoa(other)+" grün" {
			t.Errorf("%q: %d times", what, seen[what])
		}
	}
}

// TestClassifyWhenTheShapeChanges answers a request of pixels that the generation
// which serves meanwhile cannot read.
func TestClassifyWhenTheShapeChanges(t *testing.T) {
	g := newRig(t)
	task, err := g.rt.Task("lamps")
	if err != nil {
		t.Fatal(err)
	}
	asked, err := task.Model()
	if err != nil {
		t.Fatal(err)
	}
	before := asked
	before.Generation, before.Preprocessing.Width = 99, 4 // what served when the request was read
	c := &call{r: ask{method: "POST", path: "/"}.request(t), s: g.Server}
	pixels := &wire.Pictures{N: 1, Pixels: make([]float32, 8*4*3)}
	if _, err := g.classify(c, task, before, pixels, &batch{}); statusOf(err) != 409 {
		t.Errorf("%v", err)
	}
	encoded := &wire.Pictures{N: 1, Encoded: [][]byte{shot("red", 1)}}
	var b batch
	m, err := g.classify(c, task, before, encoded, &b)
	if err != nil || m.Generation != asked.Generation || !bytes.Equal([]byte(best([][]float32{b.scores})[0]), []byte("red")) {
		t.Errorf("%+v %v", m, err)
	}
}
