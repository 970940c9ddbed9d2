package network

// Selection says which part of a network trains.
type Selection struct {
	// First is the first layer of the top, len(Layers) if the head alone trains.
	// Layers before it are the frozen prefix, those from it on the top.
	First int

	// Frontier are the tensors that cross from the prefix, or from the picture,
	// into the top, in ascending order of their production. With First ==
	// len(Layers) it is the feature tensor alone. The picture never crosses
	// beside other tensors: then everything is top.
	Frontier []int

	// Kernels says for each of Layers whether its kernel trains, and with it a
	// bias that is no batch norm's (Layer.Norm is false). Norms says whether its
	// folded batch norm does: the bias, or, put back as a layer of its own,
	// gamma, beta and statistics. A layer of the top may have neither.
	Kernels []bool
	Norms   []bool

	// Counted is how many of the network's Counted layers are unfrozen: the
	// last ones. Fraction is what was asked for, 0 if a name was.
	Counted  int
	Fraction float64
}
