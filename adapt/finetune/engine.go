package finetune

// Engine opens the models that are made of the base on the way: its frozen
// part, and what measures its statistics.
type Engine interface {
	// Open prepares a model: the bytes of a .tflite file with one input, the
	// picture. It keeps no reference to them.
	Open(model []byte) (Model, error)
}

// Model runs one model. It is used by one goroutine at a time.
type Model interface {
	// RunAll computes all outputs for n pictures. src is [n, height, width, 3],
	// dst has a slice an output, [n, …]. It keeps none of them.
	RunAll(dst [][]float32, src []float32) error
	Close() error
}
