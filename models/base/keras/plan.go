package keras

import (
	"fmt"
	"sync"
)

// unit is a convolution of MobileNetV2 and the batch norm behind it, as Keras
// calls them.
type unit struct {
	conv, norm string
	out        string // the unit's result: of its activation, or of its batch norm
	kind       kind
	stride     int
	relu       bool   // Relu6 behind it
	add        string // the sum with the block's input, if there is one: last unit of a block
	stage      int    // of a project unit: those of a stage are equally wide
}

// kind is the role of a unit in its block.
type kind int

const (
	stem kind = iota
	expand
	depthwise
	project
	last
)

// expansion is how much wider a block is inside than at its ends, but the first.
const expansion = 6

// stages are the blocks of MobileNetV2, from table 2 of "MobileNetV2: Inverted
// Residuals and Linear Bottlenecks" (arXiv 1801.04381): how wide they are at
// width 1, how many, and the stride of the first.
var stages = [...]struct{ width, blocks, stride int }{
	{16, 1, 1}, {24, 2, 2}, {32, 3, 2}, {64, 4, 2}, {96, 3, 1}, {160, 3, 2}, {320, 1, 1},
}

// The widths of what comes before and after the stages, at width 1.
const (
	stemWidth = 32
	lastWidth = 1280
)

// plan lists the units in the order in which they run.
var plan = sync.OnceValue(makePlan)

// known holds the names of all layers that have weights.
var known = sync.OnceValue(makeKnown)

func makePlan() []unit {
	list := []unit{{conv: "Conv1", norm: "bn_Conv1", out: "Conv1_relu", kind: stem, stride: 2, relu: true}}
	block := 0
	for i, s := range stages {
		for n := range s.blocks {
			prefix := fmt.Sprintf("block_%d_", block)
			if block == 0 {
				prefix = "expanded_conv_"
			}
			add := func(role string, kind kind, stride int, relu bool) *unit {
				u := unit{conv: prefix + role, norm: prefix + role + "_BN", kind: kind, stride: stride, relu: relu, stage: i}
				u.out = u.norm
				if relu {
					u.out = u.conv + "_relu"
				}
				list = append(list, u)
				return &list[len(list)-1]
			}
			stride := 1
			if n == 0 {
				stride = s.stride
			}
			if block > 0 {
				add("expand", expand, 1, true)
			}
			add("depthwise", depthwise, stride, true)
			u := add("project", project, 1, false)
			if stride == 1 {
				u.add = prefix + "add"
			}
			block++
		}
	}
	return append(list, unit{conv: "Conv_1", norm: "Conv_1_bn", out: "out_relu", kind: last, stride: 1, relu: true})
}

func makeKnown() map[string]bool {
	names := map[string]bool{}
	for _, u := range plan() {
		names[u.conv], names[u.norm] = true, true
	}
	return names
}
