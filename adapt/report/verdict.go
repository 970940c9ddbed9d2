package report

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt"
)

// Fit says how a head's training relates to what it learned.
type Fit string

// The fits a Verdict may name.
const (
	FitBalanced    Fit = "balanced"    // what it learned holds on images it has not seen
	FitOverfitted  Fit = "overfitted"  // it knows its training images by heart
	FitUnderfitted Fit = "underfitted" // it does not even know its training images
	FitUnknown     Fit = "unknown"     // nothing was held back to judge by
)

// The limits of the reference experiment's judgement.
const (
	overfittedGap    = 8.0  // points between training and validation accuracy
	underfittedTrain = 0.70 // training accuracy below which a head has not learned its task
	aimVal           = 0.80 // the aim: validation accuracy above this
	aimTrain         = 0.90 // with training accuracy below this
	fewImages        = 100  // validation images below which an accuracy is a rough one
)

// Verdict is the reference experiment's judgement of a run, in words and figures.
type Verdict struct {
	// Fit, Certain and AimMet speak of training as it met its pictures where
	// MetGapPoints is there, and otherwise of training measured clean.
	Fit Fit `json:"fit"`
	// GapPoints is training accuracy measured clean, which is without dropout
	// and on the pictures as they are, minus validation accuracy, in percentage
	// points. It is negative when validation went better.
	GapPoints float64 `json:"gap_points"`
	// MetGapPoints is the same with training as it met its pictures, which is
	// the reference's form: see Outcome. nil: not judged by.
	MetGapPoints *float64 `json:"gap_met_points,omitempty"`
	// Certain is false when the gap may be chance: the training accuracy lies
	// within the validation accuracy's interval.
	Certain     bool     `json:"certain"`
	ValInterval Interval `json:"val_interval"`
	AimMet      bool     `json:"aim_met"` // validation above 80 %, training below 90 %
	// ValFlatters is true when test accuracy is below validation accuracy by
	// more than chance explains: the two intervals do not meet.
	ValFlatters bool `json:"val_flatters"`
	// Headline is a sentence; Details holds further ones, in the order of their weight.
	Headline string   `json:"headline"`
	Details  []string `json:"details"`
}

// training is the training accuracy that a verdict compares with validation.
type training struct {
	accuracy float64 // that is judged
	clean    float64
	met      bool // accuracy is as training met its pictures, and not clean
}

// Judge compares a head's training with its validation measures, and those with
// its test measures, if there are any. All are measured clean.
func Judge(train, val adapt.Measures, test *adapt.Measures) Verdict {
	return judge(training{train.Accuracy, train.Accuracy, false}, val, test)
}

// JudgeMet is Judge in the reference experiment's form: the gap and the aim
// are those of training as it met its pictures, the accuracy in Keras' history
// of the kept epoch, and the clean figure is told beside it. Of a result whose
// kept epoch is unknown it is Judge.
func JudgeMet(r *adapt.Result) Verdict {
	met := metOf(r)
	if met == nil {
		return Judge(r.Train, r.Val, r.Test)
	}
	return judge(training{met.Accuracy, r.Train.Accuracy, true}, r.Val, r.Test)
}

func judge(train training, val adapt.Measures, test *adapt.Measures) Verdict {
	if val.Images == 0 {
		return Verdict{
			Fit:         FitUnknown,
			ValInterval: Wilson(0, 0),
			Headline:    "No image was held back for validation, so nothing can be said about new images.",
			Details:     []string{fmt.Sprintf("On its own training images the head is right %s of the time, which proves nothing.", percent(train.clean))},
		}
	}
	v := Verdict{
		Fit:         FitBalanced,
		GapPoints:   100 * (train.clean - val.Accuracy),
		ValInterval: Wilson(val.Accuracy, val.Images),
		AimMet:      val.Accuracy > aimVal && train.accuracy < aimTrain,
	}
	if train.met {
		gap := 100 * (train.accuracy - val.Accuracy)
		v.MetGapPoints = &gap
	}
	v.Certain = train.accuracy < v.ValInterval.Low || train.accuracy > v.ValInterval.High
	switch {
	case v.judged() > overfittedGap+1e-9: // Eight points are not more than eight, whatever the rounding.
		v.Fit = FitOverfitted
	case train.clean < underfittedTrain: // dropout and changed pictures are no want of learning
		v.Fit = FitUnderfitted
	}
	if v.Fit != FitOverfitted {
		// Only a large gap is a claim that chance can explain away.
		v.Certain = true
	}
	v.Headline = v.headline(train)
	if train.met {
		v.Details = append(v.Details, v.beside(train))
	}
	v.Details = append(v.Details, v.chance(val))
	if test != nil && test.Images > 0 {
		if v.ValFlatters = Wilson(test.Accuracy, test.Images).High < v.ValInterval.Low; v.ValFlatters {
			v.Details = append(v.Details, fmt.Sprintf("Test accuracy is %.1f points below validation, more than chance explains: "+
				"the validation images resemble the training ones more than new ones do, perhaps as shots of the same scenes. Believe the test figure, %s.",
				100*(val.Accuracy-test.Accuracy), percent(test.Accuracy)))
		}
	}
	v.Details = append(v.Details, v.aim(train, val))
	if advice := v.advice(); advice != "" {
		v.Details = append(v.Details, advice)
	}
	return v
}

