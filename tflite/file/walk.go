package file

// walk is a subgraph prepared for following its tensors from operator to operator.
type walk struct {
	g        *Subgraph
	producer []int  // by tensor: the operator that makes it, or -1
	dynamic  []bool // by tensor: depends on an input, or on a variable
	needed   []bool // by operator: set by bottlenecks and need
}

func newWalk(g *Subgraph) *walk {
	w := &walk{
		g:        g,
		producer: make([]int, len(g.Tensors)),
		dynamic:  make([]bool, len(g.Tensors)),
		needed:   make([]bool, len(g.Operators)),
	}
	for i := range w.producer {
		w.producer[i] = -1
		w.dynamic[i] = g.Tensors[i].Variable
	}
	given := make([]bool, len(g.Tensors))
	for _, t := range g.Inputs {
		w.dynamic[t], given[t] = true, true
	}
	for i := range g.Operators {
		o := &g.Operators[i]
		var dynamic bool
		for _, t := range o.Inputs {
			dynamic = dynamic || t >= 0 && w.dynamic[t]
		}
		for _, t := range o.Outputs {
			// A tensor that two operators claim to make belongs to the first,
			// so that no chain of producers runs in a circle.
			if w.producer[t] < 0 && !given[t] {
				w.producer[t] = i
				w.dynamic[t] = w.dynamic[t] || dynamic
			}
		}
	}
	return w
}

// bottlenecks returns the tensors that every path from an input to tensor out
// passes, from out towards the input. What is computed from constants alone,
// such as weights unpacked at run time, is no path.
//
// Operators stand in the order in which they run. Going backwards, the values
// still to be computed are a cut through the graph; where the cut is a single
// tensor, everything passes through it.
func (w *walk) bottlenecks(out int) []int {
	open := map[int]bool{out: true}
	path := []int{out}
	for i := len(w.g.Operators) - 1; i >= 0; i-- {
		if !w.close(i, open) {
			continue
		}
		if len(open) == 1 {
			for t := range open {
				path = append(path, t)
			}
		}
	}
	return path
}

// close replaces the outputs of operator i in open by its inputs, and reports
// whether it had any there.
func (w *walk) close(i int, open map[int]bool) bool {
	o := &w.g.Operators[i]
	for _, t := range o.Outputs {
		if open[t] && w.producer[t] == i {
			w.needed[i] = true
			delete(open, t)
		}
	}
	if w.needed[i] {
		for _, t := range o.Inputs {
			// An input made later than here is left out: the file is wrong, and
			// an interpreter would read nothing there either.
			if t >= 0 && w.dynamic[t] && w.producer[t] < i {
				open[t] = true
			}
		}
	}
	return w.needed[i]
}
