package file

// Options are the parameters of an operator. The slot tags give the field's
// number in the flatbuffer table and, after a comma, its default where that is
// not zero; "zero" says that zero stands for the default.
type Options interface {
	kind() optionsKind
}

// Padding says what happens at the edges of a picture.
type Padding int8

// Same keeps ceil(size/stride) positions by adding zeros; Valid adds none.
const (
	Same Padding = iota
	Valid
)

// Activation is the function an operator applies to its result.
type Activation int8

// The fused activations.
const (
	NoActivation Activation = iota
	Relu
	ReluN1To1
	Relu6
	Tanh
	SignBit
)

// Conv2DOptions belongs to CONV_2D.
// Weights are [output channels, height, width, input channels].
type Conv2DOptions struct {
	Padding           Padding    `slot:"0"`
	StrideW           int32      `slot:"1"`
	StrideH           int32      `slot:"2"`
	Activation        Activation `slot:"3"`
	DilationW         int32      `slot:"4,1,zero"` // zero means 1
	DilationH         int32      `slot:"5,1,zero"` // zero means 1
	QuantisedBiasType TensorType `slot:"6"`
}

// DepthwiseConv2DOptions belongs to DEPTHWISE_CONV_2D.
// Weights are [1, height, width, input channels * DepthMultiplier].
type DepthwiseConv2DOptions struct {
	Padding         Padding    `slot:"0"`
	StrideW         int32      `slot:"1"`
	StrideH         int32      `slot:"2"`
	DepthMultiplier int32      `slot:"3"`
	Activation      Activation `slot:"4"`
	DilationW       int32      `slot:"5,1,zero"` // zero means 1
	DilationH       int32      `slot:"6,1,zero"` // zero means 1
}

// TransposeConvOptions belongs to TRANSPOSE_CONV.
type TransposeConvOptions struct {
	Padding           Padding    `slot:"0"`
	StrideW           int32      `slot:"1"`
	StrideH           int32      `slot:"2"`
	Activation        Activation `slot:"3"`
	QuantisedBiasType TensorType `slot:"4"`
}

// Pool2DOptions belongs to AVERAGE_POOL_2D, MAX_POOL_2D and L2_POOL_2D.
type Pool2DOptions struct {
	Padding      Padding    `slot:"0"`
	StrideW      int32      `slot:"1"`
	StrideH      int32      `slot:"2"`
	FilterWidth  int32      `slot:"3"`
	FilterHeight int32      `slot:"4"`
	Activation   Activation `slot:"5"`
}

// FullyConnectedOptions belongs to FULLY_CONNECTED.
// Weights are [units, inputs]: each row makes one output.
type FullyConnectedOptions struct {
	Activation               Activation `slot:"0"`
	WeightsFormat            int8       `slot:"1"` // 0: as the shape says; 1: shuffled 4x16 int8
	KeepNumDims              bool       `slot:"2"`
	AsymmetricQuantiseInputs bool       `slot:"3"`
	QuantisedBiasType        TensorType `slot:"4"`
}

// SoftmaxOptions belongs to SOFTMAX: exp(Beta*x) over its sum along the last dimension.
type SoftmaxOptions struct {
	Beta float32 `slot:"0"` // 1 in practice
}

// AddOptions belongs to ADD.
type AddOptions struct {
	Activation Activation `slot:"0"`

	// AnyScaleInt16 concerns int16 tensors only: their scales need not be
	// powers of two. The file stores its opposite, true by default.
	AnyScaleInt16 bool `slot:"1,1,not"`
}

// SubOptions belongs to SUB.
type SubOptions struct {
	Activation    Activation `slot:"0"`
	AnyScaleInt16 bool       `slot:"1,1,not"` // as in AddOptions
}

// MulOptions belongs to MUL.
type MulOptions struct {
	Activation Activation `slot:"0"`
}

// DivOptions belongs to DIV.
type DivOptions struct {
	Activation Activation `slot:"0"`
}

