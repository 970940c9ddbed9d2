package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server"
)

func (a *app) statusCommand() *cobra.Command {
	f := &clientFlags{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how a running daemon and its tasks are",
		Long: `Ask the daemon that edge run started how it is. The exit code is 0 when every
task serves, 1 when one does not or nobody answers.`,
		Example: `  edge status
  edge status --json | jq '.tasks[].decision'
  edge status --server https://pi.local:8443 --token-file ~/.edge-token`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.connect(cmd.Context())
			if err != nil {
				return err
			}
			s, err := c.state(cmd.Context())
			if err != nil {
				return err
			}
			c.get(cmd.Context(), "/api/update", &s.Update) //nolint:errcheck // an older daemon has none
			if a.json {
				if err := a.print(s); err != nil {
					return err
				}
				if !s.Info.Ready {
					return errNotReady
				}
				return nil
			}
			if err := printStatus(a.stdout, s, time.Now()); err != nil {
				return err
			}
			return s.notReady()
		},
	}
	f.register(cmd)
	return cmd
}

// notReady is the first reason why the daemon is not ready, with its next step.
func (s *daemonState) notReady() error {
	if s.Info.Ready {
		return nil
	}
	for _, t := range s.Tasks {
		if t.Serving || t.Problem == nil {
			continue
		}
		err := fmt.Errorf("task %s does not serve: %s", t.Task, t.Problem.Message)
		if t.Problem.Hint != "" {
			err = hint.Wrap(err, t.Problem.Hint)
		}
		return err
	}
	if s.Info.Problem != "" {
		return errors.New(s.Info.Problem)
	}
	return errors.New("the daemon is not ready")
}

// printStatus writes how the daemon is.
func printStatus(w io.Writer, s *daemonState, now time.Time) error {
	m := s.Info.Machine
	head := []string{"up " + shortTime(time.Duration(s.Info.Uptime*float64(time.Second)))}
	if m.Memory.Resident > 0 {
		head = append(head, memoryText(m))
	}
	if m.Temperature != nil {
		head = append(head, fmt.Sprintf("%.0f °C", *m.Temperature))
	}
	if m.Throttled != nil && len(m.Throttled.Now) > 0 {
		head = append(head, "throttled: "+strings.Join(m.Throttled.Now, ", "))
	}
	fmt.Fprintf(w, "edge %s at %s: %s\n\n", s.Info.Version, s.Server, strings.Join(head, ", "))
	t := newTable("task", "generation", "sees", "score", "for", "images/s", "p50 ms", "p99 ms", "source")
	for _, task := range s.Tasks {
		v := taskView(task, now)
		t.AppendRow([]any{v.Task, v.Generation, v.Sees, v.Score, v.For, v.Rate, v.P50, v.P99, v.Source})
	}
	fmt.Fprintln(w, t.Render())
	if s.Info.StandBy != "" {
		fmt.Fprintf(w, "stands by: %s\n", s.Info.StandBy)
	}
	for _, task := range s.Tasks {
		for _, text := range taskNotes(task, now) {
			fmt.Fprintf(w, "%s: %s\n", task.Task, text)
		}
	}
	for _, text := range updateNotes(s.Update, now) {
		fmt.Fprintf(w, "updates: %s\n", text)
	}
	return nil
}

// updateNotes is what there is to say of models over the air.
func updateNotes(u server.UpdateStatus, now time.Time) []string {
	if !u.Enrolled {
		return nil
	}
	head := "follows " + u.Channel
	switch {
	case u.Running && u.Total > 0:
		head += fmt.Sprintf(", %s %d of %d", u.Stage, u.Done, u.Total)
	case u.Running:
		head += ", looking"
	case !u.Looked.IsZero():
		head += ", looked " + shortTime(now.Sub(u.Looked)) + " ago"
	}
	notes := []string{head}
	if u.Error != "" {
		notes = append(notes, "it failed: "+u.Error)
	}
	for _, t := range u.Tasks {
		text := fmt.Sprintf("%s: %s", t.Task, strings.ReplaceAll(t.Action, "_", " "))
		if t.Release > 0 {
			text += fmt.Sprintf(", release %d", t.Release)
		}
		if t.Reason != "" {
			text += ": " + t.Reason
		}
		if t.Action != "none" {
			notes = append(notes, text)
		}
	}
	return notes
}

