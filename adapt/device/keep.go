package device

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
)

// Keeping is what Keep makes a generation of.
type Keeping struct {
	Store *models.Store
	Draft *models.Draft // of Store, begun for the task; Keep commits it
	Dir   string        // of the images, for the report's pictures
	Base  *Base         // whose features Result's head takes
	// Result is what was trained, and Run how it is shown. Keep fills in Run's
	// Generation, Report, Path and Calibration.
	Result *adapt.Result
	Run    *report.Run
	// NoActivate keeps the generation without putting it in use.
	NoActivate bool
	// Over is the generation that the new one was compared with, 0 for none: if
	// another is in use by then, that stays, and Keep fails with
	// models.ErrChanged. nil: whatever is in use is replaced.
	Over *int

	Reason string            // why the generation is made; "": it was adapted
	Parent int               // the generation that it is to replace; 0: none, or it does not matter
	Files  map[string][]byte // further files of the generation, by name
	// Exemplars leaves features of a few training images of each class in the
	// generation, for devices that have no samples of the class: rebase.Exemplars.
	Exemplars bool
	// Calibrated is the head's calibration, fitted already. nil: Keep fits one on
	// Learned, or on the result's own images if that is nil too.
	Calibrated []byte
	Learned    *Learned
}

// Learned are the images that a head was trained on, and those that its epoch was
// chosen with, where they are not the dataset's alone.
type Learned struct{ Train, Val adapt.Set }

// ReportName is the file of a generation that people look at.
const ReportName = "report.html"

// Keep writes a result into the store as the next generation of the draft's task,
// and puts it in use unless told otherwise.
//
// After an error the generation before is still in use, and the draft is the
// caller's to discard. The base may be in the store by then. A new generation may
// be, too, if all that failed was putting it in use: Run.Generation is its number
// then, and 0 otherwise.
func Keep(ctx context.Context, k Keeping) error {
	if h := k.Result.Head; h.Features != k.Base.Source.Features || h.Classes != len(k.Result.Dataset.Labels) {
		return fmt.Errorf("keep the head: it takes %d features and knows %d classes, the base gives %d and there are %d labels",
			h.Features, h.Classes, k.Base.Source.Features, len(k.Result.Dataset.Labels))
	}
	ref, err := k.Base.putInto(ctx, k.Store)
	if err != nil {
		return err
	}
	encoded, err := k.Result.Head.Encode()
	if err != nil {
		return err
	}
	if err := k.Draft.WriteFile(models.HeadName, encoded); err != nil {
		return err
	}
	if err := k.calibrate(); err != nil {
		return err
	}
	if err := k.exemplify(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(k.Files)) {
		if err := k.Draft.WriteFile(name, k.Files[name]); err != nil {
			return err
		}
	}
	samples, err := receipt(k.Result.Dataset)
	if err != nil {
		return err
	}
	if err := k.Draft.WriteFile(ReceiptName, samples); err != nil {
		return err
	}
	// The page does not name its generation: the number is given at the commit.
	page, err := k.Draft.Create(ReportName)
	if err != nil {
		return err
	}
	if err := errors.Join(report.HTML(page, k.Run, thumbnails(k.Dir, k.Result)), page.Close()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	m, err := manifest(k.Base.Source, ref, k.Result, k.Run)
	if err != nil {
		return err
	}
	if ctx.Err() != nil { // a free lock is taken without looking
		return context.Cause(ctx)
	}
	m.Reason, m.Parent = cmp.Or(k.Reason, reason), k.Parent
	g, err := k.Draft.Commit(ctx, m)
	if err != nil {
		return err
	}
	k.Run.Generation, k.Run.Report, k.Run.Path = g.Generation, g.Path(ReportName), filepath.Dir(g.Path(ReportName))
	if k.NoActivate {
		return nil
	}
	if k.Over != nil {
		return k.Store.ActivateOver(ctx, g.Task, *k.Over, g.Generation, m.Reason)
	}
	return k.Store.Activate(ctx, g.Task, g.Generation, m.Reason)
}

// exemplify adds the exemplars to the draft. A base whose features they cannot
// hold goes without, and the run says so.
func (k Keeping) exemplify() error {
	if !k.Exemplars {
		return nil
	}
	train, _ := k.learned()
	e, err := rebase.NewExemplars(k.Base.Source.Digest, train, k.Result.Head.Classes, rebase.DefaultExemplars)
	if err != nil {
		k.Run.Warnings = append(k.Run.Warnings, fmt.Sprintf("devices cannot keep classes that they have no samples of: %v", err))
		return nil
	}
	data, err := e.Encode()
	if err != nil {
		return err
	}
	return k.Draft.WriteFile(rebase.ExemplarsName, data)
}

// learned are the images that the head was trained on, and those that its epoch
// was chosen with.
func (k Keeping) learned() (train, val adapt.Set) {
	if k.Learned != nil {
		return k.Learned.Train, k.Learned.Val
	}
	of := func(split adapt.Split) adapt.Set {
		return k.Result.Dataset.Set(k.Result.Features, func(s adapt.Sample) bool { return s.Split == split })
	}
	return of(adapt.SplitTrain), of(adapt.SplitVal)
}

// calibrate adds the head's calibration to the draft and to the run.
func (k Keeping) calibrate() error {
	data := k.Calibrated
	if data == nil {
		var err error
		if data, err = k.fitCalibration(); err != nil {
			return err
		}
	}
	c, err := calibrate.Parse(data)
	if err != nil {
		return err
	}
	k.Run.Calibration = &report.Calibration{Temperature: c.Temperature(), Unknown: c.Detects(), Note: c.Note()}
	return k.Draft.WriteFile(calibrate.FileName, data)
}

// fitCalibration fits the head's calibration on the validation images.
func (k Keeping) fitCalibration() ([]byte, error) {
	train, val := k.learned()
	c, err := calibrate.Fit(k.Base.Source.Digest, k.Result.Head, train, val)
	if err != nil {
		return nil, err
	}
	return c.Encode()
}

// reason is why a generation was made, unless somebody says more.
const reason = "adapted"

// manifest is what the generation says of itself.
func manifest(source base.Source, ref models.Base, r *adapt.Result, run *report.Run) (models.Manifest, error) {
	m := models.Manifest{
		Edge:          run.Version,
		Base:          ref,
		Preprocessing: source.Preprocessing,
		Features:      source.Features,
		Labels:        r.Dataset.Labels,
		Recipe:        run.Recipe,
	}
	type pair struct {
		Accuracy float64 `json:"accuracy"`
		Loss     float64 `json:"loss"`
	}
	measures := struct {
		Images int   `json:"images"`
		Train  pair  `json:"train"`
		Val    pair  `json:"val"`
		Test   *pair `json:"test,omitempty"`
		// Of a rebase: both heads on the held-out images that they were compared on.
		Compared int   `json:"compared,omitempty"`
		Before   *pair `json:"before,omitempty"`
		After    *pair `json:"after,omitempty"`
	}{Images: r.Dataset.Images().Total, Train: pair{r.Train.Accuracy, r.Train.Loss}, Val: pair{r.Val.Accuracy, r.Val.Loss}}
	if b := run.Rebase; b != nil && b.Compared > 0 {
		measures.Compared = b.Compared
		measures.Before, measures.After = &pair{b.Before.Accuracy, b.Before.Loss}, &pair{b.After.Accuracy, b.After.Loss}
	}
	if r.Test != nil {
		measures.Test = &pair{r.Test.Accuracy, r.Test.Loss}
	}
	var err error
	m.Measures, err = json.Marshal(measures)
	return m, err
}
