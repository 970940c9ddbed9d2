package onnx

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune/network"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/export/onnx/internal/schema"
	"github.com/edge-adapt/edge/tflite/file"

	"google.golang.org/protobuf/proto"
)

func TestRefusesQuantised(t *testing.T) {
	for _, name := range []string{"file/testdata/pooled_int8", "file/testdata/pooled_uint8", "file/testdata/hidden_int8", "testdata/dynamic_range"} {
		_, err := Convert(parsed(t, read(t, "../../../tflite/"+name+".tflite")), Options{})
		if !errors.Is(err, network.ErrQuantised) || !strings.Contains(hint.Of(err), "float model") {
			t.Errorf("%s: %v, hint %q", name, err, hint.Of(err))
		}
	}
}

func TestRefuses(t *testing.T) {
	with := func(code file.OpCode, o file.Options, shape []int32) *file.Model {
		c := &chain{*every().Main()}
		c.then(code, o, shape)
		return c.model()
	}
	tanh := func() *file.Model {
		c := &chain{*every().Main()}
		c.then(file.OpMul, file.MulOptions{Activation: file.Tanh}, []int32{1, 7}, c.weight(7))
		return c.model()
	}
	for _, c := range []struct {
		what  string
		model *file.Model
		o     Options
		want  string
	}{
		{"an operator", parsed(t, read(t, "../../../tflite/file/testdata/flattened.tflite")), Options{}, "MAX_POOL_2D: this operator cannot be exported"},
		{"another operator", with(file.OpLogSoftmax, nil, []int32{1, 7}), Options{}, "LOG_SOFTMAX: this operator cannot be exported"},
		{"an activation", tanh(), Options{}, "the activation tanh cannot be exported"},
		{"beta", with(file.OpSoftmax, file.SoftmaxOptions{Beta: float32(math.NaN())}, []int32{1, 7}), Options{}, "its beta is no positive number"},
		{"no options", with(file.OpSoftmax, nil, []int32{1, 7}), Options{}, "its options are missing"},
		{"a shape", with(file.OpSoftmax, file.SoftmaxOptions{Beta: 1}, []int32{1, 8}), Options{}, "its output has shape [1 8] in the file"},
		{"labels", every(), Options{Labels: []string{"a", "b"}}, "2 labels for 7 scores"},
		{"no operator", newChain(1, 4, 4, 3).model(), Options{}, "it has none"},
		{"no output", func() *file.Model { m := every(); m.Main().Outputs = nil; return m }(), Options{}, "it has 0 outputs"},
	} {
		data, err := Convert(c.model, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) || data != nil {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
	_, err := Convert(parsed(t, read(t, "../../../tflite/file/testdata/flattened.tflite")), Options{})
	if h := hint.Of(err); !strings.Contains(h, "CONV_2D") || !strings.Contains(h, "SOFTMAX") {
		t.Errorf("hint %q", h)
	}
}

// FuzzConvert looks for models that file.Parse accepts and that make Convert
// panic, hang, or write what is no ONNX.
func FuzzConvert(f *testing.F) {
	f.Add(encoded(f, every()))
	for _, name := range []string{"pooled", "hidden", "convolution", "pooled_float16"} {
		f.Add(read(f, "../../../tflite/file/testdata/"+name+".tflite"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := file.Parse(data)
		if err != nil {
			return
		}
		model, err := Convert(m, Options{})
		if err != nil {
			return
		}
		if len(model) > 64*len(data)+1<<16 {
			t.Errorf("%d bytes become %d", len(data), len(model))
		}
		consistent(t, model)
	})
}

// consistent fails unless every value of the graph is made once, before it is
// read.
func consistent(t *testing.T, data []byte) {
	var m schema.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	produce := func(name string) {
		if made[name] {
			t.Errorf("%q is made twice", name)
		}
		made[name] = true
	}
	produce(m.Graph.Input[0].GetName())
	for _, i := range m.Graph.Initializer {
		produce(i.GetName())
	}
	for _, n := range m.Graph.Node {
		for _, in := range n.Input {
			if !made[in] {
				t.Errorf("%s reads %q before it is made", n.GetName(), in)
			}
		}
		produce(n.Output[0])
	}
	if out := m.Graph.Output[0].GetName(); !made[out] {
		t.Errorf("the output %q is not made", out)
	}
}

// TestMutants changes some bytes of models at random, a thousand times each.
func TestMutants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	seeds := [][]byte{encoded(t, every())}
	for _, name := range []string{"pooled", "hidden", "pooled_float16"} {
		seeds = append(seeds, read(t, "../../../tflite/file/testdata/"+name+".tflite"))
	}
	var exported int
	for _, seed := range seeds {
		for range 1000 {
			data := bytes.Clone(seed)
			for range 1 + random.IntN(4) {
				data[random.IntN(len(data))] = byte(random.IntN(256))
			}
			m, err := file.Parse(data)
			if err != nil {
				continue
			}
			if model, err := Convert(m, Options{}); err == nil {
				exported++
				consistent(t, model)
			}
		}
	}
	if exported < 100 {
		t.Errorf("%d mutants were exported: hardly any was looked at", exported)
	}
}

// An operator without options of its own may carry those of another.
func TestOptionsOfAnother(t *testing.T) {
	c := &chain{*every().Main()}
	c.then(file.OpRelu, file.Conv2DOptions{StrideH: 1, StrideW: 1}, []int32{1, 7})
	consistent(t, converted(t, encoded(t, c.model()), Options{}))
}

func TestConsistent(t *testing.T) {
	for _, m := range []*file.Model{every(), withHead(t, read(t, embedded), 5)} {
		consistent(t, converted(t, encoded(t, m), Options{}))
	}
}
