package keras

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/edge-adapt/edge/models/base/keras/hdf5"
)

// layer is a layer of Keras that has weights.
type layer struct {
	name    string // as Keras calls it; "" if the file does not say
	weights map[string]*hdf5.Dataset
}

// The weights of the layers that matter, by the names that Keras gives them.
const (
	kernel       = "kernel"
	bias         = "bias"
	gamma        = "gamma"
	beta         = "beta"
	movingMean   = "moving_mean"
	movingSpread = "moving_variance"
)

// set is a group of layers that may be the network.
type set struct {
	where string // in the file, for people
	model string // the network's own name; "" if the file does not say
	by    string // how its layers are told apart, once they are

	named map[string]*layer

	// In the order of the network: kernels of either kind, where the file keeps
	// them in one row, or in a row each.
	kernels, dense, depthwise, norms []*layer

	twice string // a name that two layers have; "" if all differ

	others int // layers of other kinds that have matrices
}

// sets finds what may be networks: groups of Keras 3, else the whole file in
// the format of Keras 2.
func (s *source) sets() []*set {
	var list []*set
	walk(s.tree, func(g, parent *hdf5.Group) {
		if parent == nil {
			return // the root holds the model and its optimizer, not layers
		}
		layers := counted(g, parent)
		s.others += layers.others
		if layers.convolutions() > 0 {
			list = append(list, layers)
		}
	})
	if len(list) > 0 {
		return list
	}
	body := s.tree
	if inner := body.Group("model_weights"); inner != nil {
		body = inner
	}
	whole := legacy(body)
	s.others = whole.others
	return []*set{whole}
}

// walk visits g and all groups inside, with the group that each lies in.
func walk(g *hdf5.Group, visit func(g, parent *hdf5.Group)) {
	visit(g, nil)
	var down func(parent *hdf5.Group)
	down = func(parent *hdf5.Group) {
		for _, inner := range parent.Groups {
			visit(inner, parent)
			down(inner)
		}
	}
	down(g)
}

