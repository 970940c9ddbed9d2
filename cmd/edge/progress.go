package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	pretty "github.com/jedib0t/go-pretty/v6/progress"
)

// progress shows how far the stages of a long job are: bars on a terminal,
// now and then a plain line elsewhere, nothing when told to be quiet.
//
// It is used by one goroutine. It implements no stages of its own: a stage
// begins with the first update that names it and ends with the next stage.
type progress struct {
	w     io.Writer
	quiet bool
	lines bool // a JSON object a step, for a program

	bars    pretty.Writer // nil when plain
	stopped chan struct{}
	bar     *pretty.Tracker

	stage string
	next  time.Time // when the next plain line is due
}

// plainEvery keeps logs short: a plain line at most this often within a stage.
const plainEvery = 2 * time.Second

func newProgress(w io.Writer, quiet bool) *progress {
	p := &progress{w: w, quiet: quiet}
	if columns, ok := terminal(w); ok && !quiet {
		p.bars = pretty.NewWriter()
		p.bars.SetOutputWriter(w)
		p.bars.SetAutoStop(false)
		p.bars.SetUpdateFrequency(100 * time.Millisecond)
		p.bars.SetTrackerPosition(pretty.PositionRight)
		p.bars.SetMessageLength(40) // the longest: "epoch 1000: loss 0.123, validation 99.9 %"
		p.bars.SetTrackerLength(max(4, min(30, columns-40-36)))
		p.bars.SetTerminalWidth(columns - 1) // a line that wraps cannot be drawn over
		p.bars.SetStyle(pretty.StyleBlocks)
		p.bars.Style().Options.TimeInProgressPrecision = time.Second
		p.bars.Style().Options.TimeDonePrecision = 100 * time.Millisecond
		p.bars.Style().Options.Separator = " "
		if !textOptions(w).Colour {
			p.bars.Style().Colors = pretty.StyleColors{}
		}
		p.bars.Style().Visibility.Speed = true
		p.stopped = make(chan struct{})
		go func() {
			p.bars.Render()
			close(p.stopped)
		}()
	}
	return p
}

// update says that done of total steps of the stage are behind us. A total of
// zero means that nobody knows it yet. message is what to show beside the bar.
func (p *progress) update(stage, message string, done, total int) {
	if p.quiet {
		return
	}
	fresh := stage != p.stage
	p.stage = stage
	if p.lines {
		if data, err := json.Marshal(progressLine{stage, message, done, total}); err == nil {
			fmt.Fprintf(p.w, "%s\n", data)
		}
		return
	}
	if p.bars != nil {
		if fresh {
			p.finish()
			p.bar = &pretty.Tracker{Total: int64(total)}
			p.bars.AppendTracker(p.bar)
		}
		p.bar.UpdateMessage(message)
		p.bar.UpdateTotal(int64(total))
		p.bar.SetValue(int64(done))
		return
	}
	now := time.Now()
	if !fresh && done < total && now.Before(p.next) {
		return
	}
	p.next = now.Add(plainEvery)
	if total > 0 {
		fmt.Fprintf(p.w, "%s %d/%d\n", message, done, total)
	} else {
		fmt.Fprintf(p.w, "%s\n", message)
	}
}

// progressLine is what another program reads of a step.
type progressLine struct {
	Stage   string `json:"stage"`
	Message string `json:"message"`
	Done    int    `json:"done"`
	Total   int    `json:"total"` // 0: not known
}

func (p *progress) finish() {
	if p.bar != nil {
		p.bar.MarkAsDone()
		p.bar = nil
	}
}

// close ends the bars and gives the terminal back. It may be called again.
func (p *progress) close() {
	p.finish()
	if p.bars != nil {
		p.bars.Stop()
		<-p.stopped
		p.bars = nil
		p.quiet = true
	}
}