// L2NormOptions belongs to L2_NORMALIZATION.
type L2NormOptions struct {
	Activation Activation `slot:"0"`
}

// ReducerOptions belongs to MEAN, SUM, REDUCE_MAX and their like; the second
// input holds the dimensions to reduce.
type ReducerOptions struct {
	KeepDims bool `slot:"0"`
}

// ReshapeOptions belongs to RESHAPE. The second input wins over NewShape.
type ReshapeOptions struct {
	NewShape []int32 `slot:"0"`
}

// SqueezeOptions belongs to SQUEEZE.
type SqueezeOptions struct {
	Dims []int32 `slot:"0"` // empty: every dimension of size 1
}

// ConcatenationOptions belongs to CONCATENATION.
type ConcatenationOptions struct {
	Axis       int32      `slot:"0"`
	Activation Activation `slot:"1"`
}

// ResizeBilinearOptions belongs to RESIZE_BILINEAR. Slots 0 and 1 held the new
// size before it became the second input.
type ResizeBilinearOptions struct {
	AlignCorners     bool `slot:"2"`
	HalfPixelCentres bool `slot:"3"`
}

// ResizeNearestOptions belongs to RESIZE_NEAREST_NEIGHBOR.
type ResizeNearestOptions struct {
	AlignCorners     bool `slot:"0"`
	HalfPixelCentres bool `slot:"1"`
}

// LeakyReluOptions belongs to LEAKY_RELU: x, or Alpha*x where x is negative.
type LeakyReluOptions struct {
	Alpha float32 `slot:"0"`
}

// GeluOptions belongs to GELU.
type GeluOptions struct {
	Approximate bool `slot:"0"`
}

// SplitOptions belongs to SPLIT.
type SplitOptions struct {
	Splits int32 `slot:"0"`
}

// PackOptions belongs to PACK.
type PackOptions struct {
	Count int32 `slot:"0"`
	Axis  int32 `slot:"1"`
}

// ShapeOptions belongs to SHAPE.
type ShapeOptions struct {
	OutType TensorType `slot:"0"`
}

// GatherOptions belongs to GATHER.
type GatherOptions struct {
	Axis      int32 `slot:"0"`
	BatchDims int32 `slot:"1"`
}

// StridedSliceOptions belongs to STRIDED_SLICE; each mask has a bit for each dimension.
type StridedSliceOptions struct {
	BeginMask      int32 `slot:"0"`
	EndMask        int32 `slot:"1"`
	EllipsisMask   int32 `slot:"2"`
	NewAxisMask    int32 `slot:"3"`
	ShrinkAxisMask int32 `slot:"4"`
	Offset         bool  `slot:"5"`
}

// BatchMatMulOptions belongs to BATCH_MATMUL.
type BatchMatMulOptions struct {
	AdjointX                 bool `slot:"0"`
	AdjointY                 bool `slot:"1"`
	AsymmetricQuantiseInputs bool `slot:"2"`
}

// BlockOptions belongs to SPACE_TO_DEPTH.
type BlockOptions struct {
	Size int32 `slot:"0"`
}

// CastOptions belongs to CAST.
type CastOptions struct {
	In  TensorType `slot:"0"`
	Out TensorType `slot:"1"`
}

// MirrorPadOptions belongs to MIRROR_PAD.
type MirrorPadOptions struct {
	Mode int8 `slot:"0"` // 0 reflects, 1 repeats the edge too
}

// PlainOptions is a table that sets no field, of a kind without fields (PAD,
// QUANTIZE, HARD_SWISH …) or one whose defaults are meant.
type PlainOptions struct {
	Kind uint8 // number in the schema's union of options
}

// CustomOptions belongs to CUSTOM, an operator named by a string.
type CustomOptions struct {
	Name string
	Data []byte // what the operator's own code reads
}

// UnknownOptions stands for options this package cannot read. Encode refuses them.
type UnknownOptions struct {
	Op     string // the operator's name
	Reason string // what is not understood
}
