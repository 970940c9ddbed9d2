package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/edge-adapt/edge/runtime"
)

// column is one of the table of tasks.
type column struct {
	name  string
	width int
	right bool // numbers
	of    func(taskLine) string
}

// topColumns are as wide as the screen lets them be: what it sees gets what is
// left over.
func topColumns(width int) []column {
	all := []column{
		{"task", 14, false, func(l taskLine) string { return l.Task }},
		{"gen", 4, true, func(l taskLine) string { return l.Generation }},
		{"sees", 12, false, func(l taskLine) string { return l.Sees }},
		{"score", 5, true, func(l taskLine) string { return l.Score }},
		{"for", 6, true, func(l taskLine) string { return l.For }},
		{"img/s", 6, true, func(l taskLine) string { return l.Rate }},
		{"p50", 5, true, func(l taskLine) string { return l.P50 }},
		{"p99", 5, true, func(l taskLine) string { return l.P99 }},
		{"source", 7, false, func(l taskLine) string { return l.Source }},
	}
	used := 2 // the mark
	for _, c := range all {
		used += c.width + 1
	}
	if spare := width - used; spare > 0 {
		all[2].width += spare / 2
		all[8].width += spare - spare/2
	}
	return all
}

func cell(s string, c column) string {
	s = safe(s)
	if text.StringWidth(s) > c.width {
		s = text.Trim(s, max(0, c.width-1)) + "…"
	}
	if c.right {
		return strings.Repeat(" ", max(0, c.width-text.StringWidth(s))) + s
	}
	return text.Pad(s, c.width, ' ')
}

// table lists the tasks around the chosen one, in at most room lines.
func (v *topView) table(width, room int, now time.Time) []string {
	columns := topColumns(width)
	var head strings.Builder
	for _, c := range columns {
		head.WriteString(" " + cell(c.name, c))
	}
	lines := []string{v.paint("  "+head.String()[1:], styleDim)}
	tasks := v.state.Tasks
	if len(tasks) == 0 {
		return append(lines, "  no tasks")
	}
	chosen := max(0, slices.IndexFunc(tasks, func(t runtime.TaskStatus) bool { return t.Task == v.chosen }))
	shown := max(1, room-1)
	from := min(max(0, chosen-shown/2), max(0, len(tasks)-shown))
	for i := from; i < min(len(tasks), from+shown); i++ {
		view := taskView(tasks[i], now)
		if s := tasks[i].Source; s != nil {
			view.Source = string(s.State)
		}
		var row strings.Builder
		for _, c := range columns {
			row.WriteString(" " + cell(c.of(view), c))
		}
		mark, line := "  ", row.String()[1:]
		switch {
		case i == chosen && v.colour:
			line = v.paint(line, styleInvert)
		case i == chosen:
			mark = "> "
		case !tasks[i].Serving:
			line = v.paint(line, styleRed)
		}
		lines = append(lines, mark+line)
	}
	if more := len(tasks) - shown; more > 0 {
		lines[0] = beside(lines[0], fmt.Sprintf("+%d", more), width)
	}
	return lines
}

