package adapt

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// TrainConfig is the recipe of a head: everything besides the images that
// decides about its bytes. Each field is a flag of the command of the name
// that Validate uses.
type TrainConfig struct {
	Hidden  int     `json:"hidden"`  // width of the hidden layer; zero: no hidden layer
	Dropout float64 `json:"dropout"` // share of hidden units dropped in training, in [0, 1); zero: none
	Rate    float64 `json:"rate"`    // step size of Adam, above 0
	Epochs  int     `json:"epochs"`  // at most this many times over the images, at least 1
	Batch   int     `json:"batch"`   // images a step, at least 1
	Seed    uint64  `json:"seed"`    // of the start, the order and the dropout; zero is a seed like any other

	// Patience is after how many epochs without a better one, as Better
	// defines it, training ends; the best epoch's head is kept. Zero: train
	// all Epochs and keep the last.
	Patience int `json:"patience"`

	// ClassWeights is "" for images that count alike, or Balanced for classes
	// that do: an image of class c counts N / (classes present * images of c)
	// in training. Validation is never weighted.
	ClassWeights string `json:"class_weights"`
}

// Balanced is the value of TrainConfig.ClassWeights for classes that count alike.
const Balanced = "balanced"

// SeedRecipe returns the reference experiment's recipe exactly: 5 epochs at
// 1e-3, the last one kept.
func SeedRecipe() TrainConfig {
	return TrainConfig{Hidden: 128, Dropout: 0.5, Rate: 1e-3, Epochs: 5, Batch: 32}
}

// SeedResize is how the reference experiment's loader brings pictures to the
// base's size, and so how its recipe does, on a device and on a server.
const SeedResize = pixel.BilinearAliased

// DefaultRecipe returns the recipe for daily use: the reference's, but until
// validation has not improved for 20 epochs, at most 200, and the best epoch
// kept. Better says what that was chosen by.
func DefaultRecipe() TrainConfig {
	return TrainConfig{Hidden: 128, Dropout: 0.5, Rate: 1e-3, Epochs: 200, Batch: 32, Patience: 20}
}

// Limits of a recipe. They are far beyond use, and keep a slip of the finger
// from taking all memory or a day.
const (
	maxHidden = 65_536
	maxEpochs = 100_000
	maxBatch  = 65_536
)

// Validate returns an error that names the flag of the first field that is out
// of its range, with the range as its hint.
func (c TrainConfig) Validate() error {
	refuse := func(flag string, value any, want string) error {
		return hint.Wrap(fmt.Errorf("--%s %v is out of range", flag, value), fmt.Sprintf("--%s takes %s", flag, want))
	}
	switch {
	case c.Hidden < 0 || c.Hidden > maxHidden:
		return refuse("hidden", c.Hidden, fmt.Sprintf("0 (no hidden layer) to %d", maxHidden))
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return refuse("dropout", c.Dropout, "0 (none) up to, not including, 1")
	case !(float32(c.Rate) > 0) || math.IsInf(float64(float32(c.Rate)), 0):
		return refuse("rate", c.Rate, "a number above 0, such as 0.001")
	case c.Epochs < 1 || c.Epochs > maxEpochs:
		return refuse("epochs", c.Epochs, fmt.Sprintf("1 to %d", maxEpochs))
	case c.Batch < 1 || c.Batch > maxBatch:
		return refuse("batch", c.Batch, fmt.Sprintf("1 to %d", maxBatch))
	case c.Patience < 0:
		return refuse("patience", c.Patience, "0 (train all epochs, keep the last) or more")
	case c.ClassWeights != "" && c.ClassWeights != Balanced:
		return hint.Wrap(fmt.Errorf("--class-weights %q is unknown", c.ClassWeights), `--class-weights takes "balanced", or nothing`)
	}
	return nil
}
