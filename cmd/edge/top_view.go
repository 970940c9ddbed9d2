package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
)

// topView is what `edge top` shows. It is used by one goroutine.
type topView struct {
	colour bool
	paused bool

	state  *daemonState
	at     time.Time // when state was got
	err    error     // of the last question
	chosen string    // the task that is shown in full
	rates  map[string][]float64
	events []runtime.Event // the latest last, of all tasks
}

const (
	keptRates  = 120
	keptEvents = 50
)

func newTopView(colour bool) *topView {
	return &topView{colour: colour, rates: map[string][]float64{}}
}

// update takes a new state.
func (v *topView) update(s *daemonState, now time.Time) {
	v.state, v.at, v.err = s, now, nil
	there := map[string]bool{}
	for _, t := range s.Tasks {
		there[t.Task] = true
		v.rates[t.Task] = append(v.rates[t.Task], t.Rate)
		v.rates[t.Task] = v.rates[t.Task][max(0, len(v.rates[t.Task])-keptRates):]
		if e := t.LastEvent; e != nil && !slices.ContainsFunc(v.events, func(old runtime.Event) bool { return old.ID == e.ID }) {
			v.events = append(v.events, *e)
		}
	}
	for name := range v.rates {
		if !there[name] {
			delete(v.rates, name)
		}
	}
	slices.SortFunc(v.events, func(a, b runtime.Event) int { return a.Time.Compare(b.Time) })
	v.events = v.events[max(0, len(v.events)-keptEvents):]
	if !there[v.chosen] && len(s.Tasks) > 0 {
		v.chosen = s.Tasks[0].Task
	}
}

// fail takes that the daemon did not answer. What it said last stays.
func (v *topView) fail(err error) { v.err = err }

// press takes a key.
func (v *topView) press(key byte) {
	i := slices.IndexFunc(v.state.Tasks, func(t runtime.TaskStatus) bool { return t.Task == v.chosen })
	switch {
	case key == ' ' || key == 'p':
		v.paused = !v.paused
	case key == keyUp && i > 0:
		v.chosen = v.state.Tasks[i-1].Task
	case key == keyDown && i+1 < len(v.state.Tasks):
		v.chosen = v.state.Tasks[i+1].Task
	}
}

// The styles, as terminals have them.
const (
	styleBold   = "1"
	styleDim    = "2"
	styleInvert = "7"
	styleRed    = "31"
	styleGreen  = "32"
	styleYellow = "33"
)

func (v *topView) paint(s, style string) string {
	if !v.colour || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

// screen is everything that is drawn, with what moves the cursor: each line over
// the one that stands there, so that nothing flickers.
func (v *topView) screen(width, height int, now time.Time) string {
	lines := v.lines(width, height, now)
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l)
		b.WriteString("\x1b[K")
	}
	b.WriteString("\x1b[J")
	return b.String()
}

// lines are at most height lines, each at most width columns.
func (v *topView) lines(width, height int, now time.Time) []string {
	var out []string
	add := func(s string) {
		if s = clean(s); text.StringWidthWithoutEscSequences(s) > width {
			s = text.Trim(s, width)
			if v.colour {
				s += "\x1b[0m"
			}
		}
		out = append(out, s)
	}
	for _, l := range v.head(width, now) {
		add(l)
	}
	add("")
	// The tasks get what the rest leaves them, and three lines in any case.
	room := max(3, height-len(out)-14)
	for _, l := range v.table(width, room, now) {
		add(l)
	}
	add("")
	for _, l := range v.detail(width, now) {
		add(l)
	}
	if free := height - len(out) - 2; free >= 2 {
		add("")
		for _, l := range v.recent(free - 1) {
			add(l)
		}
	}
	space := "stop"
	if v.paused {
		space = "go on"
	}
	foot := v.paint("↑↓ task   space "+space+"   q end", styleDim)
	out = out[:min(len(out), max(0, height-1))]
	for len(out) < height-1 {
		out = append(out, "")
	}
	return append(out, foot)
}

