package keras

import (
	"fmt"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
)

// pair is what the file has for a unit of the plan.
type pair struct{ conv, norm *layer }

// recognise finds the set that is MobileNetV2, and its layers in the order of
// the plan.
func recognise(sets []*set) (*set, []pair, error) {
	var found *set
	var pairs []pair
	for _, s := range sets {
		p, ok := s.match()
		if !ok {
			continue
		}
		if found != nil {
			return nil, nil, several(found.where, s.where)
		}
		if s.twice != "" {
			return nil, nil, several(fmt.Sprintf("two layers called %q", s.twice), "so on")
		}
		found, pairs = s, p
	}
	if found == nil {
		return nil, nil, unknown(sets)
	}
	return found, pairs, nil
}

func several(a, b string) error {
	return hint.Wrap(fmt.Errorf("more than one network: %s and %s", a, b), "save the one that is to be the base alone, with its save_weights")
}

// match looks the layers of the plan up: by name, else by their order.
func (s *set) match() ([]pair, bool) {
	pairs := make([]pair, len(plan()))
	named := true
	for i, u := range plan() {
		pairs[i] = pair{s.named[u.conv], s.named[u.norm]}
		named = named && pairs[i].conv != nil && pairs[i].norm != nil
	}
	if named {
		s.by = "name"
		return pairs, true
	}
	both, dense, narrow := s.kernels, s.dense, s.depthwise
	for i, u := range plan() {
		row := &dense
		switch {
		case len(s.kernels) > 0:
			row = &both
		case u.kind == depthwise:
			row = &narrow
		}
		if len(*row) == 0 || i >= len(s.norms) {
			return nil, false
		}
		pairs[i] = pair{(*row)[0], s.norms[i]}
		*row = (*row)[1:]
	}
	s.by = "order"
	return pairs, true
}

// relatives are networks of keras.applications, by a piece of the names of their
// layers. The first that fits counts.
var relatives = [...]struct{ piece, network string }{
	{"squeeze_excite", "MobileNetV3"},
	{"block1a_", "EfficientNet"},
	{"conv_dw_1", "MobileNet (version 1)"},
	{"sepconv", "Xception"},
	{"convnext", "ConvNeXt"},
	{"conv2_block1_0_bn", "a ResNet"},
	{"conv2_block1_1_bn", "a ResNet or DenseNet"},
	{"block1_conv1", "VGG"},
	{"adjust_conv", "NASNet"},
}

// unknown says what the sets seem to be instead.
func unknown(sets []*set) error {
	const next = "MobileNetV2 is read from Keras' files; convert other networks with TensorFlow's TFLiteConverter and import the .tflite"
	// The largest set is the one that was meant.
	var s *set
	for _, x := range sets {
		if s == nil || x.convolutions() > s.convolutions() {
			s = x
		}
	}
	if s == nil || s.convolutions() == 0 {
		return hint.Wrap(fmt.Errorf("%w: there are no convolutions in it", errNotMobileNetV2), next)
	}
	if s.model != "" && !modelName().MatchString(s.model) {
		return hint.Wrap(fmt.Errorf("%w: it calls itself %q", errNotMobileNetV2, s.model), next)
	}
	for _, r := range relatives {
		for name := range s.named {
			if strings.Contains(name, r.piece) {
				return hint.Wrap(fmt.Errorf("%w: it looks like %s, with a layer called %q", errNotMobileNetV2, r.network, name), next)
			}
		}
	}
	missing, have := "", 0
	for _, u := range plan() {
		for _, name := range []string{u.conv, u.norm} {
			if s.named[name] != nil {
				have++
			} else if missing == "" {
				missing = name
			}
		}
	}
	if have > len(plan()) {
		return hint.Wrap(fmt.Errorf("%w: the layer %q is missing", errNotMobileNetV2, missing), next)
	}
	return hint.Wrap(fmt.Errorf("%w: it has %d convolutions and %d batch norms, where %d of each are wanted",
		errNotMobileNetV2, s.convolutions(), len(s.norms), len(plan())), next)
}

// convolutions counts the layers with kernels.
func (s *set) convolutions() int { return len(s.kernels) + len(s.dense) + len(s.depthwise) }
