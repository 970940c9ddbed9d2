package keras

import (
	"encoding/json"
)

// usualEpsilon is what keras.applications adds to a variance in MobileNetV2.
const usualEpsilon = 1e-3

// config is what a saved model's configuration says, as far as it matters here.
type config struct {
	height, width int                // of the input; 0 if it is not fixed
	epsilons      map[string]float64 // of batch norms, by the layer's name
}

// parseConfig reads the JSON in which Keras 2 and 3 describe a model.
func parseConfig(text []byte) (*config, error) {
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, err
	}
	c := &config{epsilons: map[string]float64{}}
	c.walk(tree)
	return c, nil
}

// walk looks at each layer, also of models inside models.
func (c *config) walk(node any) {
	switch node := node.(type) {
	case []any:
		c.layers(node)
		for _, inner := range node {
			c.walk(inner)
		}
	case map[string]any:
		for _, inner := range node { // in any order: nothing depends on it
			c.walk(inner)
		}
	}
}

// layers looks at a list that may be the layers of a model. The input that counts
// is that of the model which holds MobileNetV2's first batch norm: one around
// it may have another, in front of a layer that resizes.
func (c *config) layers(list []any) {
	var height, width int
	var network bool
	for _, node := range list {
		node, _ := node.(map[string]any)
		settings, _ := node["config"].(map[string]any)
		name, _ := settings["name"].(string)
		switch node["class_name"] {
		case "BatchNormalization":
			if epsilon, ok := settings["epsilon"].(float64); ok {
				c.epsilons[name] = epsilon
			}
			network = network || name == plan()[0].norm
		case "InputLayer":
			height, width = inputSize(settings)
		}
	}
	if network {
		c.height, c.width = height, width
	}
}

// inputSize returns height and width of an input layer, or zeros if they are not
// fixed or no base can have them.
func inputSize(settings map[string]any) (height, width int) {
	shape, ok := settings["batch_shape"].([]any) // Keras 3
	if !ok {
		shape, ok = settings["batch_input_shape"].([]any) // Keras 2
	}
	if !ok || len(shape) != 4 || shape[3] != 3. {
		return 0, 0
	}
	h, _ := shape[1].(float64) // null where it is open
	w, _ := shape[2].(float64)
	if h < 1 || w < 1 || h > MaxInput || w > MaxInput {
		return 0, 0
	}
	return int(h), int(w)
}

// epsilon returns what the batch norm of that name adds to its variance.
func (c *config) epsilon(name string) float64 {
	if e, ok := c.epsilons[name]; ok {
		return e
	}
	return usualEpsilon
}
