package speed

import (
	"context"
	"errors"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/head"
)

// Train is the training of a head on features that are there.
type Train struct {
	Images   int `json:"images"` // a fifth of them held back, as edge adapt does
	Classes  int `json:"classes"`
	Features int `json:"features"` // an image
	Epochs   int `json:"epochs"`
	Timed        // all epochs
}

// Trains times the training of a head on made-up features, for the recipe's
// number of epochs. How long it takes does not depend on what the features are,
// but for a recipe with patience, which Trains refuses.
func Trains(ctx context.Context, recipe adapt.TrainConfig, images, classes, features int, e Effort) (Train, error) {
	t := Train{Images: images, Classes: classes, Features: features, Epochs: recipe.Epochs}
	switch {
	case recipe.Patience > 0:
		return t, errors.New("measure training: a recipe with patience ends when it likes")
	case images < 5 || classes < 2 || features < 1:
		return t, errors.New("measure training: want 5 images, 2 classes and a feature at least")
	}
	held := images / 5
	train, val := MadeUp(images-held, classes, features, 1), MadeUp(held, classes, features, 2)
	once := func(ctx context.Context) error {
		_, _, err := adapt.Train(ctx, recipe, classes, train, val, nil)
		return err
	}
	timed, err := Alternate(ctx, e, []Turn{{Ready: once, Once: once, Units: 1}})
	if err != nil {
		return t, err
	}
	t.Timed = timed[0]
	return t, nil
}

// MadeUp are features as a base with ReLU6 before its average gives them: small,
// not negative, many of them 0. Classes come in turn. The same seed gives the same.
func MadeUp(images, classes, features int, seed uint64) adapt.Set {
	random := head.NewRandom(seed, head.StreamOrder)
	s := adapt.Set{F: features, Features: make([]float32, images*features), Labels: make([]int32, images)}
	for i := range s.Features {
		s.Features[i] = max(0, random.Uniform()-0.4)
	}
	for i := range s.Labels {
		s.Labels[i] = int32(i % classes) //nolint:gosec // below classes
	}
	return s
}