// className is how Keras 3 calls the layers of a group: by class, and from the
// second on by number.
var className = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(conv2d|depthwise_conv2d|batch_normalization)(?:_(\d{1,6}))?$`)
})

// order holds the weights that Keras 3 numbers, by the class of their layer.
var order = map[string][]string{
	"conv2d":              {kernel, bias},
	"depthwise_conv2d":    {kernel, bias},
	"batch_normalization": {gamma, beta, movingMean, movingSpread},
}

// counted reads a group of Keras 3, whose layers each have a group "vars" with
// numbered weights. The set is empty if g is none.
func counted(g, parent *hdf5.Group) *set {
	s := &set{where: "group " + strconv.Quote(g.Path), named: map[string]*layer{}}
	type numbered struct {
		layer  *layer
		number int
	}
	classes := map[string][]numbered{}
	for _, inner := range g.Groups {
		vars := inner.Group("vars")
		if vars == nil || len(vars.Datasets) == 0 {
			continue
		}
		m := className().FindStringSubmatch(inner.Name)
		if m == nil {
			if slices.ContainsFunc(vars.Datasets, func(d *hdf5.Dataset) bool { return len(d.Shape) > 1 }) {
				s.others++
			}
			continue
		}
		l := &layer{name: text(vars, "name"), weights: map[string]*hdf5.Dataset{}}
		for _, d := range vars.Datasets {
			if i, err := strconv.Atoi(d.Name); err == nil && i >= 0 && i < len(order[m[1]]) {
				l.weights[order[m[1]][i]] = d
			}
		}
		number, _ := strconv.Atoi(m[2]) // none for the first
		classes[m[1]] = append(classes[m[1]], numbered{l, number})
		s.name(l)
	}
	for class, to := range map[string]*[]*layer{"conv2d": &s.dense, "depthwise_conv2d": &s.depthwise, "batch_normalization": &s.norms} {
		list := classes[class]
		slices.SortStableFunc(list, func(a, b numbered) int { return a.number - b.number })
		for _, n := range list {
			*to = append(*to, n.layer)
		}
	}
	if vars := parent.Group("vars"); vars != nil {
		s.model = text(vars, "name")
	}
	return s
}

// text returns the value of an attribute that is one text, or "".
func text(g *hdf5.Group, name string) string {
	if a := g.Attribute(name); a != nil {
		if texts, err := a.Texts(); err == nil && len(texts) == 1 {
			return texts[0]
		}
	}
	return ""
}

// texts returns the texts of an attribute that Keras 2 splits into numbered
// pieces where it is long.
func texts(g *hdf5.Group, name string) []string {
	var all []string
	if a := g.Attribute(name); a != nil {
		all, _ = a.Texts()
		return all
	}
	for i := 0; ; i++ {
		a := g.Attribute(name + strconv.Itoa(i))
		if a == nil {
			return all
		}
		piece, _ := a.Texts()
		all = append(all, piece...)
	}
}

// legacy reads the format of Keras 2: a group for each layer of the outermost
// model, in which each weight has a path of its own.
//
// The order of layers stands in attributes. Where they are missing, that of the
// groups is taken, which is good enough for looking layers up by name.
func legacy(body *hdf5.Group) *set {
	s := &set{where: "the file", named: map[string]*layer{}}
	names := texts(body, "layer_names")
	if names == nil {
		for _, g := range body.Groups {
			names = append(names, g.Name)
		}
	}
	groups := map[string]*hdf5.Group{}
	for _, g := range body.Groups {
		groups[g.Name] = g
	}
	for _, name := range names {
		g := groups[name]
		if g == nil {
			continue
		}
		if s.model == "" && modelName().MatchString(name) {
			s.model = name
		}
		s.legacyLayers(g)
		delete(groups, name) // a name that is listed twice counts once
	}
	return s
}

// legacyLayers adds the layers in the group of one layer of the outermost model,
// which may be a model itself.
func (s *set) legacyLayers(g *hdf5.Group) {
	datasets, holders := map[string]*hdf5.Dataset{}, map[string]*hdf5.Group{}
	var paths []string // relative to g, in the order of groups
	walk(g, func(inner, _ *hdf5.Group) {
		for _, d := range inner.Datasets {
			path := strings.TrimPrefix(d.Path, g.Path+"/")
			datasets[path], holders[path] = d, inner
			paths = append(paths, path)
		}
	})
	if listed := texts(g, "weight_names"); listed != nil {
		paths = listed
	}
	// A model inside lists the weights that train before all that do not, so the
	// weights of a layer need not follow each other.
	layers := map[*hdf5.Group]*layer{}
	var inOrder []*layer
	for _, path := range paths {
		d, holder := datasets[path], holders[path]
		if d == nil {
			continue
		}
		l := layers[holder]
		if l == nil {
			l = &layer{name: holder.Name, weights: map[string]*hdf5.Dataset{}}
			// A network that was built a second time in one process has "Conv1_1"
			// inside of "Conv1".
			if !known()[l.name] && known()[g.Name] {
				l.name = g.Name
			}
			layers[holder] = l
			inOrder = append(inOrder, l)
		}
		name, _, _ := strings.Cut(d.Name, ":")
		if name == "depthwise_kernel" {
			name = kernel
		}
		l.weights[name] = d
	}
	for _, l := range inOrder {
		s.add(l)
	}
}

// add takes a layer up where it belongs.
func (s *set) add(l *layer) {
	switch k := l.weights[kernel]; {
	case k != nil && len(k.Shape) == 4:
		s.kernels = append(s.kernels, l)
	case l.weights[gamma] != nil:
		s.norms = append(s.norms, l)
	default:
		for _, d := range l.weights {
			if len(d.Shape) > 1 {
				s.others++
				break
			}
		}
		return
	}
	s.name(l)
}

// name remembers a layer by its name.
func (s *set) name(l *layer) {
	if l.name == "" {
		return
	}
	if s.named[l.name] != nil {
		s.twice = l.name
	}
	s.named[l.name] = l
}
