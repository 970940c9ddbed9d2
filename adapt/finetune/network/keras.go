package network

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/edge-adapt/edge/tflite/file"
)

// names are what Keras calls the layers that one operator stands for. An empty
// one says that there is no such layer.
type names struct {
	pad        string // a ZeroPadding2D before it, which the operator does itself
	layer      string // the kernel, or the operation
	norm       string // the batch norm folded into it
	activation string // fused into it
}

// The roles that a layer can have in the families whose names are known. A
// network is matched as a string of them.
const (
	roleStem      = 'c' // convolution with a window and an activation
	rolePointwise = 'e' // 1x1 convolution with an activation
	roleProject   = 'p' // 1x1 convolution without one
	roleDepthwise = 'd' // 3x3 depthwise convolution with an activation
	roleAdd       = 'a' // of two inputs
	rolePad       = 'z'
	roleOther     = 'x'
)

func role(l *Layer) byte {
	active := l.Activation != file.NoActivation
	switch l.Code {
	case file.OpConv2D:
		one := l.Kernel.Shape[1] == 1 && l.Kernel.Shape[2] == 1
		switch {
		case one && !active:
			return roleProject
		case one:
			return rolePointwise
		case active:
			return roleStem
		}
	case file.OpDepthwiseConv2D:
		if active && l.Kernel.Shape[1] == 3 && l.Kernel.Shape[2] == 3 {
			return roleDepthwise
		}
	case file.OpAdd:
		if len(l.Inputs) == 2 && !active {
			return roleAdd
		}
	case file.OpPad:
		return rolePad
	}
	return roleOther
}

// family is an architecture of keras.applications.
type family struct {
	structure *regexp.Regexp // of roles; what follows it has no names of its own
	name      func(layers []Layer, roles string) []names
}

// The structures of MobileNetV1 and V2 of any width and number of blocks.
// Behind them may come what pools the features, which holds none of the roles.
var families = []family{
	{regexp.MustCompile(`^z?c(z?de)+x*$`), mobileNetV1},
	{regexp.MustCompile(`^z?cz?dp(ez?dpa?)+ex*$`), mobileNetV2},
}

// kerasNames returns the names of every layer.
func (n *Network) kerasNames() []names {
	layers := n.Layers
	var b strings.Builder
	for i := range layers {
		b.WriteByte(role(&layers[i]))
	}
	roles := b.String()
	all := make([]names, len(layers))
	for _, f := range families {
		if f.structure.MatchString(roles) {
			copy(all, f.name(layers, strings.TrimRight(roles, string(roleOther))))
			break
		}
	}
	numbers := map[string]int{}
	for i := range layers {
		if all[i].layer == "" {
			all[i] = n.plain(&layers[i], numbered(numbers, kindName(&layers[i])))
		}
	}
	return all
}

// mobileNetV1 follows keras.applications.MobileNet.
func mobileNetV1(layers []Layer, roles string) []names {
	all := make([]names, len(roles))
	block := 1
	for i := range roles {
		suffix := fmt.Sprintf("_%d", block)
		switch roles[i] {
		case roleStem:
			all[i] = names{layer: "conv1", norm: "conv1_bn", activation: "conv1_relu"}
		case roleDepthwise:
			all[i] = followed("conv_dw"+suffix, "_bn", "_relu")
			all[i].pad = padBefore(layers, i, "conv_pad"+suffix)
		case rolePointwise:
			all[i] = followed("conv_pw"+suffix, "_bn", "_relu")
			block++
		case rolePad:
			all[i].layer = "conv_pad" + suffix
			if i == 0 {
				all[i].layer = "conv1_pad"
			}
		}
	}
	return all
}

// mobileNetV2 follows keras.applications.MobileNetV2.
func mobileNetV2(layers []Layer, roles string) []names {
	all := make([]names, len(roles))
	prefix, block := "expanded_conv", 0
	for i := range roles {
		switch roles[i] {
		case roleStem:
			all[i] = names{layer: "Conv1", norm: "bn_Conv1", activation: "Conv1_relu"}
		case rolePointwise:
			if i == len(roles)-1 {
				all[i] = names{layer: "Conv_1", norm: "Conv_1_bn", activation: "out_relu"}
				break
			}
			block++
			prefix = fmt.Sprintf("block_%d", block)
			all[i] = followed(prefix+"_expand", "_BN", "_relu")
		case roleDepthwise:
			all[i] = followed(prefix+"_depthwise", "_BN", "_relu")
			all[i].pad = padBefore(layers, i, prefix+"_pad")
		case roleProject:
			all[i] = followed(prefix+"_project", "_BN", "_relu")
		case roleAdd:
			all[i].layer = prefix + "_add"
		case rolePad:
			all[i].layer = prefix + "_pad"
			if i == 0 {
				all[i].layer = "Conv1_pad"
			}
		}
	}
	return all
}

func followed(layer, norm, activation string) names {
	return names{layer: layer, norm: layer + norm, activation: layer + activation}
}

// padBefore returns name if Keras pads before layer i and the converter has made
// the padding part of its stride.
func padBefore(layers []Layer, i int, name string) string {
	v, _ := layers[i].Options.(file.DepthwiseConv2DOptions)
	if v.StrideH == 1 || layers[i-1].Code == file.OpPad {
		return ""
	}
	return name
}

// plain are the names of a layer that no family covers, built around its own.
// A convolution of a single pixel, as in squeeze-and-excitation, has no norm.
func (n *Network) plain(l *Layer, layer string) names {
	s := n.Shape(l.Inputs[0])
	all := followed(layer, "_bn", "_"+l.Activation.String())
	if convolution := l.Code == file.OpConv2D || l.Code == file.OpDepthwiseConv2D; !convolution || s[0]*s[1] == 1 {
		all.norm = ""
	}
	return all
}

// kindName is what Keras calls a layer of this kind that was given no name.
func kindName(l *Layer) string {
	switch l.Code {
	case file.OpConv2D:
		return "conv2d"
	case file.OpDepthwiseConv2D:
		return "depthwise_conv2d"
	case file.OpFullyConnected:
		return "dense"
	case file.OpAdd:
		return "add"
	case file.OpMul:
		return "multiply"
	case file.OpPad:
		return "zero_padding2d"
	case file.OpMean:
		return "global_average_pooling2d"
	case file.OpAveragePool2D:
		return "average_pooling2d"
	case file.OpRelu, file.OpRelu6:
		return "re_lu"
	case file.OpHardSwish:
		return "activation"
	}
	return strings.ToLower(l.Code.String())
}

// numbered returns kind for the first of a kind, then kind_1, kind_2 …
func numbered(numbers map[string]int, kind string) string {
	n := numbers[kind]
	numbers[kind]++
	if n == 0 {
		return kind
	}
	return fmt.Sprintf("%s_%d", kind, n)
}
