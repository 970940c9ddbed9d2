package file

import "math"

// macs returns the multiply-accumulates of an operator for one picture, the
// first dimension of its output being the batch: 0 for operators that mix nothing.
func (g *Subgraph) macs(o *Operator) int64 {
	if len(o.Inputs) < 2 || len(o.Outputs) < 1 || o.Inputs[1] < 0 {
		return 0
	}
	weights, out := g.Tensors[o.Inputs[1]].Shape, g.Tensors[o.Outputs[0]].Shape
	if len(out) == 0 {
		return 0
	}
	picture := elements(out[1:])
	switch o.Code {
	case OpConv2D: // weights [out, h, w, in]
		if len(weights) == 4 {
			return product(picture, elements(weights[1:]))
		}
	case OpDepthwiseConv2D: // weights [1, h, w, channels]
		if len(weights) == 4 {
			return product(picture, int64(weights[1]), int64(weights[2]))
		}
	case OpFullyConnected: // weights [units, in]
		if len(weights) == 2 {
			return product(picture, int64(weights[1]))
		}
	case OpTransposeConv: // weights [out, h, w, in], applied at every input position
		if len(weights) == 4 && len(o.Inputs) > 2 && o.Inputs[2] >= 0 {
			if in := g.Tensors[o.Inputs[2]].Shape; len(in) == 4 {
				return product(int64(in[1]), int64(in[2]), elements(weights))
			}
		}
	}
	return 0
}

// product multiplies, stopping at the largest int64. A negative factor, which
// stands for "too large", gives that too.
func product(factors ...int64) int64 {
	n := int64(1)
	for _, f := range factors {
		if f == 0 {
			return 0
		}
		if f < 0 || n > math.MaxInt64/f {
			n = math.MaxInt64
			continue
		}
		n *= f
	}
	return n
}

// addSaturated adds what is not negative, stopping at the largest int64.
func addSaturated(a, b int64) int64 {
	if b < 0 || a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
