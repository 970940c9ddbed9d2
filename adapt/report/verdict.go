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
	Fit Fit `json:"fit"`
	// GapPoints is training accuracy without dropout minus validation accuracy,
	// in percentage points. It is negative when validation went better.
	GapPoints float64 `json:"gap_points"`
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

// Judge compares a head's training with its validation measures, and those with
// its test measures, if there are any. All are without dropout.
func Judge(train, val adapt.Measures, test *adapt.Measures) Verdict {
	if val.Images == 0 {
		return Verdict{
			Fit:         FitUnknown,
			ValInterval: Wilson(0, 0),
			Headline:    "No image was held back for validation, so nothing can be said about new images.",
			Details:     []string{fmt.Sprintf("On its own training images the head is right %s of the time, which proves nothing.", percent(train.Accuracy))},
		}
	}
	v := Verdict{
		Fit:         FitBalanced,
		GapPoints:   100 * (train.Accuracy - val.Accuracy),
		ValInterval: Wilson(val.Accuracy, val.Images),
		AimMet:      val.Accuracy > aimVal && train.Accuracy < aimTrain,
	}
	v.Certain = train.Accuracy < v.ValInterval.Low || train.Accuracy > v.ValInterval.High
	switch {
	case v.GapPoints > overfittedGap+1e-9: // Eight points are not more than eight, whatever the rounding.
		v.Fit = FitOverfitted
	case train.Accuracy < underfittedTrain:
		v.Fit = FitUnderfitted
	}
	if v.Fit != FitOverfitted {
		// Only a large gap is a claim that chance can explain away.
		v.Certain = true
	}
	v.Headline = v.headline(train)
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

func (v Verdict) headline(train adapt.Measures) string {
	gap := fmt.Sprintf("%.1f points", math.Abs(v.GapPoints))
	switch {
	case v.Fit == FitOverfitted && v.Certain:
		return fmt.Sprintf("Overfitted: training accuracy is %s above validation, more than %g.", gap, overfittedGap)
	case v.Fit == FitOverfitted:
		return fmt.Sprintf("Perhaps overfitted: training accuracy is %s above validation, more than %g, but so few images may do that by chance.", gap, overfittedGap)
	case v.Fit == FitUnderfitted:
		return fmt.Sprintf("Underfitted: the head gets only %s of its own training images right.", percent(train.Accuracy))
	case v.GapPoints < -overfittedGap:
		return fmt.Sprintf("Not overfitted, but the two sets differ: validation accuracy is %s above training.", gap)
	case math.Abs(v.GapPoints) < 0.05:
		return "Not overfitted: training and validation accuracy are equal."
	case v.GapPoints < 0:
		return fmt.Sprintf("Not overfitted: validation accuracy is %s above training.", gap)
	}
	return fmt.Sprintf("Not overfitted: training accuracy is %s above validation.", gap)
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

func (v Verdict) aim(train, val adapt.Measures) string {
	text := fmt.Sprintf("The reference's aim, validation above %.0f %% with training below %.0f %%, is ", 100*aimVal, 100*aimTrain)
	if v.AimMet {
		return text + "met."
	}
	text += "not met: "
	low, high := val.Accuracy <= aimVal, train.Accuracy >= aimTrain
	switch {
	case low && high:
		text += fmt.Sprintf("validation is %s and training %s.", percent(val.Accuracy), percent(train.Accuracy))
	case low:
		text += fmt.Sprintf("validation is %s.", percent(val.Accuracy))
	default:
		text += fmt.Sprintf("training is %s.", percent(train.Accuracy))
		if v.Fit == FitBalanced && !v.ValFlatters {
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
	case v.GapPoints < -overfittedGap:
		return "What helps: a split whose two sides come from the same places and days."
	}
	return ""
}