// detail is the chosen task in full.
func (v *topView) detail(width int, now time.Time) []string {
	i := slices.IndexFunc(v.state.Tasks, func(t runtime.TaskStatus) bool { return t.Task == v.chosen })
	if v.err != nil {
		return wrap(v.paint(safe(problemText(v.err)), styleRed), width, 3)
	}
	if i < 0 {
		return nil
	}
	t := v.state.Tasks[i]
	lines := []string{v.paint(safe(t.Task), styleBold) + modelText(t)}
	if s := t.Source; s != nil {
		lines = append(lines, label("source")+safe(sourceText(s, now)))
	}
	rates := v.rates[t.Task]
	lines = append(lines, label("images/s")+v.paint(spark(rates, max(8, width-30)), styleGreen)+fmt.Sprintf(" %.1f", t.Rate))
	q := t.Timings
	times := label("ms")
	if q.Latency.Max > 0 {
		times += fmt.Sprintf("latency p50 %s p99 %s max %s  of it: ", milliseconds(q.Latency.P50), milliseconds(q.Latency.P99), milliseconds(q.Latency.Max))
	}
	lines = append(lines, times+fmt.Sprintf("pre %s base %s head %.2f", milliseconds(q.Preprocess.P50), milliseconds(q.Base.P50), q.Head.P50))
	lines = append(lines, label("counts")+countsText(t))
	if a := t.Adapting; a != nil {
		text := safe(a.Stage)
		if a.Total > 0 {
			text = bar(float64(a.Done)/float64(a.Total), 20) + fmt.Sprintf(" %s %d of %d", safe(a.Stage), a.Done, a.Total)
		}
		lines = append(lines, label("adapting")+v.paint(text, styleYellow)+" for "+shortTime(now.Sub(a.Since)))
	}
	if p := t.Probation; p != nil {
		lines = append(lines, label("probation")+fmt.Sprintf("generation %d: %s", p.Generation, safe(watchText(p))))
	}
	if p := t.Shadow; p != nil {
		lines = append(lines, label("shadow")+fmt.Sprintf("generation %d: %s", p.Generation, safe(watchText(p))))
	}
	if p := t.Problem; p != nil {
		text := p.Message
		if p.Hint != "" {
			text += "; " + p.Hint
		}
		for _, l := range wrap(safe(text), width-12, 2) {
			lines = append(lines, label("problem")+v.paint(l, styleRed))
		}
	}
	return lines
}

func label(name string) string { return text.Pad("  "+name, 12, ' ') }

func modelText(t runtime.TaskStatus) string {
	m := t.Model
	if m == nil {
		return "  no generation serves"
	}
	out := fmt.Sprintf("  generation %d, %d classes, base %s", m.Generation, len(m.Labels), safe(m.Base.Name))
	if m.Calibrated {
		out += ", calibrated"
	}
	return out
}

func sourceText(s *runtime.SourceStatus, now time.Time) string {
	out := string(s.State) + " for " + shortTime(now.Sub(s.Since))
	if i := s.Info; i.Width > 0 {
		out += fmt.Sprintf("  %dx%d %s", i.Width, i.Height, i.Format)
		if i.Rate > 0 {
			out += fmt.Sprintf(" %g/s", i.Rate)
		}
	}
	if s.State != "running" && s.LastError != "" {
		out += "  " + s.LastError
	}
	return out + "  " + s.URI
}

// countsText leaves out what is 0, but for the images themselves.
func countsText(t runtime.TaskStatus) string {
	c := t.Counts
	parts := []string{fmt.Sprintf("%d classified", c.Frames+c.Images)}
	add := func(n uint64, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(c.SkippedInterval, "too early")
	add(c.SkippedStill, "still")
	add(c.Failed+c.ImagesFailed, "failed")
	if s := t.Source; s != nil {
		add(s.Dropped, "dropped")
		add(s.Skipped, "unreadable")
		add(s.Reconnects, "reconnects")
	}
	add(c.Events, "events")
	return strings.Join(parts, ", ")
}

// wrap breaks s into at most most lines.
func wrap(s string, width, most int) []string {
	lines := strings.Split(text.WrapSoft(s, max(10, width)), "\n")
	return lines[:min(len(lines), most)]
}

// recent are the latest events, the newest first, in at most room lines.
func (v *topView) recent(room int) []string {
	var lines []string
	for i := len(v.events) - 1; i >= 0 && len(lines) < room; i-- {
		e := v.events[i]
		what := string(e.Kind)
		switch {
		case e.Kind == runtime.KindChange || e.Kind == runtime.KindHeartbeat:
			sees := e.Label
			if e.Unknown {
				sees = "unknown"
			}
			what += " " + sees
			if e.Previous != "" {
				what += " (was " + e.Previous + ")"
			}
		case e.Message != "":
			what += " " + e.Message
		}
		lines = append(lines, v.paint(e.Time.Local().Format("15:04:05"), styleDim)+" "+safe(e.Task)+" "+safe(what))
	}
	return lines
}
