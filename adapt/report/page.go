package report

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/adapt"
)

// page is what the template shows.
type page struct {
	Run         *Run
	Title       string
	Style       template.CSS
	Created     string // RFC 3339, empty when unknown
	CreatedText string
	Verdict     Verdict
	Sign, Tone  string // of the verdict: what stands before it, and its class
	Tiles       []tile
	Measured    []measuredRow
	Validated   bool // there were validation images
	Curves      []figure
	Held        []heldSection
	Mistakes    []shot
	Rest        float64 // seconds

	Rebase *rebaseSection // nil: nothing was compared with anything

	MistakesText, ImagesText, CacheText string
	CalibrationText                     string
	Recipe                              []setting
}

// tile is a figure to be seen at a glance.
type tile struct {
	Name  string
	Value any // what Text rounds
	Text  string
	Note  string
}

// measuredRow is a row of the table of measures.
type measuredRow struct {
	Name     string
	Interval *Interval
	adapt.Measures
}

// figure is a picture with its caption.
type figure struct {
	Caption string
	Key     []key
	Frame   string // class of the picture's frame
	Picture template.HTML
}

// key explains a colour: Class is one of the style sheet's.
type key struct{ Name, Class string }

// heldSection shows how the head does on images it has not learned from.
type heldSection struct {
	measured
	Title, Summary string
	Heat, Bars     figure
	Pairs          []pairRow
	MorePairs      string
	Numbered       bool // classes go by their numbers in the picture
}

type pairRow struct {
	Images, Of      int
	True, Predicted string
}

// shot is a misclassified image.
type shot struct {
	Path, True, Predicted, Split, Alt string
	Score                             float64
	Source                            template.URL // empty without a thumbnail
}

func newPage(run *Run, wrong []Mistake) (*page, error) {
	v := run.verdict()
	p := &page{
		Run:        run,
		Title:      clean(run.Task),
		Style:      sheet(),
		Verdict:    v,
		Tiles:      tiles(run, v),
		Measured:   measuredRows(run),
		Validated:  run.Val.Images > 0,
		ImagesText: imagesText(run.Images, len(run.Conflicts)),
		Rest:       max(0, run.Seconds.Total-run.Seconds.Features-run.Seconds.Train),
		Recipe:     settings(run.Recipe),
	}
	switch {
	case v.Fit == FitUnknown:
		p.Sign, p.Tone = "?", "unknown"
	case v.Fit == FitBalanced && !v.ValFlatters && run.Val.Accuracy > aimVal:
		p.Sign, p.Tone = "\u2713", "good"
	default:
		p.Sign, p.Tone = "!", "doubtful"
	}
	if run.Generation > 0 {
		p.Title += fmt.Sprintf(", generation %d", run.Generation)
	}
	if !run.Created.IsZero() {
		p.Created = run.Created.Format(time.RFC3339)
		p.CreatedText = run.Created.Format("2 January 2006, 15:04 MST")
	}
	if run.Rebase != nil {
		p.Rebase = newRebaseSection(run.Rebase)
	}
	if run.Cache != nil {
		p.CacheText = run.Cache.sentence()
	}
	if run.Calibration != nil {
		p.CalibrationText = run.Calibration.sentence()
	}
	if err := p.curves(); err != nil {
		return nil, err
	}
	for _, m := range run.heldOut() {
		section, err := newHeldSection(run, m)
		if err != nil {
			return nil, err
		}
		p.Held = append(p.Held, section)
	}
	p.shots(wrong)
	return p, nil
}

func tiles(run *Run, v Verdict) []tile {
	accuracy := func(name string, m adapt.Measures) tile {
		i := Wilson(m.Accuracy, m.Images)
		return tile{name, m.Accuracy, percent(m.Accuracy), fmt.Sprintf("\u00b1%.1f points, %s", i.points(), plural(m.Images, "image", "images"))}
	}
	var out []tile
	if run.Val.Images > 0 {
		out = append(out, accuracy("validation accuracy", run.Val))
	}
	if run.Test != nil && run.Test.Images > 0 {
		out = append(out, accuracy("test accuracy", *run.Test))
	}
	train := tile{"train accuracy", run.Train.Accuracy, percent(run.Train.Accuracy), plural(run.Train.Images, "image", "images")}
	if run.Val.Images > 0 {
		train.Note = fmt.Sprintf("%+.1f points to validation", v.GapPoints)
	}
	skipped := fmt.Sprintf("%d skipped", run.Images.Skipped)
	return append(out, train,
		tile{"images", run.Images.Total, strconv.Itoa(run.Images.Total), skipped},
		tile{"time", run.Seconds.Total, duration(run.Seconds.Total), fmt.Sprintf("%.0f MiB of memory at its peak", run.PeakRSSMiB)})
}

