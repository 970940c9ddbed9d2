package wire

import (
	gobytes "bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func floats(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func elements(texts ...string) []byte {
	var b []byte
	for _, text := range texts {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
	}
	return b
}

func infer(q *Infer, header string, tail []byte, limits Limits) error {
	if err := q.Decode([]byte(header), int64(len(tail)), small, limits); err != nil {
		return err
	}
	return q.ReadBinary(gobytes.NewReader(tail))
}

func TestInfer(t *testing.T) {
	hello := base64.StdEncoding.EncodeToString([]byte("hello"))
	values := []float32{1, 2, 3, 4, 5, 6}
	const pixels = `{"inputs":[{"name":"pixels","datatype":"FP32","shape":[1,2,1,3],`
	for name, c := range map[string]struct {
		header string
		tail   []byte
		want   Pictures
	}{
		"flat":         {header: pixels + `"data":[1,2,3,4,5,6]}]}`, want: Pictures{N: 1, Pixels: values}},
		"nested":       {header: pixels + `"data":[[[[1,2,3]],[[4,5,6]]]]}]}`, want: Pictures{N: 1, Pixels: values}},
		"data first":   {header: `{"inputs":[{"data":[1,2,3,4,5,6],"shape":[1,2,1,3],"datatype":"FP32","name":"pixels"}]}`, want: Pictures{N: 1, Pixels: values}},
		"binary":       {header: pixels + `"parameters":{"binary_data_size":24,"other":[1]}}],"extension":{}}`, tail: floats(values...), want: Pictures{N: 1, Pixels: values}},
		"image":        {header: `{"inputs":[{"name":"image","datatype":"UINT8","shape":[2,1,1,3],"data":[1,2,3,4,5,255]}]}`, want: Pictures{N: 2, Image: []byte{1, 2, 3, 4, 5, 255}, Height: 1, Width: 1}},
		"image binary": {header: `{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,1,2,3],"parameters":{"binary_data_size":6}}]}`, tail: []byte("abcdef"), want: Pictures{N: 1, Image: []byte("abcdef"), Height: 1, Width: 2}},
		"files":        {header: `{"inputs":[{"name":"encoded","datatype":"BYTES","shape":[2],"data":["` + hello + `",""]}]}`, want: Pictures{N: 2, Encoded: [][]byte{[]byte("hello"), {}}}},
		"files binary": {header: `{"inputs":[{"name":"encoded","datatype":"BYTES","shape":[2,1],"parameters":{"binary_data_size":13}}]}`, tail: elements("hello", ""), want: Pictures{N: 2, Encoded: [][]byte{[]byte("hello"), {}}}},
	} {
		var q Infer
		for range 2 { // also into what has been decoded into
			if err := infer(&q, c.header, c.tail, Limits{}); err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			if q.N != c.want.N || q.Height != c.want.Height || q.Width != c.want.Width || !slices.Equal(q.Pixels, c.want.Pixels) ||
				!gobytes.Equal(q.Image, c.want.Image) || !slices.EqualFunc(q.Encoded, c.want.Encoded, gobytes.Equal) {
				t.Errorf("%s: %+v, want %+v", name, q.Pictures, c.want)
			}
			if len(q.Outputs) != 2 || q.Outputs[0].Binary {
				t.Errorf("%s: outputs %+v", name, q.Outputs)
			}
		}
	}
}

