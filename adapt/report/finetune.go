package report

import (
	"fmt"
	"math"

	"github.com/edge-adapt/edge/adapt"
)

// FineTune is everything shown about one run of fine-tuning. Its JSON is the
// object that `edge finetune --json` prints: the fields of the first task's Run,
// whose base is the new one, and those below.
type FineTune struct {
	Run
	Parent   Base     `json:"parent"` // the base that was fine-tuned
	Unfreeze Unfreeze `json:"unfreeze"`
	Phases   []Phase  `json:"phases"`

	// Before and After are the first task's: the head over the parent base at
	// the end of phase 1, and what was stored.
	Before Outcome `json:"before"`
	After  Outcome `json:"after"`

	Tasks   []TaskOutcome   `json:"tasks"`             // of all tasks, in their order
	Against *Against        `json:"against,omitempty"` // another run to compare with
	Int8    *Quantised      `json:"int8,omitempty"`    // nil: not asked for
	Resumed int             `json:"resumed,omitempty"` // epochs of phase 2 that a checkpoint had brought
	Seconds FineTuneSeconds `json:"seconds"`
	Files   FineTuneFiles   `json:"files"`
}

// Unfreeze says which part of the base trained.
type Unfreeze struct {
	Fraction   float64 `json:"fraction"`   // of the layers, as asked for; 0 if a name was
	Layers     int     `json:"layers"`     // unfrozen, as Keras counts them
	Of         int     `json:"of"`         // layers of the base, likewise
	From       string  `json:"from"`       // the first of them; "" if none
	Kernels    int     `json:"kernels"`    // layers whose kernels trained
	Parameters int64   `json:"parameters"` // of the base that trained
	BatchNorm  string  `json:"batch_norm"` // "folded" or "batch"
}

// Phase is one of the two phases of fine-tuning.
type Phase struct {
	Name    string  `json:"name"` // "head" or "top"
	Epochs  int     `json:"epochs"`
	Rate    float64 `json:"rate"`
	Seconds float64 `json:"seconds"`
	Stopped string  `json:"stopped,omitempty"` // why it ended early
}

// Outcome is how well a base with a head does, in the reference experiment's
// terms.
//
// Training has two measures. The reference, a Keras script, prints Met and its
// table and aim are in that form; Train is what anyone finds who runs the
// files. With few images Train is 100 % whatever the recipe, as a hundred
// pictures are learnt by heart; with dropout or changed pictures Met may lie
// below validation, which meets neither. A gap belongs to each.
type Outcome struct {
	// Train is measured clean: after the kept epoch, without dropout, on the
	// pictures as they are. Val and Test are measured likewise.
	Train Score  `json:"train"`
	Val   Score  `json:"val"`
	Test  *Score `json:"test,omitempty"` // nil when there was no test folder
	// Met is training as it met its pictures: over the kept epoch, while the
	// weights moved, with dropout, on the pictures and targets as the recipe
	// changed them. Keras' history holds the same. nil when no epoch was kept.
	Met *Score `json:"train_met,omitempty"`

	GapPoints    float64  `json:"gap_points"`               // Train minus Val, in percentage points of accuracy
	MetGapPoints *float64 `json:"gap_met_points,omitempty"` // Met minus Val, likewise; nil without Met
}

// Score is accuracy, 0 to 1, and mean cross-entropy on some images.
type Score struct {
	Accuracy float64 `json:"accuracy"`
	Loss     float64 `json:"loss"`
	Images   int     `json:"images"`
}

// NewOutcome returns what a result comes to. Its Met is that of the result's
// kept epoch.
func NewOutcome(r *adapt.Result) Outcome {
	score := func(m adapt.Measures) Score { return Score{m.Accuracy, m.Loss, m.Images} }
	o := Outcome{Train: score(r.Train), Val: score(r.Val), GapPoints: 100 * (r.Train.Accuracy - r.Val.Accuracy)}
	if r.Test != nil {
		s := score(*r.Test)
		o.Test = &s
	}
	if o.Met = metOf(r); o.Met != nil {
		gap := 100 * (o.Met.Accuracy - r.Val.Accuracy)
		o.MetGapPoints = &gap
	}
	return o
}

// metOf is training as it met its pictures in the kept epoch, or nil.
func metOf(r *adapt.Result) *Score {
	if r.Best < 1 || r.Best > len(r.History) {
		return nil
	}
	e := r.History[r.Best-1]
	return &Score{e.Accuracy, e.Loss, r.Train.Images}
}

