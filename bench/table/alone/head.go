package main

import (
	"context"
	"flag"

	"github.com/edge-adapt/edge/adapt"
)

// trained is what came of a head. Accuracies are shares, 0 to 1.
type trained struct {
	Val    float64   `json:"val"`
	Test   float64   `json:"test"`
	Epochs []float64 `json:"epoch_seconds"` // with the validation that follows each
}

// trainHead trains the reference's head on arrays.
func trainHead(flags *flag.FlagSet) func(context.Context) (any, error) {
	dir := flags.String("arrays", "", "folder of the arrays")
	epochs := flags.Int("epochs", 5, "times over the training images")
	seed := flags.Uint64("seed", 1, "seed")
	return func(ctx context.Context) (any, error) {
		s, sets, err := readArrays(*dir)
		if err != nil {
			return nil, err
		}
		recipe := adapt.SeedRecipe()
		recipe.Epochs, recipe.Seed = *epochs, *seed
		h, history, err := adapt.Train(ctx, recipe, s.Classes, sets[adapt.SplitTrain], sets[adapt.SplitVal], nil)
		if err != nil {
			return nil, err
		}
		t := trained{
			Val:  adapt.Evaluate(h, sets[adapt.SplitVal], nil).Accuracy,
			Test: adapt.Evaluate(h, sets[adapt.SplitTest], nil).Accuracy,
		}
		for _, e := range history {
			t.Epochs = append(t.Epochs, e.Seconds)
		}
		return t, nil
	}
}
