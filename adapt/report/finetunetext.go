package report

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
)

// FineTuneText writes the summary of a run of fine-tuning as Text does that of
// an adaptation, with the table of before and after.
func FineTuneText(w io.Writer, f *FineTune, o TextOptions) error {
	t := &textReport{style: newStyle(o), run: &f.Run}
	if held := f.heldOut(); len(held) > 0 {
		t.perClass(held[0])
		t.confusion(held[0])
	}
	t.curves()
	if len(f.Tasks) > 1 {
		t.taskTable(f)
	}
	t.changes(f)
	t.verdict()
	t.paragraph("", t.signs(changeSentence(f.before(), f.After)))
	t.fineTuneFacts(f)
	if _, err := w.Write(t.buf.Bytes()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// before is the column that After is compared with.
func (f *FineTune) before() Outcome {
	before, _ := f.compared()
	return before
}

func (t *textReport) changes(f *FineTune) {
	before, name := f.compared()
	t.heading("Before and after", "before: "+name+"; after: what is stored")
	w := t.table(table.ColumnConfig{Number: 1}, number(2), number(3), number(4))
	w.AppendHeader(table.Row{"", "before", "after", "change"})
	for _, r := range changeRows(before, f.After) {
		w.AppendRow(table.Row{r.Name, r.Before, r.After, r.Change})
	}
	t.render(w)
	t.line("")
	t.paragraph("", formNote(before, f.After))
}

// taskTable lists the tasks that share the base.
func (t *textReport) taskTable(f *FineTune) {
	t.heading("Tasks", "accuracy before and after, in per cent, all measured clean")
	w := t.table(table.ColumnConfig{Number: 1}, number(2), number(3), number(4), number(5), number(6))
	w.AppendHeader(table.Row{"task", "classes", "train", "validation", "test", "gap after"})
	for _, task := range f.Tasks {
		w.AppendRow(table.Row{
			clean(task.Task), len(task.Labels), t.signs(arrow(task.Before.Train, task.After.Train)), t.signs(arrow(task.Before.Val, task.After.Val)),
			t.signs(testArrow(task)), fmt.Sprintf("%.1f", task.After.GapPoints),
		})
	}
	t.render(w)
}

func arrow(before, after Score) string {
	return percentNumber(before.Accuracy) + " \u2013 " + percentNumber(after.Accuracy)
}

func testArrow(t TaskOutcome) string {
	if t.Before.Test == nil || t.After.Test == nil {
		return ""
	}
	return arrow(*t.Before.Test, *t.After.Test)
}

func (t *textReport) fineTuneFacts(f *FineTune) {
	t.heading("Run", "")
	t.fact("images", imagesText(f.Images, len(f.Conflicts)))
	t.named(len(f.Skipped), func(i int) string { return "skipped " + skipText(f.Skipped[i]) })
	t.fact("unfrozen", f.unfreezeSentence())
	for i, p := range f.Phases {
		t.fact(fmt.Sprintf("phase %d", i+1), phaseSentence(p))
	}
	if n := len(f.History); n > 0 {
		t.fact("epochs", fmt.Sprintf("%d, weights of epoch %d kept", n, f.BestEpoch))
	}
	if f.Resumed > 0 {
		t.fact("resumed", "after epoch "+fmt.Sprint(f.Resumed)+" of phase 2")
	}
	t.fact("time", f.Seconds.timeSentence())
	t.fact("memory", fmt.Sprintf("%.0f MiB at its peak", f.PeakRSSMiB))
	t.fact("parent", clean(f.Parent.Name)+" "+shortDigest(f.Parent.Digest))
	t.fact("base", clean(f.Files.Base)+" "+shortDigest(f.Base.Digest))
	t.fact("size", f.Files.deltaSentence())
	if q := f.Int8; q != nil {
		t.fact("int8", fmt.Sprintf("%s, %.2f MB: validation %s, %s points to float", clean(f.Files.Int8), float64(q.Bytes)/1e6,
			percent(q.Val.Accuracy), points(100*(q.Val.Accuracy-f.After.Val.Accuracy))))
	}
	for _, task := range f.Tasks {
		t.fact("task", fmt.Sprintf("%s, generation %d, %s", clean(task.Task), task.Generation, clean(task.Bundle)))
	}
	t.fact("report", clean(f.Files.Report))
	for _, warning := range f.Warnings {
		t.fact("warning", t.paint(sgrOrange, clean(warning)))
	}
}
