package adapt

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestRecipes(t *testing.T) {
	// The reference experiment, which other figures are compared with.
	if got, want := SeedRecipe(), (TrainConfig{Hidden: 128, Dropout: 0.5, Rate: 0.001, Epochs: 5, Batch: 32}); got != want {
		t.Errorf("SeedRecipe is %+v, want %+v", got, want)
	}
	d := DefaultRecipe()
	if d.Patience < 1 || d.Epochs <= d.Patience {
		t.Errorf("DefaultRecipe cannot stop early: %+v", d)
	}
	for _, c := range []TrainConfig{SeedRecipe(), d} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestRecipeJSON(t *testing.T) {
	text, err := json.Marshal(SeedRecipe())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"hidden":128,"dropout":0.5,"rate":0.001,"epochs":5,"batch":32,"seed":0,"patience":0,"class_weights":""}`
	if string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
}

func TestValidateNamesTheFlag(t *testing.T) {
	for _, c := range []struct {
		flag  string
		spoil func(c *TrainConfig)
	}{
		{"hidden", func(c *TrainConfig) { c.Hidden = -1 }},
		{"hidden", func(c *TrainConfig) { c.Hidden = 1 << 30 }},
		{"dropout", func(c *TrainConfig) { c.Dropout = -0.1 }},
		{"dropout", func(c *TrainConfig) { c.Dropout = 1 }},
		{"dropout", func(c *TrainConfig) { c.Dropout = math.NaN() }},
		{"rate", func(c *TrainConfig) { c.Rate = 0 }},
		{"rate", func(c *TrainConfig) { c.Rate = -1e-3 }},
		{"rate", func(c *TrainConfig) { c.Rate = math.NaN() }},
		{"rate", func(c *TrainConfig) { c.Rate = math.Inf(1) }},
		{"rate", func(c *TrainConfig) { c.Rate = 1e-60 }},
		{"rate", func(c *TrainConfig) { c.Rate = 1e60 }},
		{"epochs", func(c *TrainConfig) { c.Epochs = 0 }},
		{"epochs", func(c *TrainConfig) { c.Epochs = 1 << 30 }},
		{"batch", func(c *TrainConfig) { c.Batch = 0 }},
		{"batch", func(c *TrainConfig) { c.Batch = 1 << 30 }},
		{"patience", func(c *TrainConfig) { c.Patience = -1 }},
		{"class-weights", func(c *TrainConfig) { c.ClassWeights = "ballanced" }},
	} {
		cfg := DefaultRecipe()
		c.spoil(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), "--"+c.flag+" ") {
			t.Errorf("error %v, want one about --%s", err, c.flag)
		}
		if got := hint.Of(err); !strings.Contains(got, "--"+c.flag+" takes ") {
			t.Errorf("--%s: hint %q", c.flag, got)
		}
	}
	for _, ok := range []TrainConfig{
		{Hidden: 0, Rate: 1e-3, Epochs: 1, Batch: 1},
		{Hidden: 1, Dropout: 0.99, Rate: 10, Epochs: 1, Batch: 1, Seed: math.MaxUint64, Patience: 1, ClassWeights: Balanced},
	} {
		if err := ok.Validate(); err != nil {
			t.Errorf("%+v: %v", ok, err)
		}
	}
}
