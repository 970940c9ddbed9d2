package base

import "github.com/edge-adapt/edge/tflite/file"

// dynamicRange reports whether the model has 8-bit weights between float values:
// quantised while it runs, which is slower than float and less exact.
func dynamicRange(m *file.Model) bool {
	g := m.Main()
	for i := range g.Operators {
		o := &g.Operators[i]
		switch o.Code {
		case file.OpConv2D, file.OpDepthwiseConv2D, file.OpFullyConnected:
		default:
			continue
		}
		if len(o.Inputs) < 2 || o.Inputs[0] < 0 || o.Inputs[1] < 0 {
			continue
		}
		weights := g.Tensors[o.Inputs[1]].Type
		if g.Tensors[o.Inputs[0]].Type == file.Float32 && (weights == file.Int8 || weights == file.UInt8) {
			return true
		}
	}
	return false
}
