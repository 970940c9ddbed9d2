package quantise

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/tflite/file"
)

// Well-formed models with something wrong in them are refused or converted into
// something that can be written, and nothing panics. Bytes changed at random
// seldom get so far: FuzzModel is for those.
func TestMutants(t *testing.T) {
	origins := operators()
	for _, name := range []string{"pooled_float16", "hidden", "flattened_batch"} {
		origins[name] = committed(t, name)
	}
	count := 400
	if testing.Short() {
		count = 40
	}
	random := rand.New(rand.NewPCG(5, 6))
	refused, done := 0, 0
	for name, origin := range origins {
		data := must(origin.Encode())
		for range count {
			m := must(file.Parse(data))
			for range 1 + random.IntN(3) {
				mutate(random, m.Main())
			}
			if _, err := m.Encode(); err != nil {
				continue
			}
			tensors, err := Tensors(m)
			if err != nil {
				refused++
				continue
			}
			ranges := map[int]Range{}
			for _, i := range tensors {
				r := Range{Min: -random.Float32(), Max: random.Float32() * 1e-6}
				if random.IntN(2) == 0 {
					r.Means = noise(channels(&m.Main().Tensors[i]))
				}
				ranges[i] = r
			}
			_, _ = NewCalibration(m)
			q, err := Model(m, ranges, Options{FloatBorder: random.IntN(2) == 0})
			if err != nil {
				refused++
				continue
			}
			done++
			again, err := q.Encode()
			if err != nil {
				t.Fatalf("%s: what was converted cannot be written: %v", name, err)
			}
			if _, err := file.Parse(again); err != nil {
				t.Fatalf("%s: what was converted cannot be read: %v", name, err)
			}
		}
	}
	t.Logf("%d refused, %d converted", refused, done)
	if refused < count || done < count {
		t.Errorf("%d refused, %d converted: the mutants are all alike", refused, done)
	}
}

// mutate changes one thing in g.
func mutate(random *rand.Rand, g *file.Subgraph) {
	tensor := func() int { return random.IntN(len(g.Tensors)) }
	x := &g.Tensors[tensor()]
	o := &g.Operators[random.IntN(len(g.Operators))]
	switch random.IntN(10) {
	case 0:
		o.Inputs[random.IntN(len(o.Inputs))] = tensor() - random.IntN(2)
	case 1:
		o.Outputs[0] = tensor()
	case 2:
		o.Inputs = o.Inputs[:random.IntN(len(o.Inputs))+1]
	case 3:
		o.Inputs = append(o.Inputs, tensor())
	case 4:
		codes := []file.OpCode{file.OpPad, file.OpRelu, file.OpHardSwish, file.OpLogistic, opShape}
		o.Code, o.Options = codes[random.IntN(len(codes))], nil
	case 5:
		x.Type = []file.TensorType{file.Float32, file.Float16, file.Int32, file.Int8}[random.IntN(4)]
	case 6:
		x.Shape = slices.Clone(x.Shape)
		slices.Reverse(x.Shape)
		x.ShapeSignature = nil
	case 7:
		x.Shape, x.ShapeSignature = []int32{int32(random.IntN(3)), 0}, nil
		x.Data = nil
	case 8:
		x.Data = nil
	case 9:
		g.Inputs, g.Outputs = append(g.Inputs, tensor()), append(g.Outputs, tensor())
	}
	if len(o.Inputs) == 0 {
		o.Inputs = []int{-1}
	}
}
