package main

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/runtime"
)

const (
	// summaryEvery is how often the log says how each task fares.
	summaryEvery = time.Minute
	// statusEvery is how often systemd's status line does.
	statusEvery = 10 * time.Second
)

// summaries says now and then how the tasks fare, until ctx ends: nothing about a
// task that had no images meanwhile.
func (d *daemon) summaries(ctx context.Context) {
	status := time.NewTicker(statusEvery)
	defer status.Stop()
	summary := time.NewTicker(summaryEvery)
	defer summary.Stop()
	seen := map[string]uint64{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-status.C:
			d.notify.status(statusLine(d.statuses()))
		case <-summary.C:
			for _, s := range d.statuses() {
				images := s.Counts.Frames + s.Counts.Images
				if images == seen[s.Task] {
					continue
				}
				args := []any{"task", s.Task, "images", images - seen[s.Task], "rate", round1(s.Rate), "failed", s.Counts.Failed + s.Counts.ImagesFailed}
				if s.Source != nil {
					args = append(args, "latency_p50_ms", round1(s.Timings.Latency.P50), "latency_p99_ms", round1(s.Timings.Latency.P99), "dropped", s.Source.Dropped)
				}
				d.log.Info("summary", args...)
				seen[s.Task] = images
			}
		}
	}
}

func (d *daemon) statuses() []runtime.TaskStatus {
	var all []runtime.TaskStatus
	for _, t := range d.rt.Tasks() {
		all = append(all, t.Status())
	}
	return all
}

// statusLine is how the daemon is, on one line.
func statusLine(tasks []runtime.TaskStatus) string {
	serving, rate := 0, 0.0
	for _, t := range tasks {
		if t.Serving {
			serving++
		}
		rate += t.Rate
	}
	return fmt.Sprintf("%d of %s serving, %.1f images/s", serving, counted(len(tasks), "task"), rate)
}

// round1 rounds to one decimal.
func round1(x float64) float64 { return float64(int64(x*10+0.5)) / 10 }