// clean takes out what could move the cursor; names and messages come from
// elsewhere. Our own styles stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != 0x1b || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// safe is clean for text that is none of ours: without escapes either.
func safe(s string) string { return strings.ReplaceAll(clean(s), "\x1b", "") }

// head is the daemon and the machine.
func (v *topView) head(width int, now time.Time) []string {
	i := v.state.Info
	up := time.Duration(i.Uptime*float64(time.Second)) + now.Sub(v.at)
	left := v.paint("edge "+safe(i.Version), styleBold) + "  "
	switch {
	case v.err != nil:
		left += v.paint("no answer for "+shortTime(now.Sub(v.at)), styleRed)
	case !i.Ready:
		left += v.paint("not ready", styleRed)
	default:
		left += v.paint("ready", styleGreen)
	}
	if v.paused {
		left += "  " + v.paint("stopped", styleYellow)
	}
	if i.StandBy != "" {
		left += "  " + v.paint("stands by", styleYellow)
	}
	left += "  up " + shortTime(up) + "  " + safe(v.state.Server)
	lines := []string{beside(left, now.Format("15:04:05"), width)}

	m := i.Machine
	var parts []string
	if m.Memory.Resident > 0 {
		part := "memory "
		if m.Memory.Ceiling > 0 {
			share := float64(m.Memory.Resident) / float64(m.Memory.Ceiling)
			part += v.paint(bar(share, 12), styleOf(share, 0.75, 0.95)) + " "
		}
		parts = append(parts, part+memoryText(m))
	}
	if m.CPUs > 0 {
		parts = append(parts, fmt.Sprintf("load %s of %d", v.paint(fmt.Sprintf("%.2f", m.Load), styleOf(m.Load/float64(m.CPUs), 1, 2)), m.CPUs))
	}
	if m.Temperature != nil {
		parts = append(parts, v.paint(fmt.Sprintf("%.0f °C", *m.Temperature), styleOf(*m.Temperature, 70, 80)))
	}
	lines = append(lines, strings.Join(parts, "   "))
	parts = nil
	if m.Model != "" {
		parts = append(parts, v.paint(safe(m.Model), styleDim))
	}
	if t := m.Throttled; t != nil {
		switch {
		case len(t.Now) > 0:
			parts = append(parts, v.paint(strings.Join(t.Now, ", "), styleRed))
		case len(t.Before) > 0:
			parts = append(parts, v.paint("was "+strings.Join(t.Before, ", "), styleYellow))
		default:
			parts = append(parts, "not throttled")
		}
	}
	if len(parts) > 0 {
		lines = append(lines, strings.Join(parts, "   "))
	}
	return lines
}

// styleOf is green below yellow, and red from red on.
func styleOf(x, yellow, red float64) string {
	switch {
	case x >= red:
		return styleRed
	case x >= yellow:
		return styleYellow
	}
	return styleGreen
}

// beside puts right at the end of the line.
func beside(left, right string, width int) string {
	gap := width - text.StringWidthWithoutEscSequences(left) - text.StringWidthWithoutEscSequences(right)
	if gap < 1 {
		return left
	}
	return left + strings.Repeat(" ", gap) + right
}

// bar is a share of columns, to an eighth of one.
func bar(share float64, columns int) string {
	eighths := int(min(max(share, 0), 1)*float64(columns)*8 + 0.5)
	const parts = "▏▎▍▌▋▊▉"
	out := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		out += string([]rune(parts)[rest-1])
	}
	return text.Pad(out, columns, '░')
}

// spark draws numbers as small columns, the latest at the right.
func spark(numbers []float64, columns int) string {
	numbers = numbers[max(0, len(numbers)-columns):]
	if len(numbers) == 0 {
		return ""
	}
	top := slices.Max(numbers)
	steps := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, n := range numbers {
		i := 0
		if top > 0 {
			i = min(len(steps)-1, int(n/top*float64(len(steps)-1)+0.5))
		}
		b.WriteRune(steps[i])
	}
	return b.String()
}

// problemText is an error with its next step.
func problemText(err error) string {
	if next := hint.Of(err); next != "" {
		return err.Error() + "; " + next
	}
	return err.Error()
}
