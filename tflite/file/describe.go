package file

import (
	"fmt"
	"strings"
)

func (p Padding) String() string {
	switch p {
	case Same:
		return "same"
	case Valid:
		return "valid"
	}
	return fmt.Sprintf("padding %d", int8(p))
}

func (a Activation) String() string {
	names := [...]string{"", "relu", "relu_n1_to_1", "relu6", "tanh", "sign_bit"}
	if a < 0 || int(a) >= len(names) {
		return fmt.Sprintf("activation %d", int8(a))
	}
	return names[a]
}

// describe puts an operator's options into words, leaving out what is usual.
func (g *Subgraph) describe(o *Operator) string {
	var words []string
	say := func(format string, args ...any) {
		if s := fmt.Sprintf(format, args...); s != "" {
			words = append(words, s)
		}
	}
	flag := func(set bool, name string) {
		if set {
			words = append(words, name)
		}
	}
	switch v := o.Options.(type) {
	case Conv2DOptions:
		say("%s", g.kernel(o))
		say("%s", pair("stride", v.StrideH, v.StrideW))
		say("%s", pair("dilation", v.DilationH, v.DilationW))
		say("%s", v.Padding)
		say("%s", v.Activation)
	case DepthwiseConv2DOptions:
		say("%s", g.kernel(o))
		say("%s", pair("stride", v.StrideH, v.StrideW))
		say("%s", pair("dilation", v.DilationH, v.DilationW))
		flag(v.DepthMultiplier > 1, fmt.Sprintf("multiplier %d", v.DepthMultiplier))
		say("%s", v.Padding)
		say("%s", v.Activation)
	case TransposeConvOptions:
		say("%s", g.kernel(o))
		say("%s", pair("stride", v.StrideH, v.StrideW))
		say("%s", v.Padding)
		say("%s", v.Activation)
	case Pool2DOptions:
		say("%dx%d", v.FilterHeight, v.FilterWidth)
		say("%s", pair("stride", v.StrideH, v.StrideW))
		say("%s", v.Padding)
		say("%s", v.Activation)
	case FullyConnectedOptions:
		flag(v.KeepNumDims, "keeps dimensions")
		flag(v.WeightsFormat != 0, "shuffled weights")
		flag(v.AsymmetricQuantiseInputs, "asymmetric inputs")
		say("%s", v.Activation)
	case AddOptions:
		say("%s", v.Activation)
	case SubOptions:
		say("%s", v.Activation)
	case MulOptions:
		say("%s", v.Activation)
	case DivOptions:
		say("%s", v.Activation)
	case L2NormOptions:
		say("%s", v.Activation)
	case SoftmaxOptions:
		flag(v.Beta != 1, fmt.Sprintf("beta %g", v.Beta))
	case ReducerOptions:
		flag(v.KeepDims, "keeps dimensions")
	case ReshapeOptions:
		flag(v.NewShape != nil, fmt.Sprintf("to %v", v.NewShape))
	case SqueezeOptions:
		flag(len(v.Dims) > 0, fmt.Sprintf("dimensions %v", v.Dims))
	case ConcatenationOptions:
		say("axis %d", v.Axis)
		say("%s", v.Activation)
	case ResizeBilinearOptions:
		flag(v.AlignCorners, "aligned corners")
		flag(v.HalfPixelCentres, "half-pixel centres")
	case ResizeNearestOptions:
		flag(v.AlignCorners, "aligned corners")
		flag(v.HalfPixelCentres, "half-pixel centres")
	case LeakyReluOptions:
		say("alpha %g", v.Alpha)
	case GeluOptions:
		flag(v.Approximate, "approximate")
	case SplitOptions:
		say("in %d", v.Splits)
	case PackOptions:
		say("%d along axis %d", v.Count, v.Axis)
	case ShapeOptions:
		say("as %s", v.OutType)
	case GatherOptions:
		say("axis %d", v.Axis)
	case BlockOptions:
		say("block %d", v.Size)
	case CastOptions:
		say("%s to %s", v.In, v.Out)
	case CustomOptions:
		say("custom")
	case UnknownOptions:
		say("%s", v.Reason)
	}
	return strings.Join(words, ", ")
}

// kernel returns the height and width of a convolution's weights, "" if unknown.
func (g *Subgraph) kernel(o *Operator) string {
	if len(o.Inputs) < 2 || o.Inputs[1] < 0 {
		return ""
	}
	w := g.Tensors[o.Inputs[1]].Shape
	if len(w) != 4 {
		return ""
	}
	return fmt.Sprintf("%dx%d", w[1], w[2])
}

// pair describes two factors, which are 1 if nothing is said.
func pair(name string, h, w int32) string {
	switch {
	case h <= 1 && w <= 1:
		return ""
	case h == w:
		return fmt.Sprintf("%s %d", name, h)
	}
	return fmt.Sprintf("%s %dx%d", name, h, w)
}
