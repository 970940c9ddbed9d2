package network

import "github.com/edge-adapt/edge/tflite/file"

// RuntimeBytes is what the trainer takes whatever the model: TensorFlow 2.21's
// libraries and threads, 300 MiB on x86-64, and what it and Go's collector hold
// on to while steps run, about 100.
const RuntimeBytes = 400 << 20

// Memory estimates the trainer's peak in bytes with batches of the given size,
// without what the caller keeps: pictures, frontier rows, features. It is good
// for choosing a machine, not for filling one: for MobileNetV2 1.0 at 128 pixels
// it says 1064 and 1678 MiB for steps of 32 and 64 pictures through every layer,
// which took 1115 and 1734; through the top half 624, which took 631.
func (p *Plan) Memory(batch int) int64 {
	return RuntimeBytes + p.WeightBytes + int64(batch)*p.ActivationBytes
}

// memory returns the bytes that weights take, and what one picture of a batch
// takes.
//
// Every weight is in the file, here as a Weight, and once more where it runs: a
// frozen one as a constant, a trained one with its gradient and Adam's two
// moments. Of the top TensorFlow keeps the outputs until their gradients are
// computed, from before and after the activation, and on the way back the
// largest twice more. The prefix, which keeps nothing, needs its largest layer's
// input and output.
func (n *Network) memory(s *Selection) (weights, picture int64) {
	var kept, largest, prefix int64
	for i := range n.Layers {
		l := &n.Layers[i]
		for _, w := range []*Weight{l.Kernel, l.Bias} {
			weights += 3 * 4 * w.size()
		}
		for _, w := range s.trained(l, i) {
			weights += 3 * 4 * w.size()
		}
		out := 4 * int64(product(n.Shape(l.Output)))
		if i < s.First {
			prefix = max(prefix, out+4*int64(product(n.Shape(l.Inputs[0]))))
			continue
		}
		kept += out
		if l.Activation != file.NoActivation {
			kept += out
		}
		largest = max(largest, out)
	}
	return weights, prefix + kept + 2*largest
}