// judged is the gap that Fit goes by.
func (v Verdict) judged() float64 {
	if v.MetGapPoints != nil {
		return *v.MetGapPoints
	}
	return v.GapPoints
}

// beside tells the clean figure beside the one that was judged by, whichever of
// the two flatters.
func (v Verdict) beside(train training) string {
	text := fmt.Sprintf("As met is what the reference goes by: while the kept epoch ran, with dropout, on the pictures as the recipe changes them. "+
		"Measured clean afterwards, training is %s, %+.1f points to validation.", percent(train.clean), v.GapPoints)
	switch {
	case v.Fit != FitOverfitted && v.GapPoints > overfittedGap+1e-9:
		text += " So the training images themselves are known by heart all the same."
	case v.Fit == FitOverfitted && v.GapPoints <= overfittedGap+1e-9:
		text += " Measured so, the gap is not large."
	}
	return text
}

func (v Verdict) headline(train training) string {
	gap := fmt.Sprintf("%.1f points", math.Abs(v.judged()))
	as := ""
	if train.met {
		as = " as met"
	}
	switch {
	case v.Fit == FitOverfitted && v.Certain:
		return fmt.Sprintf("Overfitted: training accuracy%s is %s above validation, more than %g.", as, gap, overfittedGap)
	case v.Fit == FitOverfitted:
		return fmt.Sprintf("Perhaps overfitted: training accuracy%s is %s above validation, more than %g, but so few images may do that by chance.", as, gap, overfittedGap)
	case v.Fit == FitUnderfitted:
		return fmt.Sprintf("Underfitted: the head gets only %s of its own training images right.", percent(train.clean))
	case v.judged() < -overfittedGap && !train.met:
		return fmt.Sprintf("Not overfitted, but the two sets differ: validation accuracy is %s above training.", gap)
	case math.Abs(v.judged()) < 0.05:
		return fmt.Sprintf("Not overfitted: training%s and validation accuracy are equal.", as)
	case v.judged() < 0:
		return fmt.Sprintf("Not overfitted: validation accuracy is %s above training%s.", gap, as)
	}
	return fmt.Sprintf("Not overfitted: training accuracy%s is %s above validation.", as, gap)
}

// chance says how far the validation accuracy can be trusted.
func (v Verdict) chance(val adapt.Measures) string {
	text := fmt.Sprintf("%s of %d validation images are right; of new ones like them expect %s to %s (95 %% interval, \u00b1%.1f points).",
		percent(val.Accuracy), val.Images, percent(v.ValInterval.Low), percent(v.ValInterval.High), v.ValInterval.points())
	if val.Images < fewImages {
		text += fmt.Sprintf(" So few images prove little: hold back %d or more for a firm figure.", fewImages)
	}
	return text
}

func (v Verdict) aim(train training, val adapt.Measures) string {
	as := ""
	if train.met {
		as = " as met"
	}
	text := fmt.Sprintf("The reference's aim, validation above %.0f %% with training%s below %.0f %%, is ", 100*aimVal, as, 100*aimTrain)
	if v.AimMet {
		return text + "met."
	}
	text += "not met: "
	low, high := val.Accuracy <= aimVal, train.accuracy >= aimTrain
	switch {
	case low && high:
		text += fmt.Sprintf("validation is %s and training%s %s.", percent(val.Accuracy), as, percent(train.accuracy))
	case low:
		text += fmt.Sprintf("validation is %s.", percent(val.Accuracy))
	default:
		text += fmt.Sprintf("training%s is %s.", as, percent(train.accuracy))
		if v.Fit == FitBalanced && !v.ValFlatters && v.GapPoints <= overfittedGap+1e-9 {
			text += " That limit guards against learning by heart, which the small gap rules out."
		}
	}
	return text
}

func (v Verdict) advice() string {
	switch {
	case v.Fit == FitOverfitted:
		return "What helps: more and more varied images of each class, fewer epochs, more dropout."
	case v.Fit == FitUnderfitted:
		return "What helps: more epochs, a wider hidden layer, a look at the labels, or a stronger base."
	case v.judged() < -overfittedGap && v.MetGapPoints == nil:
		return "What helps: a split whose two sides come from the same places and days."
	}
	return ""
}