// taskLine is a task's figures as text.
type taskLine struct {
	Task, Generation, Sees, Score, For, Rate, P50, P99, Source string
}

func taskView(t runtime.TaskStatus, now time.Time) taskLine {
	v := taskLine{Task: t.Task, Generation: "none", Sees: "-", Score: "-", For: "-", Rate: "-", P50: "-", P99: "-", Source: "none"}
	if t.Model != nil {
		v.Generation = fmt.Sprint(t.Model.Generation)
	}
	if d := t.Decision; d != nil {
		v.Sees, v.Score, v.For = d.Label, fmt.Sprintf("%.3f", d.Score), shortTime(now.Sub(d.Since))
		if d.Unknown {
			v.Sees, v.Score = "unknown", "-"
		}
	}
	if t.Counts.Frames+t.Counts.Images > 0 {
		v.Rate = fmt.Sprintf("%.1f", t.Rate)
	}
	if q := t.Timings.Latency; q.Max > 0 {
		v.P50, v.P99 = milliseconds(q.P50), milliseconds(q.P99)
	}
	if s := t.Source; s != nil {
		v.Source = string(s.State)
		if s.Dropped > 0 {
			v.Source += fmt.Sprintf(", %d dropped", s.Dropped)
		}
	}
	return v
}

// taskNotes is what is out of the ordinary with a task, a line each.
func taskNotes(t runtime.TaskStatus, now time.Time) []string {
	var notes []string
	if p := t.Problem; p != nil {
		text := p.Message
		if p.Hint != "" {
			text += "; " + p.Hint
		}
		notes = append(notes, text)
	}
	if s := t.Source; s != nil && s.State != "running" && s.LastError != "" {
		notes = append(notes, fmt.Sprintf("the source is %s: %s", s.State, s.LastError))
	}
	if a := t.Adapting; a != nil {
		text := "adapting for " + shortTime(now.Sub(a.Since))
		if a.Stage != "" {
			text += ": " + a.Stage
		}
		if a.Total > 0 {
			text += fmt.Sprintf(" %d of %d", a.Done, a.Total)
		}
		notes = append(notes, text)
	}
	if p := t.Probation; p != nil {
		notes = append(notes, fmt.Sprintf("generation %d is on probation: %s", p.Generation, watchText(p)))
	}
	if p := t.Shadow; p != nil {
		notes = append(notes, fmt.Sprintf("generation %d runs in the shadow: %s", p.Generation, watchText(p)))
	}
	return notes
}

// memoryText is how much of what the daemon takes.
func memoryText(m machineState) string {
	text := bytesText(m.Memory.Resident)
	if m.Memory.Ceiling > 0 {
		text += " of " + bytesText(m.Memory.Ceiling)
	}
	if m.Memory.Short {
		text += " (short)"
	}
	return text
}

// bytesText is a number of bytes with three digits at most.
func bytesText(n int64) string {
	value, unit := float64(n)/(1<<20), "MiB"
	if value >= 1000 {
		value, unit = value/1024, "GiB"
	}
	if value < 10 && unit == "GiB" {
		return fmt.Sprintf("%.1f %s", value, unit)
	}
	return fmt.Sprintf("%.0f %s", value, unit)
}

func milliseconds(ms float64) string {
	if ms >= 100 {
		return fmt.Sprintf("%.0f", ms)
	}
	return fmt.Sprintf("%.1f", ms)
}

// shortTime is a length of time in its two largest units at most: 45s, 3m10s, 2h5m,
// 4d3h.
func shortTime(d time.Duration) string {
	d = max(0, d)
	seconds := int64(math.Round(d.Seconds()))
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm%ds", seconds/60, seconds%60)
	case seconds < 86400:
		return fmt.Sprintf("%dh%dm", seconds/3600, seconds%3600/60)
	}
	return fmt.Sprintf("%dd%dh", seconds/86400, seconds%86400/3600)
}

// watchText is how a generation under watch fares.
func watchText(w *runtime.WatchStatus) string {
	text := fmt.Sprintf("%d frames", w.Frames)
	if w.Beside != nil {
		text += fmt.Sprintf(", agrees on %.1f %%", 100*w.Beside.Agreement)
	}
	if w.Errors > 0 {
		text += ", " + counted(int(w.Errors), "error")
	}
	if w.Verdict.Reason != "" {
		text += ", " + w.Verdict.Reason
	}
	return text
}
