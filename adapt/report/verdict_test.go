package report

import (
	"math"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt"
)

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name        string
		train, val  float64
		images      int
		fit         Fit
		aim         bool
		certain     bool
		want, avoid string
	}{
		{"reference", 0.88, 0.85, 500, FitBalanced, true, true, "is met.", "not met"},
		{"good beyond the aim", 0.98, 0.95, 500, FitBalanced, false, true, "small gap rules out", "little"},
		{"gap of exactly eight", 0.78, 0.70, 500, FitBalanced, false, true, "validation is 70.0 %", "Overfitted:"},
		{"overfitted", 0.99, 0.80, 500, FitOverfitted, false, true, "Overfitted: training accuracy is 19.0 points above validation, more than 8.", "Perhaps"},
		{"overfitted by chance", 0.95, 0.85, 15, FitOverfitted, false, false, "Perhaps overfitted", "small gap"},
		{"few images", 0.9, 0.9, 20, FitBalanced, false, true, "So few images prove little", "overfitted: training accuracy is"},
		{"underfitted", 0.55, 0.52, 500, FitUnderfitted, false, true, "only 55.0 % of its own training images", "met."},
		{"sets differ", 0.80, 0.95, 500, FitBalanced, true, true, "the two sets differ: validation accuracy is 15.0 points above", "small gap"},
		{"equal", 0.85, 0.85, 500, FitBalanced, true, true, "are equal", "points above"},
		{"no validation", 0.85, 0, 0, FitUnknown, false, false, "proves nothing", "is met"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := Judge(adapt.Measures{Accuracy: c.train, Images: 1000}, adapt.Measures{Accuracy: c.val, Images: c.images}, nil)
			if v.Fit != c.fit || v.AimMet != c.aim || v.Certain != c.certain {
				t.Errorf("got %+v", v)
			}
			if c.images > 0 && math.Abs(v.GapPoints-100*(c.train-c.val)) > 1e-9 {
				t.Errorf("gap %g", v.GapPoints)
			}
			all := v.Headline + " " + strings.Join(v.Details, " ")
			if !strings.Contains(all, c.want) {
				t.Errorf("%q is missing from: %s", c.want, all)
			}
			if strings.Contains(all, c.avoid) {
				t.Errorf("%q stands in: %s", c.avoid, all)
			}
		})
	}
}

// TestJudgeMet judges in the reference's form and tells the clean figure,
// whichever of the two flatters.
func TestJudgeMet(t *testing.T) {
	for _, c := range []struct {
		name            string
		met, clean, val float64
		fit             Fit
		aim             bool
		want, avoid     string
	}{
		{"the aim, and known by heart", 0.88, 1, 0.82, FitBalanced, true, "known by heart all the same", "rules out"},
		{"overfitted", 0.95, 1, 0.70, FitOverfitted, false, "Overfitted: training accuracy as met is 25.0 points above validation", "known by heart all the same"},
		{"harder pictures", 0.62, 1, 0.78, FitBalanced, false, "validation accuracy is 16.0 points above training as met", "the two sets differ"},
		{"hard pictures are no want of learning", 0.60, 0.95, 0.90, FitBalanced, true, "Measured clean afterwards, training is 95.0 %, +5.0 points", "Underfitted"},
		{"underfitted", 0.40, 0.55, 0.52, FitUnderfitted, false, "only 55.0 % of its own training images", "Not overfitted"},
		{"clean flatters", 0.97, 0.90, 0.88, FitOverfitted, false, "Measured so, the gap is not large", "by heart all the same"},
		{"good beyond the aim", 0.96, 0.99, 0.95, FitBalanced, false, "training as met is 96.0 %. That limit guards against learning by heart, which the small gap rules out", "by heart all the same"},
		{"equal", 0.85, 0.86, 0.85, FitBalanced, true, "training as met and validation accuracy are equal", "points above"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &adapt.Result{
				Train: adapt.Measures{Accuracy: c.clean, Images: 1000}, Val: adapt.Measures{Accuracy: c.val, Images: 500},
				History: []adapt.Epoch{{Accuracy: 0.1}, {Accuracy: c.met}}, Best: 2,
			}
			v := JudgeMet(r)
			if v.Fit != c.fit || v.AimMet != c.aim || v.MetGapPoints == nil || math.Abs(*v.MetGapPoints-100*(c.met-c.val)) > 1e-9 || math.Abs(v.GapPoints-100*(c.clean-c.val)) > 1e-9 {
				t.Errorf("got %+v", v)
			}
			all := v.Headline + " " + strings.Join(v.Details, " ")
			if !strings.Contains(all, c.want) {
				t.Errorf("%q is missing from: %s", c.want, all)
			}
			if strings.Contains(all, c.avoid) {
				t.Errorf("%q stands in: %s", c.avoid, all)
			}
			r.Best = 0
			if v := JudgeMet(r); v.MetGapPoints != nil {
				t.Errorf("no epoch was kept: %+v", v)
			}
		})
	}
}

func TestJudgeTest(t *testing.T) {
	train, val := adapt.Measures{Accuracy: 0.99, Images: 768}, adapt.Measures{Accuracy: 0.953, Images: 192}
	for _, c := range []struct {
		test     adapt.Measures
		flatters bool
	}{
		{adapt.Measures{Accuracy: 0.867, Images: 300}, true},
		{adapt.Measures{Accuracy: 0.867, Images: 100}, false}, // so few may do that by chance
		{adapt.Measures{Accuracy: 0.94, Images: 3000}, false},
		{adapt.Measures{Accuracy: 1, Images: 300}, false},
		{adapt.Measures{}, false},
	} {
		v := Judge(train, val, &c.test)
		all := strings.Join(v.Details, " ")
		if v.ValFlatters != c.flatters || strings.Contains(all, "8.6 points below validation") != c.flatters || strings.Contains(all, "small gap rules out") == c.flatters {
			t.Errorf("%+v: got %+v", c.test, v)
		}
	}
}

// The figures are statsmodels.stats.proportion.proportion_confint(…, method="wilson").
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		right, of int
		low, high float64
	}{
		{15, 20, 0.5313, 0.8881},
		{20, 20, 0.8389, 1},
		{0, 20, 0, 0.1611},
		{1, 1, 0.2065, 1},
		{940, 1000, 0.9235, 0.9531},
	} {
		i := Wilson(float64(c.right)/float64(c.of), c.of)
		if math.Abs(i.Low-c.low) > 6e-5 || math.Abs(i.High-c.high) > 6e-5 {
			t.Errorf("%d of %d: got %.5f to %.5f, want %g to %g", c.right, c.of, i.Low, i.High, c.low, c.high)
		}
	}
	for _, i := range []Interval{Wilson(0.5, 0), Wilson(math.NaN(), 9)} {
		if i != (Interval{0, 1}) {
			t.Errorf("got %v", i)
		}
	}
}
