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
		for _, inner := range node {
			c.walk(inner)
		}
	case map[string]any:
		class, _ := node["class_name"].(string)
		if settings, ok := node["config"].(map[string]any); ok {
			c.layer(class, settings)
		}
		// The order of keys does not matter: the input is looked for in a list.
		for _, inner := range node {
			c.walk(inner)
		}
	}
}

func (c *config) layer(class string, settings map[string]any) {
	switch class {
	case "BatchNormalization":
		name, _ := settings["name"].(string)
		if epsilon, ok := settings["epsilon"].(float64); ok {
			c.epsilons[name] = epsilon
		}
	case "InputLayer":
		shape, ok := settings["batch_shape"].([]any) // Keras 3
		if !ok {
			shape, ok = settings["batch_input_shape"].([]any) // Keras 2
		}
		if !ok || len(shape) != 4 || shape[3] != 3. {
			return
		}
		height, fixed := shape[1].(float64)
		width, fixed2 := shape[2].(float64)
		if fixed && fixed2 && height > 0 && height <= MaxInput && width > 0 && width <= MaxInput {
			c.height, c.width = int(height), int(width)
		}
	}
}

// epsilon returns what the batch norm of that name adds to its variance.
func (c *config) epsilon(name string) float64 {
	if e, ok := c.epsilons[name]; ok {
		return e
	}
	return usualEpsilon
}