func measuredRows(run *Run) []measuredRow {
	rows := []measuredRow{{Name: "train", Measures: run.Train}, {Name: "validation", Measures: run.Val}}
	if run.Test != nil {
		rows = append(rows, measuredRow{Name: "test", Measures: *run.Test})
	}
	for i := range rows[1:] {
		r := &rows[i+1]
		interval := Wilson(r.Accuracy, r.Images)
		r.Interval = &interval
	}
	return rows
}

func (p *page) curves() error {
	if len(p.Run.History) == 0 {
		return nil
	}
	keys := []key{{"train", "train"}}
	if p.Validated {
		keys = append(keys, key{"validation", "val"})
	}
	for _, c := range []struct {
		name  string
		lines []series
		axis  func([]series) axis
		tick  func(float64) string
	}{
		{"loss", lossSeries(p.Run), lossAxis, lossTick},
		{"accuracy", accuracySeries(p.Run), accuracyAxis, percentTick},
	} {
		picture, err := learningPicture(p.Run, c.name, c.lines, c.axis(c.lines), c.tick)
		if err != nil {
			return err
		}
		p.Curves = append(p.Curves, figure{Caption: strings.ToUpper(c.name[:1]) + c.name[1:], Key: keys, Picture: picture})
	}
	return nil
}

func newHeldSection(run *Run, m measured) (heldSection, error) {
	s := heldSection{measured: m, Title: strings.ToUpper(m.Name[:1]) + m.Name[1:] + " images"}
	wrong := mistakes(m.Confusion)
	s.Summary = fmt.Sprintf("%d of %s taken for another class.", wrong, plural(m.Images, "image", "images"))

	heat, err := heatPicture(run, m)
	if err != nil {
		return s, err
	}
	rows := "Confusion: a row for each true class, a column for each predicted one."
	if s.Numbered = len(m.Confusion) > heatNamed; s.Numbered {
		rows += " Classes go by their numbers in the table below."
	}
	s.Heat = figure{
		Caption: rows,
		Key:     []key{{"right", "hit"}, {"wrong", "miss"}}, Frame: "wide", Picture: heat,
	}
	bars, err := barsPicture(m)
	if err != nil {
		return s, err
	}
	caption := "F1 by class, lowest first."
	if n := len(weakest(m.PerClass)); n > barsShown {
		caption = fmt.Sprintf("F1 of the %d lowest of %d classes.", barsShown, n)
	}
	s.Bars = figure{Caption: caption, Key: []key{{"F1", "f1"}, {"precision", "precision"}, {"recall", "recall"}}, Picture: bars}

	pairs := Pairs(m.Confusion)
	for _, p := range pairs[:min(pairsNamed, len(pairs))] {
		s.Pairs = append(s.Pairs, pairRow{p.Images, p.Of, run.label(p.True), run.label(p.Predicted)})
	}
	if more := len(pairs) - len(s.Pairs); more > 0 {
		s.MorePairs = "And " + plural(more, "more pair.", "more pairs.")
	}
	return s, nil
}

// shots fills the gallery and says what is left out of it.
func (p *page) shots(wrong []Mistake) {
	total := 0
	for _, m := range p.Run.heldOut() {
		total += mistakes(m.Confusion)
	}
	total = max(total, len(wrong))
	for _, m := range Worst(wrong, MistakesShown) {
		s := shot{
			Path: m.Path, True: p.Run.label(m.True), Predicted: p.Run.label(m.Predicted),
			Split: "test", Score: float64(m.Score),
		}
		if m.Split != adapt.SplitTest {
			s.Split = "validation"
		}
		s.Alt = fmt.Sprintf("%s taken for %s", s.True, s.Predicted)
		if isJPEG(m.JPEG) {
			//nolint:gosec // Base64 cannot hold anything else.
			s.Source = template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(m.JPEG))
		}
		p.Mistakes = append(p.Mistakes, s)
	}
	shown := len(p.Mistakes)
	switch {
	case len(p.Held) == 0:
		p.MistakesText = "No images were held back, so mistakes cannot be told."
	case total == 0:
		p.MistakesText = "None: every image held back was recognised."
	case shown == 0:
		p.MistakesText = fmt.Sprintf("%s, none of them shown.", plural(total, "image was misclassified", "images were misclassified"))
	case shown < total:
		p.MistakesText = fmt.Sprintf("The %d most confident of %d misclassified images; %d are left out.", shown, total, total-shown)
	default:
		p.MistakesText = fmt.Sprintf("All %s, the most confident first.", plural(total, "misclassified image", "misclassified images"))
	}
}

func isJPEG(b []byte) bool { return len(b) > 3 && b[0] == 0xff && b[1] == 0xd8 && b[2] == 0xff }
