package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/edge-adapt/edge/adapt"
)

const (
	matrixClasses = 12 // with more classes the most confused pairs are named instead
	pairsNamed    = 10
	pathsNamed    = 10 // of the skipped files, duplicates and conflicts, each
)

// Text writes the summary of a run: a table per class, the confusion matrix, the
// learning curve, the measures, the verdict, and where time and images went.
// What matters most comes last, where the eye is when a command ends. It writes
// once, and nothing at all after an error.
func Text(w io.Writer, run *Run, o TextOptions) error {
	t := &textReport{style: newStyle(o), run: run}
	if held := run.heldOut(); len(held) > 0 {
		t.perClass(held[0])
		t.confusion(held[0])
	}
	t.curves()
	t.measures()
	t.verdict()
	t.rebase()
	t.facts()
	if _, err := w.Write(t.buf.Bytes()); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// textReport collects the sections.
type textReport struct {
	style
	run *Run
	buf bytes.Buffer
}

func (t *textReport) heading(title, rest string) {
	if t.buf.Len() > 0 {
		t.buf.WriteByte('\n')
	}
	title = t.paint(sgrBold, title)
	if rest != "" {
		title += t.signs(" \u00b7 ") + rest
	}
	for _, l := range wrap("", title, t.Width) {
		t.buf.WriteString(l + "\n")
	}
	t.buf.WriteByte('\n')
}

// line writes indented lines without blanks at their ends.
func (t *textReport) line(lines ...string) {
	for _, l := range lines {
		t.buf.WriteString(strings.TrimRight("  "+l, " ") + "\n")
	}
}

// paragraph writes wrapped words.
func (t *textReport) paragraph(prefix, words string) {
	t.line(wrap(prefix, words, t.Width-2)...)
}

// wrap breaks words into lines of width columns. The first line begins with
// prefix, the others with as many blanks. A percent sign stays with its number,
// and a word that is too long for a line gets one to itself.
func wrap(prefix, words string, width int) []string {
	fields := strings.Fields(words)
	line := prefix
	var lines []string
	for i := 0; i < len(fields); i++ {
		word := fields[i]
		if i+1 < len(fields) && strings.HasPrefix(fields[i+1], "%") {
			i++
			word += " " + fields[i]
		}
		switch {
		case line == prefix:
			line += word
		case text.StringWidthWithoutEscSequences(line+" "+word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			prefix = strings.Repeat(" ", len(prefix))
			line = prefix + word
		}
	}
	return append(lines, line)
}

// table returns an empty table without borders.
func (t *textReport) table(columns ...table.ColumnConfig) table.Writer {
	box := table.StyleBoxDefault
	if t.Unicode {
		box = table.StyleBoxLight
	}
	box.PaddingLeft, box.PaddingRight = "", "  "
	w := table.NewWriter()
	w.SetStyle(table.Style{
		Box:     box,
		Format:  table.FormatOptions{Header: text.FormatDefault, HeaderAlign: text.AlignDefault},
		Options: table.Options{SeparateHeader: true},
	})
	w.SetColumnConfigs(columns)
	return w
}

func number(column int) table.ColumnConfig {
	return table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight}
}

func (t *textReport) render(w table.Writer) {
	t.line(strings.Split(w.Render(), "\n")...)
}

func (t *textReport) perClass(m measured) {
	if len(m.PerClass) == 0 {
		return
	}
	t.heading("Per class", t.counted(m))
	labels := table.ColumnConfig{Number: 2, WidthMax: t.Width - 46, WidthMaxEnforcer: text.WrapHard}
	w := t.table(number(1), labels, number(3), number(4), number(5), number(6))
	w.AppendHeader(table.Row{"#", "class", "images", "precision", "recall", "F1"})
	for i, c := range m.PerClass {
		w.AppendRow(table.Row{i + 1, clean(c.Label), c.Images, percent(c.Precision), percent(c.Recall), percent(c.F1)})
	}
	t.render(w)
}

func (t *textReport) counted(m measured) string {
	return m.Name + ", " + plural(m.Images, "image", "images")
}

func (t *textReport) confusion(m measured) {
	if len(m.Confusion) == 0 {
		return
	}
	wrong := mistakes(m.Confusion)
	what := fmt.Sprintf("%s, %d of %s taken for another class", m.Name, wrong, plural(m.Images, "image", "images"))
	if matrix, ok := t.matrix(m.Confusion); ok {
		t.heading("Confusion", what)
		t.paragraph("", t.paint(sgrDim, "a row for each true class, a column for each predicted one"))
		t.render(matrix)
		return
	}
	t.heading("Most confused", what)
	pairs := Pairs(m.Confusion)
	if len(pairs) == 0 {
		t.line("none")
		return
	}
	w := t.table(number(1), number(2))
	w.AppendHeader(table.Row{"times", "of", "class", "taken for"})
	half := (t.Width - 22) / 2 // What the counts leave, for two names.
	for _, p := range pairs[:min(pairsNamed, len(pairs))] {
		w.AppendRow(table.Row{p.Images, p.Of, t.shorten(t.label(p.True), half), t.shorten(t.label(p.Predicted), half)})
	}
	t.render(w)
	if more := pairs[min(pairsNamed, len(pairs)):]; len(more) > 0 {
		images := 0
		for _, p := range more {
			images += p.Images
		}
		t.line(fmt.Sprintf("and %s with %s", plural(len(more), "more pair", "more pairs"), plural(images, "image", "images")) + t.elsewhere())
	}
}

// matrix reports false when the matrix does not fit.
func (t *textReport) matrix(confusion [][]int) (table.Writer, bool) {
	n := len(confusion)
	if n > matrixClasses {
		return nil, false
	}
	digits, label := len(strconv.Itoa(n)), 0
	for i, row := range confusion {
		label = max(label, text.StringWidthWithoutEscSequences(t.label(i)))
		for _, c := range row {
			digits = max(digits, len(strconv.Itoa(c)))
		}
	}
	room := t.Width - 2 - 4 - 2 - n*(digits+2)
	if room < min(label, 12) {
		return nil, false
	}
	header := table.Row{"#", "class"}
	columns := []table.ColumnConfig{number(1)}
	for i := range n {
		header = append(header, i+1)
		columns = append(columns, number(i+3))
	}
	w := t.table(columns...)
	w.AppendHeader(header)
	for i, counts := range confusion {
		row := table.Row{i + 1, t.shorten(t.label(i), room)}
		for j, c := range counts {
			cell := strconv.Itoa(c)
			switch {
			case c == 0:
				cell = t.paint(sgrDim, t.pick("\u00b7", "."))
			case i == j:
				cell = t.paint(sgrBlue, cell)
			default:
				cell = t.paint(sgrOrange, cell)
			}
			row = append(row, cell)
		}
		w.AppendRow(row)
	}
	return w, true
}

// label returns the name of a class, fit to show.
func (t *textReport) label(class int) string { return t.run.label(class) }

// shorten cuts the middle out of a name wider than width columns.
func (t *textReport) shorten(name string, width int) string {
	if text.StringWidthWithoutEscSequences(name) <= width {
		return name
	}
	gap := t.pick("\u2026", "~")
	runes := []rune(name)
	keep := len(runes) - 1
	for ; keep > 1; keep-- {
		head := (keep + 1) / 2
		short := string(runes[:head]) + gap + string(runes[len(runes)-keep/2:])
		if text.StringWidthWithoutEscSequences(short) <= width {
			return short
		}
	}
	return string(runes[:1]) + gap
}

func (t *textReport) measures() {
	t.heading("Measures", "the stored head, without dropout")
	w := t.table(table.ColumnConfig{Number: 1}, number(2), number(3), number(4), number(5))
	w.AppendHeader(table.Row{"", "accuracy", "95 % interval", "loss", "images"})
	row := func(name string, m adapt.Measures, held bool) {
		if m.Images == 0 {
			w.AppendRow(table.Row{name, "none", "", "", 0})
			return
		}
		interval := ""
		if held {
			i := Wilson(m.Accuracy, m.Images)
			interval = percentNumber(i.Low) + t.pick("\u2013", " - ") + percent(i.High)
		}
		w.AppendRow(table.Row{name, percent(m.Accuracy), interval, loss(m.Loss), m.Images})
	}
	row("train", t.run.Train, false)
	row("validation", t.run.Val, true)
	if t.run.Test != nil {
		row("test", *t.run.Test, true)
	}
	t.render(w)
}

func (t *textReport) verdict() {
	t.heading("Verdict", "")
	v := t.run.verdict()
	t.paragraph("", t.paint(sgrBold, t.signs(v.Headline)))
	for _, d := range v.Details {
		t.paragraph("", t.signs(d))
	}
}

// rebase says how the new head compares with the one that was in use.
func (t *textReport) rebase() {
	r := t.run.Rebase
	if r == nil {
		return
	}
	t.heading("Rebase", "")
	t.paragraph("", t.paint(sgrBold, t.signs(r.headline())))
	t.paragraph("", t.signs(clean(r.Verdict.Reason))+".")
	for _, note := range r.notes() {
		t.paragraph("", t.signs(note))
	}
	t.paragraph("", "Flipped: "+t.signs(r.flipCounts()))
	for _, f := range WorstFlips(r.Flipped, pathsNamed) {
		t.paragraph("- ", fmt.Sprintf("%s: was %s %s, is %s %s", clean(f.Path),
			clean(f.Before.Label), percent(float64(f.Before.Score)), clean(f.After.Label), percent(float64(f.After.Score))))
	}
	if more := len(r.Flipped) - pathsNamed; more > 0 {
		t.paragraph("", fmt.Sprintf("and %d more%s", more, t.elsewhere()))
	}
}
