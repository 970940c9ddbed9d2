package report

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
)

//go:embed finetune.html.tmpl
var fineTuneTemplate string

// fineTunePage is what the template shows of a run.
type fineTunePage struct {
	*page
	Parent     Base
	Tasks      []TaskOutcome
	Change     string
	Changes    []changeRow
	BeforeName string
	CurveNote  string
	FormNote   string
	Facts      []setting
}

// FineTuneHTML writes the report of a run of fine-tuning, under the promises of
// HTML. The mistakes are in the reports of the tasks' generations.
func FineTuneHTML(w io.Writer, f *FineTune) error {
	p, err := newPage(&f.Run, nil)
	if err != nil {
		return err
	}
	before, name := f.compared()
	// The time of the whole run, and not of what it has in common with an adaptation.
	p.Tiles[len(p.Tiles)-1] = tile{"time", f.Seconds.Total, duration(f.Seconds.Total), fmt.Sprintf("%.0f MiB of memory at its peak", f.PeakRSSMiB)}
	for i := range p.Tiles {
		if p.Tiles[i].Name == "train accuracy" { // of which the page has another, as met
			p.Tiles[i].Name = "train accuracy, clean"
		}
	}
	return writePage(w, "finetune", fineTunePage{
		page: p, Parent: f.Parent, Tasks: f.Tasks,
		Change: changeSentence(before, f.After), Changes: changeRows(before, f.After), BeforeName: name,
		CurveNote: f.curveNote(), FormNote: formNote(before, f.After), Facts: f.facts(),
	})
}

// curveNote tells the phases and the kept epoch in the pictures.
func (f *FineTune) curveNote() string {
	var parts []string
	if len(f.Phases) == 2 && f.Phases[0].Epochs > 0 && f.Phases[1].Epochs > 0 {
		parts = append(parts, fmt.Sprintf("Up to epoch %d the heads trained alone, from then on the top of the base too.", f.Phases[0].Epochs))
	}
	if f.BestEpoch > 0 {
		parts = append(parts, fmt.Sprintf("The dashed line marks epoch %d, whose weights were kept.", f.BestEpoch))
	}
	return strings.Join(parts, " ")
}

func (f *FineTune) facts() []setting {
	s := f.Seconds
	facts := []setting{{"unfrozen", f.unfreezeSentence()}}
	for i, p := range f.Phases {
		facts = append(facts, setting{"phase " + strconv.Itoa(i+1), phaseSentence(p)})
	}
	facts = append(facts, setting{"time", s.timeSentence()}, setting{"peak memory", fmt.Sprintf("%.0f MiB", f.PeakRSSMiB)})
	if f.Resumed > 0 {
		facts = append(facts, setting{"resumed", fmt.Sprintf("after epoch %d of phase 2", f.Resumed)})
	}
	facts = append(facts, setting{"images", imagesText(f.Images, len(f.Conflicts))},
		setting{"parent", string(f.Parent.Digest)}, setting{"base", string(f.Base.Digest)},
		setting{"size", f.Files.deltaSentence()})
	if q := f.Int8; q != nil {
		facts = append(facts, setting{"int8", fmt.Sprintf("%.2f MB, validation accuracy %s, %s points to float", float64(q.Bytes)/1e6,
			percent(q.Val.Accuracy), points(100*(q.Val.Accuracy-f.After.Val.Accuracy)))})
	}
	for _, t := range f.Tasks {
		facts = append(facts, setting{"task", fmt.Sprintf("%s, generation %d", t.Task, t.Generation)})
	}
	return facts
}

// writePage fills one of the pages of fine-tuning and writes it at once.
func writePage(w io.Writer, name string, data any) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": percent, "percentNumber": percentNumber, "loss": loss, "duration": duration, "clean": clean,
		"labelsOf": labelsOf, "add": func(a, b int) int { return a + b },
	}).Parse(pageTemplate)
	if err == nil {
		t, err = t.Parse(fineTuneTemplate)
	}
	if err != nil {
		return fmt.Errorf("parse the report's template: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("fill the report's template: %w", err)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