func TestInferRefuses(t *testing.T) {
	input := func(name, datatype, rest string) string {
		return fmt.Sprintf(`{"inputs":[{"name":%q,"datatype":%q,%s}]}`, name, datatype, rest)
	}
	for _, c := range []struct {
		header string
		tail   []byte
		want   string
	}{
		{``, nil, "ends too early"},
		{`{}`, nil, "has no input"},
		{`{"inputs":[]}`, nil, "has no input"},
		{`{"inputs":{}}`, nil, "want '['"},
		{`{"inputs":[{"name":"pixels"},{"name":"image"}]}`, nil, "give one of the inputs"},
		{input("x", "FP32", `"shape":[1]`), nil, `input "x": there are the inputs`},
		{input("pixels", "FP16", `"shape":[1,2,1,3],"data":[]`), nil, `the datatype is "FP16": want FP32`},
		{input("pixels", "FP32", `"shape":[1,224,224,3],"data":[]`), nil, "the shape is [1 224 224 3]: want [n,2,1,3]"},
		{input("pixels", "FP32", `"shape":[0,2,1,3],"data":[]`), nil, "no picture"},
		{input("pixels", "FP32", `"shape":[4,2,1,3],"data":[]`), nil, "4 pictures are too much"},
		{input("pixels", "FP32", `"shape":[-1,2,1,3],"data":[]`), nil, "want a whole number"},
		{input("pixels", "FP32", `"shape":[1.5,2,1,3],"data":[]`), nil, "want a whole number"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"shape":[1,2,1,3]`), nil, "two shapes"},
		{input("pixels", "FP32", `"shape":[1,1,1,1,1,1,1,1,1]`), nil, "more than eight"},
		{input("pixels", "FP32", `"shape":[1,2,1,3]`), nil, "neither data nor binary_data_size"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"data":[1,2,3,4,5]`), nil, "fewer values"},
		{input("pixels", "FP32", `"shape":[3,2,1,3],"data":[1]`), nil, "fewer values"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"data":[1,2,3,4,5,6,7]`), nil, "more values"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"data":[1,2,3,4,5,"6"]`), nil, "want a value"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"parameters":{"binary_data_size":24}`), floats(1), "binary_data_size is 24, but 4 bytes follow"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"parameters":{"binary_data_size":4}`), floats(1), "has 24 bytes"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"data":[1,2,3,4,5,6],"parameters":{"binary_data_size":4}`), floats(1), "give one"},
		{input("pixels", "FP32", `"shape":[1,2,1,3],"data":[1,2,3,4,5,6]`), floats(1), "no binary_data_size speaks of them"},
		{input("image", "UINT8", `"shape":[1,0,1,3],"data":[]`), nil, "want [n,height,width,3]"},
		{input("image", "UINT8", `"shape":[1,2,1,4],"data":[]`), nil, "want [n,height,width,3]"},
		{input("image", "UINT8", `"shape":[1,2147483648,2147483648,3],"data":[]`), nil, "too much for one request: at most 100 pixels"},
		{input("image", "UINT8", `"shape":[3,7,7,3],"data":[]`), nil, "7 x 7 pixels in 3 pictures are too much"},
		{input("image", "UINT8", `"shape":[1,10,10,3],"data":[1]`), nil, "fewer values"},
		{input("image", "UINT8", `"shape":[1,1,1,3],"data":[1,2,256]`), nil, "from 0 to 255"},
		{input("image", "UINT8", `"shape":[1,1,1,3],"data":[1,2,3,4]`), nil, "more values"},
		{input("encoded", "BYTES", `"shape":[1,2],"data":["",""]`), nil, "want [n]"},
		{input("encoded", "BYTES", `"shape":[2],"data":[""]`), nil, "fewer values"},
		{input("encoded", "BYTES", `"shape":[1],"data":["",""]`), nil, "more values"},
		{input("encoded", "BYTES", `"shape":[1],"data":["*"]`), nil, "no base64"},
		{input("encoded", "BYTES", `"shape":[1],"parameters":{"binary_data_size":3}`), []byte("abc"), "within an element's length"},
		{input("encoded", "BYTES", `"shape":[1],"parameters":{"binary_data_size":5}`), []byte("\xff\xff\xff\xffa"), "says it has 4294967295 bytes, of which 1"},
		{input("encoded", "BYTES", `"shape":[1],"parameters":{"binary_data_size":9}`), elements("", "a"), "follow the last element"},
		{`{"id":"` + strings.Repeat("x", maxID+1) + `"}`, nil, "the id is longer"},
		{`{"outputs":[{"name":"x"}]}`, nil, `"x" is no output`},
		{`{"outputs":[{"name":"label","parameters":{"classification":1}}]}`, nil, "classification is of"},
		{`{"outputs":[` + strings.Repeat(`{"name":"label"},`, 8) + `{"name":"label"}]}`, nil, "more than 8 outputs"},
		{`{"parameters":{"binary_data_output":1}}`, nil, "want true or false"},
	} {
		var q Infer
		err := infer(&q, c.header, c.tail, Limits{Pictures: 3, Pixels: 100})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.header, err, c.want)
		}
	}
	var q Infer
	header := input("pixels", "FP32", `"shape":[1,2,1,3],"parameters":{"binary_data_size":24}`)
	if err := q.Decode([]byte(header), 24, small, Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := q.ReadBinary(strings.NewReader("short")); err == nil || !strings.Contains(err.Error(), "the body ends before") {
		t.Errorf("%v", err)
	}
	if err := q.Decode([]byte(input("image", "UINT8", `"shape":[65,1,1,3]`)), 0, small, Limits{}); !errors.Is(err, ErrTooMuch) {
		t.Errorf("%v", err)
	}
}

func TestInferReply(t *testing.T) {
	reply := Reply{Model: "lamps", Version: "3", Labels: []string{"off", `o"n` + "\n", "ü"}, Scores: []float32{0.1, 0.7, 0.2, 1, 0, 0}}
	const head = `{"id":"a\"b","inputs":[{"name":"pixels","datatype":"FP32","shape":[2,2,1,3],"data":[1,2,3,4,5,6,1,2,3,4,5,6]}]`
	type output struct {
		Name, Datatype string
		Shape          []int
		Data           []any
		Parameters     struct {
			Size int `json:"binary_data_size"`
		}
	}
	for name, c := range map[string]struct {
		asked   string
		outputs []output
		tail    []byte
	}{
		"all": {outputs: []output{
			{Name: "scores", Datatype: "FP32", Shape: []int{2, 3}, Data: []any{0.1, 0.7, 0.2, 1.0, 0.0, 0.0}},
			{Name: "label", Datatype: "BYTES", Shape: []int{2}, Data: []any{"o\"n\n", "off"}},
		}},
		"label binary": {
			asked: `,"outputs":[{"name":"label","parameters":{"binary_data":true}},{"name":"scores"}]`,
			outputs: []output{
				{Name: "label", Datatype: "BYTES", Shape: []int{2}},
				{Name: "scores", Datatype: "FP32", Shape: []int{2, 3}, Data: []any{0.1, 0.7, 0.2, 1.0, 0.0, 0.0}},
			},
			tail: elements("o\"n\n", "off"),
		},
		"all binary": {
			asked:   `,"parameters":{"binary_data_output":true}`,
			outputs: []output{{Name: "scores", Datatype: "FP32", Shape: []int{2, 3}}, {Name: "label", Datatype: "BYTES", Shape: []int{2}}},
			tail:    slices.Concat(floats(reply.Scores...), elements("o\"n\n", "off")),
		},
		"classification": {
			asked:   `,"outputs":[{"name":"scores","parameters":{"classification":2}}]`,
			outputs: []output{{Name: "scores", Datatype: "BYTES", Shape: []int{2, 2}, Data: []any{"0.700000:1:o\"n\n", "0.200000:2:ü", "1.000000:0:off", "0.000000:1:o\"n\n"}}},
		},
		"more classes than there are": {
			asked:   `,"outputs":[{"name":"scores","parameters":{"classification":9,"binary_data":true}}]`,
			outputs: []output{{Name: "scores", Datatype: "BYTES", Shape: []int{2, 3}}},
			tail:    elements("0.700000:1:o\"n\n", "0.200000:2:ü", "0.100000:0:off", "1.000000:0:off", "0.000000:1:o\"n\n", "0.000000:2:ü"),
		},
	} {
		var q Infer
		if err := infer(&q, head+c.asked+"}", nil, Limits{}); err != nil {
			t.Fatal(name, err)
		}
		out, header := q.Append([]byte("before"), reply)
		out = out[len("before"):]
		if (header == 0) != (c.tail == nil) {
			t.Errorf("%s: header %d", name, header)
		}
		if header == 0 {
			header = len(out)
		}
		if !gobytes.Equal(out[header:], c.tail) {
			t.Errorf("%s: binary part %q, want %q", name, out[header:], c.tail)
		}
		var got struct {
			Model   string `json:"model_name"`
			Version string `json:"model_version"`
			ID      string
			Outputs []output
		}
		if err := json.Unmarshal(out[:header], &got); err != nil {
			t.Fatal(name, err)
		}
		for i := range got.Outputs {
			got.Outputs[i].Parameters.Size = 0
		}
		if got.Model != "lamps" || got.Version != "3" || got.ID != `a"b` || fmt.Sprint(got.Outputs) != fmt.Sprint(c.outputs) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func FuzzInfer(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"pixels","datatype":"FP32","shape":[1,2,1,3],"data":[1,2,3,4,5,6]}]}`), []byte{})
	f.Add([]byte(`{"inputs":[{"name":"pixels","datatype":"FP32","shape":[1,2,1,3],"parameters":{"binary_data_size":24}}]}`), floats(1, 2, 3, 4, 5, 6))
	f.Add([]byte(`{"inputs":[{"name":"image","datatype":"UINT8","shape":[1,1,2,3],"parameters":{"binary_data_size":6}}],"outputs":[{"name":"label"}]}`), []byte("abcdef"))
	f.Add([]byte(`{"id":"x","inputs":[{"name":"encoded","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":13}}]}`), elements("hello", ""))
	f.Add([]byte(`{"inputs":[{"name":"encoded","datatype":"BYTES","shape":[1],"data":["aGVsbG8="]}],"parameters":{"binary_data_output":true}}`), []byte{})
	limits := Limits{Pictures: 3, Pixels: 64}
	f.Fuzz(func(t *testing.T, header, tail []byte) {
		var q Infer
		if infer(&q, string(header), tail, limits) != nil {
			return
		}
		if !json.Valid(header) {
			t.Fatal("taken, and no JSON")
		}
		given := 0
		if q.Pixels != nil {
			given++
		}
		if q.Image != nil {
			given++
		}
		if q.Encoded != nil {
			given++
		}
		if given != 1 || q.N < 1 || q.N > 3 {
			t.Fatalf("%+v", q.Pictures)
		}
		if cap(q.arena) > 2*(len(header)+len(tail))+64 || cap(q.pixels) > 64 {
			t.Fatalf("a request of %d and %d bytes takes %d and %d", len(header), len(tail), cap(q.arena), cap(q.pixels))
		}
		out, n := q.Append(nil, Reply{Labels: []string{"a", "b"}, Scores: make([]float32, 2*q.N)})
		if n == 0 {
			n = len(out)
		}
		if !json.Valid(out[:n]) {
			t.Fatalf("%s", out[:n])
		}
	})
}

func BenchmarkInferBinary(b *testing.B) {
	shape := Shape{128, 128}
	tail := make([]byte, 4*shape.Len())
	header := []byte(fmt.Sprintf(`{"id":"1","inputs":[{"name":"pixels","shape":[1,128,128,3],"datatype":"FP32","parameters":{"binary_data_size":%d}}],`+
		`"outputs":[{"name":"scores","parameters":{"binary_data":true}}]}`, len(tail)))
	reply := Reply{Model: "lamps", Version: "3", Labels: make([]string, 10), Scores: make([]float32, 10)}
	b.SetBytes(int64(len(tail)))
	b.ReportAllocs()
	var q Infer
	var out []byte
	r := gobytes.NewReader(tail)
	for b.Loop() {
		r.Reset(tail)
		if err := q.Decode(header, int64(len(tail)), shape, Limits{}); err != nil {
			b.Fatal(err)
		}
		if err := q.ReadBinary(r); err != nil {
			b.Fatal(err)
		}
		out, _ = q.Append(out[:0], reply)
	}
}
