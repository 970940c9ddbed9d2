package wire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// small is a base that reads 2 x 1 pixels.
var small = Shape{Height: 2, Width: 1}

func TestPredict(t *testing.T) {
	const one, two = `[[[1,2,3]],[[4,5,6]]]`, `[[[-1,0.5,0]],[[7,8,9e1]]]`
	values := []float32{1, 2, 3, 4, 5, 6, -1, 0.5, 0, 7, 8, 90}
	file := `{"b64":"` + base64.StdEncoding.EncodeToString([]byte("hello")) + `"}`
	for name, c := range map[string]struct {
		body    string
		pixels  []float32
		encoded []string
		column  bool
	}{
		"row":             {body: `{"instances":[` + one + `,` + two + `]}`, pixels: values},
		"row, named":      {body: `{"instances":[{"pixels":` + one + `},{"pixels":` + two + `}]}`, pixels: values},
		"row, spaced":     {body: ` { "signature_name" : "serving_default" , "instances" : [ [ [ [ 1 , 2 , 3 ] ] , [ [4,5,6] ] ] ] } `, pixels: values[:6]},
		"row, files":      {body: `{"instances":[` + file + `,{"b64":""}]}`, encoded: []string{"hello", ""}},
		"row, named file": {body: `{"instances":[{"encoded":` + file + `}]}`, encoded: []string{"hello"}},
		"escaped":         {body: `{"instances":[{"\u00622"` + `:"x"}]}`, encoded: nil},
		"column":          {body: `{"inputs":[` + one + `,` + two + `]}`, pixels: values, column: true},
		"column, named":   {body: `{"inputs":{"pixels":[` + one + `]}}`, pixels: values[:6], column: true},
		"column, files":   {body: `{"inputs":{"encoded":[` + file + `,` + file + `]}}`, encoded: []string{"hello", "hello"}, column: true},
		"no padding":      {body: `{"instances":[{"b64":"aGVsbG8"}]}`, encoded: []string{"hello"}},
		"PHP's slashes":   {body: `{"instances":[{"b64":"\/\/\/\/"}]}`, encoded: []string{"\xff\xff\xff"}},
	} {
		var p Predict
		err := p.Decode([]byte(c.body), small, Limits{})
		if c.pixels == nil && c.encoded == nil {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var files []string
		for _, e := range p.Encoded {
			files = append(files, string(e))
		}
		if !slices.Equal(p.Pixels, c.pixels) || !slices.Equal(files, c.encoded) || p.Column != c.column || p.N != len(c.pixels)/6+len(c.encoded) {
			t.Errorf("%s: %+v", name, p.Pictures)
		}
	}
}

func TestPredictRefuses(t *testing.T) {
	const one = `[[[1,2,3]],[[4,5,6]]]`
	for body, want := range map[string]string{
		``:                 "ends too early",
		`[]`:               `want '{'`,
		`{}`:               `neither "instances" nor "inputs"`,
		`{"instances":[]}`: "no picture",
		`{"instances":5}`:  "want an array of pictures",
		`{"instances":[` + one + `],"inputs":[]}`:                           `give one of "instances" and "inputs"`,
		`{"instances":[` + one + `]} x`:                                     "want the end",
		`{"instances":[` + one + `],"extra":1}`:                             `"extra" is no part`,
		`{"instances":[[[[1,2,3]]]]}`:                                       "picture 0: a picture has the shape [1,1,3]: want [2,1,3]",
		`{"instances":[` + one + `,[[[1,2,3],[1,2,3]],[[4,5,6],[1,2,3]]]]}`: "picture 1: a picture has the shape [2,2,3]: want [2,1,3]",
		`{"instances":[[[1,2,3],[4,5,6]]]}`:                                 "a picture has the shape [2,3]: want [2,1,3]",
		`{"instances":[[[[1,2,3]],[[4,5,6,7]]]]}`:                           "want ']'",
		`{"instances":[[[[1,2,"3"]],[[4,5,6]]]]}`:                           "want a value",
		`{"instances":[[[[1,2,1e40]],[[4,5,6]]]]}`:                          "beyond the range of float32",
		`{"instances":[[[[1,2,NaN]],[[4,5,6]]]]}`:                           "want a value",
		`{"instances":["x"]}`:                                               "want nested arrays",
		`{"instances":[{"b64":"a*b="}]}`:                                    "no base64",
		`{"instances":[{"b64":5}]}`:                                         "want a string",
		`{"instances":[{"b64":"","x":1}]}`:                                  `"x" in an encoded picture`,
		`{"instances":[{}]}`:                                                "neither",
		`{"instances":[{"image_bytes":{"b64":""}}]}`:                        `"image_bytes" is no input`,
		`{"instances":[{"pixels":{"b64":""}}]}`:                             "want nested arrays",
		`{"instances":[{"encoded":` + one + `}]}`:                           `want {"b64": "…"}`,
		`{"instances":[{"pixels":` + one + `,"encoded":{"b64":""}}]}`:       "give one of",
		`{"instances":[` + one + `,{"b64":""}]}`:                            "mixed",
		`{"instances":[{"b64":""},` + one + `]}`:                            "mixed",
		`{"inputs":{"pixels":[` + one + `],"encoded":[{"b64":""}]}}`:        "give one of",
		`{"inputs":{}}`: "neither",
		`{"instances":[` + strings.Repeat(one+",", 3) + one + `]}`: "4 pictures are too much for one request: at most 3",
	} {
		var p Predict
		err := p.Decode([]byte(body), small, Limits{Pictures: 3})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	var p Predict
	if err := p.Decode([]byte(`{"instances":[{"b64":""},{"b64":""}]}`), small, Limits{Pictures: 1}); !errors.Is(err, ErrTooMuch) {
		t.Errorf("%v is not ErrTooMuch", err)
	}
}

// TestPredictAgain makes sure that nothing of one request is seen in the next.
func TestPredictAgain(t *testing.T) {
	var p Predict
	bodies := []string{
		`{"signature_name":"x","inputs":{"encoded":[{"b64":"aGVsbG8="}]}}`, `{"instances":[[[[1,2,3]],[[4,5,6]]]]}`, `{"instances":[{"b64":"aGVsbG8="}]}`,
	}
	for range 3 {
		for i, body := range bodies {
			if err := p.Decode([]byte(body), small, Limits{}); err != nil {
				t.Fatal(err)
			}
			if p.N != 1 || (p.Pixels != nil) == (p.Encoded != nil) || (p.Pixels != nil) != (i == 1) || p.Column != (i == 0) || (p.Signature != "") != (i == 0) {
				t.Fatalf("%d: %+v", i, p)
			}
			if p.Decode([]byte(`{"instances":[`), small, Limits{}) == nil {
				t.Fatal("no error")
			}
		}
	}
}

func TestAppendPredictions(t *testing.T) {
	scores := []float32{0.1, 0.9, 1e-9, 1, 0, 0.33333334}
	for column, name := range map[bool]string{false: "predictions", true: "outputs"} {
		var got map[string][][]float32
		if err := json.Unmarshal(AppendPredictions(nil, column, scores, 2), &got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(slices.Concat(got[name]...), scores) || len(got[name]) != 3 {
			t.Errorf("%v", got)
		}
	}
}

func FuzzPredict(f *testing.F) {
	for _, seed := range []string{
		`{"instances":[[[[1,2,3]],[[4,5,6]]]]}`, `{"instances":[{"b64":"aGVsbG8="},{"b64":"\/w=="}]}`, `{"inputs":{"pixels":[[[[1,2,3]],[[4,5,6]]]]}}`,
		`{"signature_name":"a","instances":[{"encoded":{"b64":""}}]}`, `{"instances":[[[[[[[[[]]]]]]]]]}`,
	} {
		f.Add([]byte(seed))
	}
	limits := Limits{Pictures: 3}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p Predict
		if p.Decode(body, small, limits) != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatal("taken, and no JSON")
		}
		if p.N < 1 || p.N > 3 || len(p.Encoded)+len(p.Pixels)/small.Len() != p.N || cap(p.arena) > 2*len(body)+16 {
			t.Fatalf("%+v", p.Pictures)
		}
	})
}

// predictBody is a request of n pictures of a 128 x 128 base, with the digits
// that Python's json writes of float32 pixels.
func predictBody(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.WriteString(`{"signature_name": "serving_default", "instances": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		for y := range 128 {
			b.WriteString([]string{"[", ", "}[min(y, 1)])
			for x := range 128 {
				b.WriteString([]string{"[", ", "}[min(x, 1)])
				v := func() float64 { return float64(float32(random.IntN(256))/127.5 - 1) }
				fmt.Fprintf(&b, "[%v, %v, %v]", v(), v(), v())
			}
			b.WriteString("]")
		}
		b.WriteString("]")
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func BenchmarkPredictPixels(b *testing.B) {
	body := predictBody(1)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var p Predict
	for b.Loop() {
		if err := p.Decode(body, Shape{128, 128}, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPredictPixelsReflected is the same request read by encoding/json.
func BenchmarkPredictPixelsReflected(b *testing.B) {
	body := predictBody(1)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var p struct {
		Instances [][128][128][3]float32 `json:"instances"`
	}
	for b.Loop() {
		p.Instances = p.Instances[:0]
		if err := json.Unmarshal(body, &p); err != nil {
			b.Fatal(err)
		}
	}
}
