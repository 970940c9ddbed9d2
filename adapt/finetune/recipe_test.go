package finetune

import (
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

func TestRecipes(t *testing.T) {
	for _, name := range RecipeNames() {
		r, ok := NamedRecipe(name)
		if !ok || r.Name != name {
			t.Errorf("%s: %+v", name, r)
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	seed, _ := NamedRecipe("seed")
	if seed.Fresh() || seed.Patience != 0 || seed.Strengths != (Strengths{}) {
		t.Errorf("the reference's recipe does more than the reference: %+v", seed)
	}
	if _, ok := NamedRecipe("other"); ok {
		t.Error("a recipe that nobody wrote")
	}
}

func TestRecipeRefuses(t *testing.T) {
	for flag, change := range map[string]func(*Recipe){
		"--epochs":          func(r *Recipe) { r.Epochs[1] = -1 },
		"--rates":           func(r *Recipe) { r.Rates[1] = 0 },
		"--rates 1e":        func(r *Recipe) { r.Rates[0] = 1e300 },
		"--unfreeze":        func(r *Recipe) { r.Fraction = math.NaN() },
		"--bn":              func(r *Recipe) { r.BatchNorm = "frozen" },
		"--resize":          func(r *Recipe) { r.Resize = "nearest" },
		"--patience":        func(r *Recipe) { r.Patience = -1 },
		"--label-smoothing": func(r *Recipe) { r.LabelSmoothing = 1 },
		"--weight-decay":    func(r *Recipe) { r.WeightDecay = math.Inf(1) },
		"--mix":             func(r *Recipe) { r.Mix = -1 },
		"--batch":           func(r *Recipe) { r.Batch = 0 },
		"--hidden":          func(r *Recipe) { r.Hidden = -1 },
	} {
		r, _ := NamedRecipe("seed")
		change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), flag) || hint.Of(err) == "" {
			t.Errorf("%s: %v", flag, err)
		}
	}
	r, _ := NamedRecipe("seed")
	r.Epochs[0] = 0 // everything from the start
	if err := r.Validate(); err != nil {
		t.Error(err)
	}
}

func TestBetter(t *testing.T) {
	epoch := func(accuracy, loss float64) (e Epoch) {
		e.ValAccuracy, e.ValLoss = accuracy, loss
		return e
	}
	for _, c := range []struct {
		a, b Epoch
		want bool
	}{
		{epoch(0.9, 2), epoch(0.8, 1), true},
		{epoch(0.8, 1), epoch(0.9, 2), false},
		{epoch(0.9, 1), epoch(0.9, 2), true},
		{epoch(0.9, 1), epoch(0.9, 1), false},
	} {
		if got := Better(c.a, c.b); got != c.want {
			t.Errorf("%+v over %+v: %v", c.a, c.b, got)
		}
	}
}

// TestRunWantsTheRecipesResize refuses an extractor whose features, and whose
// cache, are of pictures resized by another rule.
func TestRunWantsTheRecipesResize(t *testing.T) {
	c := small(t)
	c.Base.Extractor.Preprocessing.Resize = pixel.Bilinear
	if err := c.validate(); err == nil || !strings.Contains(err.Error(), "resizes by bilinear-aliased") {
		t.Errorf("an extractor of another rule: %v", err)
	}
	c.Recipe.Resize = ""
	if err := c.validate(); err != nil {
		t.Errorf("as the base says: %v", err)
	}
}