// Clean is the outcome without the training that led to it, for a base that
// was made from the trained one and did not train itself.
func (o Outcome) Clean() Outcome {
	o.Met, o.MetGapPoints = nil, nil
	return o
}

// TaskOutcome is one of the tasks that share a base.
type TaskOutcome struct {
	Task       string       `json:"task"`
	Generation int          `json:"generation"`
	Labels     []string     `json:"labels"`
	Images     adapt.Images `json:"images"`
	Before     Outcome      `json:"before"`
	After      Outcome      `json:"after"`
	Head       string       `json:"head"`   // path
	Bundle     string       `json:"bundle"` // path
}

// Against is another run that this one is compared with.
type Against struct {
	Name string  `json:"name"` // where its result stands
	Run  Outcome `json:"run"`  // its After
}

// Quantised is the int8 form of the new base under the same head.
type Quantised struct {
	Outcome
	Base  Base  `json:"base"`
	Bytes int64 `json:"bytes"`
}

// FineTuneSeconds is where the time of a run went.
type FineTuneSeconds struct {
	Total    float64 `json:"total"`
	Features float64 `json:"features"` // reading, decoding, the base
	Head     float64 `json:"head"`     // phase 1
	Prefix   float64 `json:"prefix"`   // the frozen layers, once for all images
	Train    float64 `json:"train"`    // phase 2
	Augment  float64 `json:"augment"`  // making fresh pictures and their frozen layers, beside phase 2; 0: not done
	Measure  float64 `json:"measure"`  // of the written files
}

// FineTuneFiles are the paths of what a run wrote.
type FineTuneFiles struct {
	Base        string `json:"base"`
	BaseBytes   int64  `json:"base_bytes"`
	Delta       string `json:"delta"` // the base as what changed of its parent
	DeltaBytes  int64  `json:"delta_bytes"`
	Int8        string `json:"int8,omitempty"`
	Head        string `json:"head"`   // of the first task
	Bundle      string `json:"bundle"` // of the first task
	Report      string `json:"report"`
	Result      string `json:"result"`
	Checkpoints string `json:"checkpoints"`
}

// compared returns the column that stands before After, and what to call it:
// the end of phase 1 or, where the run is compared with another, that one.
func (f *FineTune) compared() (before Outcome, name string) {
	if f.Against != nil {
		return f.Against.Run, clean(f.Against.Name)
	}
	return f.Before, "the heads alone, phase 1"
}

// changeRow is a line of the table of before and after.
type changeRow struct{ Name, Before, After, Change string }

// changeRows is the table in the reference experiment's form: training as it
// met its pictures, where both columns have it, and below it what is measured clean.
func changeRows(before, after Outcome) []changeRow {
	accuracy := func(name string, b, a Score) changeRow {
		return changeRow{name, percent(b.Accuracy), percent(a.Accuracy), points(100 * (a.Accuracy - b.Accuracy))}
	}
	losses := func(name string, b, a Score) changeRow {
		return changeRow{name, fmt.Sprintf("%.3f", b.Loss), fmt.Sprintf("%.3f", a.Loss), fmt.Sprintf("%+.3f", a.Loss-b.Loss)}
	}
	gap := func(name string, b, a float64) changeRow {
		return changeRow{name, fmt.Sprintf("%.1f points", b), fmt.Sprintf("%.1f points", a), points(a - b)}
	}
	validation := []changeRow{accuracy("validation accuracy", before.Val, after.Val), losses("validation loss", before.Val, after.Val)}
	cleanly := []changeRow{
		accuracy("train accuracy, clean", before.Train, after.Train),
		gap("gap, clean", before.GapPoints, after.GapPoints),
		losses("train loss, clean", before.Train, after.Train),
	}
	var rows []changeRow
	if bothMet(before, after) {
		rows = append(rows,
			accuracy("train accuracy, as met", *before.Met, *after.Met), validation[0],
			gap("gap, as met", *before.MetGapPoints, *after.MetGapPoints),
			losses("train loss, as met", *before.Met, *after.Met), validation[1])
		rows = append(rows, cleanly...)
	} else {
		rows = append(rows, cleanly[0], validation[0], cleanly[1], cleanly[2], validation[1])
	}
	if before.Test != nil && after.Test != nil {
		rows = append(rows, accuracy("test accuracy", *before.Test, *after.Test), losses("test loss", *before.Test, *after.Test))
	}
	return rows
}

