package quantise

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/edge-adapt/edge/tflite/file"
)

// kernel is the weights of an operator with what is needed to quantise them.
type kernel struct {
	name   string
	shape  []int32
	values []float32
	axis   int       // of the channels; whole for one scale
	steps  []float32 // by channel, or one
	inner  int       // values between one channel and the next
}

func newKernel(t *file.Tensor, values []float32, axis int) *kernel {
	k := &kernel{name: t.Name, shape: t.Shape, values: values, axis: axis, inner: len(values), steps: make([]float32, 1)}
	if axis != whole {
		k.inner = 1
		for _, d := range t.Shape[axis+1:] {
			k.inner *= int(d)
		}
		k.steps = make([]float32, t.Shape[axis])
	}
	for i, v := range values {
		c := k.channel(i)
		k.steps[c] = max(k.steps[c], float32(math.Abs(float64(v)))/127)
	}
	for c := range k.steps {
		k.steps[c] = max(k.steps[c], smallest)
	}
	return k
}

// channel returns the index into steps that value i belongs to.
func (k *kernel) channel(i int) int { return i / k.inner % len(k.steps) }

// coarsest returns the largest step.
func (k *kernel) coarsest() float32 {
	var most float32
	for _, s := range k.steps {
		most = max(most, s)
	}
	return most
}

// widen makes the steps large enough for the arithmetic of the kernels: a bias,
// counted in steps of input times weight, fits well into 32 bits, and that
// product is no vanishing part of a step of the output. What channels that have
// next to no weights lose by it lies far below one step of the output.
func (k *kernel) widen(bias []float32, in, out float32) {
	least := out / in * 0x1p-24
	for c := range k.steps {
		k.steps[c] = max(k.steps[c], least)
	}
	for i, b := range bias {
		c := min(i, len(k.steps)-1)
		k.steps[c] = max(k.steps[c], float32(math.Abs(float64(b))/float64(in))*0x1p-30)
	}
}

// tensor returns the weights as int8, from -127 to 127.
func (k *kernel) tensor() file.Tensor {
	data := make([]byte, len(k.values))
	for i, v := range k.values {
		n := math.RoundToEven(float64(v) / float64(k.steps[k.channel(i)]))
		data[i] = byte(int8(min(max(n, -127), 127)))
	}
	return file.Tensor{
		Name: k.name, Shape: k.shape, Type: file.Int8, Data: data,
		Quantisation: &file.Quantisation{Scale: k.steps, ZeroPoint: make([]int64, len(k.steps)), Dimension: max(k.axis, 0)},
	}
}

// correct takes from bias what rounding the weights adds to the mean of each
// output: the sum of (rounded - weight) * mean of its input. means has an element
// for each input channel; with another number of them nothing is done. At the
// edges of a picture, where the window reads zeros, it takes too much.
func (k *kernel) correct(bias []float32, rounded []byte, means []float32) {
	outputs, inputs := len(bias), int(k.shape[len(k.shape)-1])
	if k.axis == depthwise {
		inputs = len(means)
	}
	if len(means) == 0 || len(means) != inputs || outputs%inputs != 0 && k.axis == depthwise {
		return
	}
	shift := make([]float64, outputs)
	for i, v := range k.values {
		wrong := float64(int8(rounded[i]))*float64(k.steps[k.channel(i)]) - float64(v)
		if k.axis == depthwise {
			shift[i%outputs] += wrong * float64(means[i%outputs/(outputs/inputs)])
		} else {
			shift[i/(len(k.values)/outputs)] += wrong * float64(means[i%inputs])
		}
	}
	for c := range bias {
		bias[c] -= float32(shift[c])
	}
}

// bias returns the bias as int32, each in steps of input times weight.
func (k *kernel) bias(t *file.Tensor, values []float32, in float32) (file.Tensor, error) {
	steps := make([]float32, len(k.steps))
	for c, s := range k.steps {
		if steps[c] = s * in; !finite(steps[c]) {
			return file.Tensor{}, fmt.Errorf("%q has weights too large to quantise", k.name)
		}
	}
	var data []byte
	for i, v := range values {
		n := math.RoundToEven(float64(v) / float64(steps[min(i, len(steps)-1)]))
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(min(max(n, math.MinInt32), math.MaxInt32))))
	}
	return file.Tensor{
		Name: t.Name, Shape: t.Shape, Type: file.Int32, Data: data,
		Quantisation: &file.Quantisation{Scale: steps, ZeroPoint: make([]int64, len(steps))},
	}, nil
}
