package quantise

import (
	"fmt"

	"github.com/edge-adapt/edge/tflite/file"
)

// form says how an operator is converted.
type form int

const (
	// weighted: inputs are values, constant weights, and perhaps a bias.
	weighted form = iota + 1
	// elementwise: each of both inputs is values or a constant.
	elementwise
	// rescaling: the output of one input of values has a range of its own.
	rescaling
	// keeping: the output has the scale of the input, by specification.
	keeping
	// bounded: the output has the scale 1/256 from zero on, by specification.
	bounded
)

// rule is what the int8 specification says of an operator.
type rule struct {
	form    form
	version int // of the operator, from which it takes int8
	axis    int // of weights: the dimension with a scale for each index; whole if there is none
}

// whole is the axis of weights with one scale. FULLY_CONNECTED has it although
// newer runtimes know a scale for each row: that came without a version of its
// own, so that older ones compute something else and do not say so.
const whole = -1

// depthwise is the axis of weights that read one input channel each.
const depthwise = 3

var rules = map[file.OpCode]rule{
	file.OpConv2D:          {form: weighted, version: 3, axis: 0},
	file.OpDepthwiseConv2D: {form: weighted, version: 3, axis: depthwise},
	file.OpFullyConnected:  {form: weighted, version: 4, axis: whole},
	file.OpAdd:             {form: elementwise, version: 2},
	file.OpMul:             {form: elementwise, version: 2},
	file.OpMean:            {form: rescaling, version: 2},
	file.OpRelu:            {form: rescaling, version: 2},
	file.OpRelu6:           {form: rescaling, version: 2},
	file.OpHardSwish:       {form: rescaling, version: 1},
	file.OpAveragePool2D:   {form: keeping, version: 2},
	file.OpMaxPool2D:       {form: keeping, version: 2},
	file.OpPad:             {form: keeping, version: 2},
	file.OpReshape:         {form: keeping, version: 1},
	file.OpSqueeze:         {form: keeping, version: 1},
	file.OpSoftmax:         {form: bounded, version: 2},
	file.OpLogistic:        {form: bounded, version: 2},
}

// boundedScale is the specification's for probabilities.
var boundedScale = scale{step: 1.0 / 256, zero: -128}

// activation returns the function that o applies to its result.
func activation(o *file.Operator) (file.Activation, error) {
	switch o.Code {
	case file.OpRelu:
		return file.Relu, nil
	case file.OpRelu6:
		return file.Relu6, nil
	}
	switch v := o.Options.(type) {
	case file.Conv2DOptions:
		return v.Activation, nil
	case file.DepthwiseConv2DOptions:
		return v.Activation, nil
	case file.FullyConnectedOptions:
		if v.WeightsFormat != 0 {
			return 0, fmt.Errorf("its weights are shuffled")
		}
		return v.Activation, nil
	case file.Pool2DOptions:
		return v.Activation, nil
	case file.AddOptions:
		return v.Activation, nil
	case file.MulOptions:
		return v.Activation, nil
	}
	return file.NoActivation, nil
}
