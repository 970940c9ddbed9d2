package file

// optionsKind is the number of an options table in the schema's union. Kinds
// from the second union, which StableHLO operators use, are not read.
type optionsKind uint8

const (
	kindNone            optionsKind = 0
	kindConv2D          optionsKind = 1
	kindDepthwiseConv2D optionsKind = 2
	kindPool2D          optionsKind = 5
	kindFullyConnected  optionsKind = 8
	kindSoftmax         optionsKind = 9
	kindConcatenation   optionsKind = 10
	kindAdd             optionsKind = 11
	kindL2Norm          optionsKind = 12
	kindResizeBilinear  optionsKind = 15
	kindReshape         optionsKind = 17
	kindSpaceToDepth    optionsKind = 19
	kindMul             optionsKind = 21
	kindGather          optionsKind = 23
	kindReducer         optionsKind = 27
	kindSub             optionsKind = 28
	kindDiv             optionsKind = 29
	kindSqueeze         optionsKind = 30
	kindStridedSlice    optionsKind = 32
	kindSplit           optionsKind = 35
	kindCast            optionsKind = 37
	kindTransposeConv   optionsKind = 49
	kindShape           optionsKind = 55
	kindPack            optionsKind = 59
	kindResizeNearest   optionsKind = 74
	kindLeakyRelu       optionsKind = 75
	kindMirrorPad       optionsKind = 77
	kindBatchMatMul     optionsKind = 101
	kindGelu            optionsKind = 116
)

func (Conv2DOptions) kind() optionsKind          { return kindConv2D }
func (DepthwiseConv2DOptions) kind() optionsKind { return kindDepthwiseConv2D }
func (Pool2DOptions) kind() optionsKind          { return kindPool2D }
func (FullyConnectedOptions) kind() optionsKind  { return kindFullyConnected }
func (SoftmaxOptions) kind() optionsKind         { return kindSoftmax }
func (ConcatenationOptions) kind() optionsKind   { return kindConcatenation }
func (AddOptions) kind() optionsKind             { return kindAdd }
func (L2NormOptions) kind() optionsKind          { return kindL2Norm }
func (ResizeBilinearOptions) kind() optionsKind  { return kindResizeBilinear }
func (ReshapeOptions) kind() optionsKind         { return kindReshape }
func (BlockOptions) kind() optionsKind           { return kindSpaceToDepth }
func (MulOptions) kind() optionsKind             { return kindMul }
func (GatherOptions) kind() optionsKind          { return kindGather }
func (ReducerOptions) kind() optionsKind         { return kindReducer }
func (SubOptions) kind() optionsKind             { return kindSub }
func (DivOptions) kind() optionsKind             { return kindDiv }
func (SqueezeOptions) kind() optionsKind         { return kindSqueeze }
func (StridedSliceOptions) kind() optionsKind    { return kindStridedSlice }
func (SplitOptions) kind() optionsKind           { return kindSplit }
func (CastOptions) kind() optionsKind            { return kindCast }
func (TransposeConvOptions) kind() optionsKind   { return kindTransposeConv }
func (ShapeOptions) kind() optionsKind           { return kindShape }
func (PackOptions) kind() optionsKind            { return kindPack }
func (ResizeNearestOptions) kind() optionsKind   { return kindResizeNearest }
func (LeakyReluOptions) kind() optionsKind       { return kindLeakyRelu }
func (MirrorPadOptions) kind() optionsKind       { return kindMirrorPad }
func (BatchMatMulOptions) kind() optionsKind     { return kindBatchMatMul }
func (GeluOptions) kind() optionsKind            { return kindGelu }
func (o PlainOptions) kind() optionsKind         { return optionsKind(o.Kind) }
func (CustomOptions) kind() optionsKind          { return kindNone }
func (UnknownOptions) kind() optionsKind         { return kindNone }

// newOptions returns the zero options of a kind, or nil for a kind without
// fields or of which the package does not know the fields.
func newOptions(k optionsKind) Options {
	switch k {
	case kindConv2D:
		return Conv2DOptions{}
	case kindDepthwiseConv2D:
		return DepthwiseConv2DOptions{}
	case kindPool2D:
		return Pool2DOptions{}
	case kindFullyConnected:
		return FullyConnectedOptions{}
	case kindSoftmax:
		return SoftmaxOptions{}
	case kindConcatenation:
		return ConcatenationOptions{}
	case kindAdd:
		return AddOptions{}
	case kindL2Norm:
		return L2NormOptions{}
	case kindResizeBilinear:
		return ResizeBilinearOptions{}
	case kindReshape:
		return ReshapeOptions{}
	case kindSpaceToDepth:
		return BlockOptions{}
	case kindMul:
		return MulOptions{}
	case kindGather:
		return GatherOptions{}
	case kindReducer:
		return ReducerOptions{}
	case kindSub:
		return SubOptions{}
	case kindDiv:
		return DivOptions{}
	case kindSqueeze:
		return SqueezeOptions{}
	case kindStridedSlice:
		return StridedSliceOptions{}
	case kindSplit:
		return SplitOptions{}
	case kindCast:
		return CastOptions{}
	case kindTransposeConv:
		return TransposeConvOptions{}
	case kindShape:
		return ShapeOptions{}
	case kindPack:
		return PackOptions{}
	case kindResizeNearest:
		return ResizeNearestOptions{}
	case kindLeakyRelu:
		return LeakyReluOptions{}
	case kindMirrorPad:
		return MirrorPadOptions{}
	case kindBatchMatMul:
		return BatchMatMulOptions{}
	case kindGelu:
		return GeluOptions{}
	}
	return nil
}

// optionsOf returns the kind of options an operator reads, or kindNone if this
// package does not know it.
func optionsOf(c OpCode) optionsKind {
	switch c {
	case OpConv2D:
		return kindConv2D
	case OpDepthwiseConv2D:
		return kindDepthwiseConv2D
	case OpAveragePool2D, OpMaxPool2D:
		return kindPool2D
	case OpFullyConnected:
		return kindFullyConnected
	case OpSoftmax:
		return kindSoftmax
	case OpConcatenation:
		return kindConcatenation
	case OpAdd:
		return kindAdd
	case OpSub:
		return kindSub
	case OpMul:
		return kindMul
	case OpMean, OpReduceMax:
		return kindReducer
	case OpReshape:
		return kindReshape
	case OpSqueeze:
		return kindSqueeze
	case OpResizeBilinear:
		return kindResizeBilinear
	case OpTransposeConv:
		return kindTransposeConv
	case OpBatchMatMul:
		return kindBatchMatMul
	}
	return kindNone
}