// bothMet reports whether both columns know training as it met its pictures.
func bothMet(before, after Outcome) bool {
	return before.Met != nil && before.MetGapPoints != nil && after.Met != nil && after.MetGapPoints != nil
}

// formNote says what the kinds of training measures in the table are.
func formNote(before, after Outcome) string {
	const clean = "Clean is measured afterwards, without dropout, on the pictures as they are, as validation and test are."
	if !bothMet(before, after) {
		return clean
	}
	return "Train as met is Keras' history of the kept epoch: while it ran, with dropout, on the pictures as the recipe changes them. " + clean
}

func points(p float64) string { return fmt.Sprintf("%+.1f", p) }

// changeSentence says in a sentence what the second column brought.
func changeSentence(before, after Outcome) string {
	gained := 100 * (after.Val.Accuracy - before.Val.Accuracy)
	var text string
	switch {
	case math.Abs(gained) < 0.05:
		text = fmt.Sprintf("Validation accuracy stays at %s", percent(after.Val.Accuracy))
	case gained > 0:
		text = fmt.Sprintf("Validation accuracy rises by %.1f points to %s", gained, percent(after.Val.Accuracy))
	default:
		text = fmt.Sprintf("Validation accuracy falls by %.1f points to %s", -gained, percent(after.Val.Accuracy))
	}
	if bothMet(before, after) {
		text += fmt.Sprintf(", and the gap to training goes from %.1f to %.1f points as met, from %.1f to %.1f measured clean.",
			*before.MetGapPoints, *after.MetGapPoints, before.GapPoints, after.GapPoints)
	} else {
		text += fmt.Sprintf(", and the gap to training, measured clean, goes from %.1f to %.1f points.", before.GapPoints, after.GapPoints)
	}
	b, a := Wilson(before.Val.Accuracy, before.Val.Images), Wilson(after.Val.Accuracy, after.Val.Images)
	if math.Abs(gained) >= 0.05 && b.Low <= a.High && a.Low <= b.High {
		text += fmt.Sprintf(" On %d images a difference of this size may be chance.", after.Val.Images)
	}
	return text
}

// unfreezeSentence says what trained.
func (f *FineTune) unfreezeSentence() string {
	u := f.Unfreeze
	if u.Layers == 0 {
		return fmt.Sprintf("none of %d layers of the base, the head alone", u.Of)
	}
	text := fmt.Sprintf("the last %d of %d layers of the base, from %s on: %s, %s",
		u.Layers, u.Of, clean(u.From), plural(u.Kernels, "kernel", "kernels"), millions(u.Parameters))
	if u.BatchNorm == "batch" {
		return text + ", batch norm with the statistics of each batch"
	}
	return text + ", batch norm frozen"
}

// deltaSentence says how large the base is, and what changed of its parent.
func (f FineTuneFiles) deltaSentence() string {
	text := fmt.Sprintf("%.2f MB; what changed of the parent, %.2f MB", float64(f.BaseBytes)/1e6, float64(f.DeltaBytes)/1e6)
	if f.BaseBytes > 0 {
		text += fmt.Sprintf(", %.0f %% of it", 100*float64(f.DeltaBytes)/float64(f.BaseBytes))
	}
	return text
}

func millions(n int64) string {
	if n < 100_000 {
		return fmt.Sprintf("%d parameters", n)
	}
	return fmt.Sprintf("%.2f million parameters", float64(n)/1e6)
}

func phaseSentence(p Phase) string {
	text := fmt.Sprintf("%s at %g in %s", plural(p.Epochs, "epoch", "epochs"), p.Rate, duration(p.Seconds))
	if p.Stopped != "" {
		text += "; stopped: " + p.Stopped
	}
	return text
}

// timeSentence says where the time went, and what fresh pictures cost.
func (s FineTuneSeconds) timeSentence() string {
	text := fmt.Sprintf("%s: images and features %s, heads %s, frozen layers %s, top %s, measuring %s",
		duration(s.Total), duration(s.Features), duration(s.Head), duration(s.Prefix), duration(s.Train), duration(s.Measure))
	if s.Augment > 0 {
		text += fmt.Sprintf("; making pictures anew for each epoch took %s of work beside the top's training", duration(s.Augment))
	}
	return text
}
