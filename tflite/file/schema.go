package file

// Slots of the tables of TensorFlow Lite's schema, version 3: the number of a
// field in its table. Those of the options are tags in options.go. Fields that
// are absent here are read by nobody.
const (
	identifier    = "TFL3"
	schemaVersion = 3

	modelVersion     = 0
	modelCodes       = 1
	modelSubgraphs   = 2
	modelDescription = 3
	modelBuffers     = 4
	modelMetadata    = 6
	modelSignatures  = 7
	modelSlots       = 8

	codeDeprecated = 0 // one byte; the code of the time before there were 128
	codeCustom     = 1
	codeVersion    = 2
	codeBuiltin    = 3
	codeSlots      = 4

	subgraphTensors   = 0
	subgraphInputs    = 1
	subgraphOutputs   = 2
	subgraphOperators = 3
	subgraphName      = 4
	subgraphSlots     = 5

	tensorShape        = 0
	tensorType         = 1
	tensorBuffer       = 2
	tensorName         = 3
	tensorQuantisation = 4
	tensorVariable     = 5
	tensorSparsity     = 6
	tensorSignature    = 7
	tensorHasRank      = 8
	tensorVariants     = 9
	tensorExternal     = 10
	tensorSlots        = 9 // written

	quantisationMin       = 0
	quantisationMax       = 1
	quantisationScale     = 2
	quantisationZeroPoint = 3
	quantisationDetails   = 4 // type of the union in slot 5
	quantisationDimension = 6
	quantisationSlots     = 7

	operatorCode         = 0
	operatorInputs       = 1
	operatorOutputs      = 2
	operatorOptionsKind  = 3
	operatorOptions      = 4
	operatorCustom       = 5
	operatorMutating     = 7
	operatorIntermediate = 8
	operatorLargeOffset  = 9 // custom options behind the flatbuffer
	operatorLargeSize    = 10
	operatorOptions2Kind = 11
	operatorSlots        = 6 // written

	bufferData   = 0
	bufferOffset = 1 // data behind the flatbuffer: from the start of the file
	bufferSize   = 2
	bufferSlots  = 1 // written

	metadataName   = 0
	metadataBuffer = 1
	metadataSlots  = 2

	signatureInputs   = 0
	signatureOutputs  = 1
	signatureKey      = 2
	signatureSubgraph = 4
	signatureSlots    = 5

	namedName   = 0
	namedTensor = 1
	namedSlots  = 2
)
