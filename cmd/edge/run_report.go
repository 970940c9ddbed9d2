package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/clienttls"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/models/release"
	"github.com/edge-adapt/edge/models/update"
	edge "github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
)

// reports tells a fleet how this device fares, if the configuration asks for it.
type reports struct {
	d    *daemon
	dir  string // of what the device knows of updates
	soon chan struct{}

	began time.Time
}

// changed has a report sent soon.
func (r *reports) changed() {
	select {
	case r.soon <- struct{}{}:
	default: // one is due already
	}
}

// run sends reports until ctx ends.
func (r *reports) run(ctx context.Context) {
	c := r.d.config().Report
	if c.URL == "" {
		return
	}
	client, err := r.client(ctx, c)
	if err != nil {
		r.d.hinted("nothing is reported to the fleet", err)
		return
	}
	events := r.d.rt.Events().Subscribe(16)
	defer events.Close()
	go r.heed(events)
	(&fleet.Reporter{Client: client, Make: r.report, Every: c.Every.D(), Soon: r.soon, Log: r.d.log}).Run(ctx)
}

// heed has what matters to a fleet reported soon, until the subscription ends.
func (r *reports) heed(events *edge.Subscription) {
	for e := range events.C {
		switch e.Kind {
		case edge.KindRollback, edge.KindGeneration, edge.KindGood:
			r.changed()
		}
	}
}

// client is who sends.
func (r *reports) client(ctx context.Context, c config.Report) (*fleet.Client, error) {
	id, err := update.OpenIdentity(ctx, r.dir)
	if err != nil {
		return nil, err
	}
	over, err := clienttls.Config(c.CAFile, c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("certificates for the fleet: %w", err)
	}
	return fleet.NewClient(fleet.ClientOptions{
		URL: c.URL, Identity: id, Consent: fleet.Consent{LabelNames: c.Labels}, Agent: "edge/" + version,
		TLS: over,
		Now: update.NewClock(update.ClockConfig{Dir: r.dir}).Now,
		Token: func() (string, error) {
			if c.TokenFile == "" {
				return "", nil
			}
			token, err := os.ReadFile(c.TokenFile)
			return strings.TrimSpace(string(token)), err
		},
	})
}

// report is how the device is now.
func (r *reports) report(ctx context.Context) (fleet.Report, error) {
	m := r.d.machineReader.read(ctx, r.d.memory)
	out := fleet.Report{
		Edge: version, Architecture: runtime.GOARCH, MemoryMiB: int(memoryTotal() >> 20), Uptime: time.Since(r.began).Seconds(),
		Health: fleet.Health{Ready: true, ResidentMiB: int(m.Memory.Resident >> 20), DiskFreeMiB: diskFree(r.d.dir)},
	}
	if m.Temperature != nil {
		out.Health.Temperature = *m.Temperature
	}
	if err := r.d.rt.Ready(); err != nil {
		out.Health.Ready, out.Health.Problem = false, err.Error()
	}
	if e, err := update.ReadEnrolment(r.dir); err == nil {
		out.Channel = e.Channel
	}
	state, err := update.ReadState(r.dir)
	switch {
	case err != nil:
		out.Stuck = err.Error()
	case state.LastError != "":
		out.Stuck = state.LastError
	}
	for _, t := range r.d.rt.Tasks() {
		one, err := r.task(t.Status(), state.Tasks[t.Name()])
		if err != nil {
			return out, err
		}
		out.Tasks = append(out.Tasks, one)
	}
	return out, nil
}

func (r *reports) task(s edge.TaskStatus, of update.TaskState) (fleet.Task, error) {
	out := fleet.Task{
		Task:    s.Task,
		Counts:  fleet.Counts{Images: s.Counts.Images + s.Counts.Frames, Failed: s.Counts.ImagesFailed + s.Counts.Failed, Events: s.Counts.Events},
		Latency: fleet.Latency{P50: s.Timings.Latency.P50, P99: s.Timings.Latency.P99},
	}
	if s.Problem != nil {
		out.Stuck = s.Problem.Message
	}
	for _, n := range slices.Sorted(maps.Keys(of.Refused)) {
		out.Refused = append(out.Refused, fleet.Refusal{Release: n, Reason: of.Refused[n]})
	}
	var err error
	if out.Rollbacks, err = r.rollbacks(s.Task); err != nil {
		return out, err
	}
	if s.Model == nil {
		return out, nil
	}
	g, err := r.d.store.Generation(s.Task, s.Model.Generation)
	if err != nil {
		out.Stuck = err.Error()
		return out, nil //nolint:nilerr // the report says so
	}
	out.Generation, out.Base, out.Classes, out.Labels = g.Generation, g.Base.Digest, len(g.Labels), g.Labels
	if made, ok, err := release.Of(g); err == nil && ok {
		out.Release = made.Number
	}
	out.Measures = measuresOf(g)
	if a, err := r.d.store.Active(s.Task); err == nil && a.Current == g.Generation {
		out.Activated = a.When
	}
	marks, err := r.d.store.Good(s.Task)
	switch {
	case s.Probation != nil && s.Probation.Generation == g.Generation:
		out.State = fleet.Probation
	case err == nil && slices.ContainsFunc(marks, func(m models.Mark) bool { return m.Generation == g.Generation }):
		out.State = fleet.Good
	}
	return out, nil
}

// measuresOf is what the generation's manifest says of images that were held back.
func measuresOf(g models.Generation) fleet.Measures {
	var m struct {
		Val struct {
			Accuracy float64 `json:"accuracy"`
			Images   int     `json:"images"`
		} `json:"val"`
	}
	if json.Unmarshal(g.Measures, &m) != nil {
		return fleet.Measures{}
	}
	return fleet.Measures{Accuracy: m.Val.Accuracy, Images: m.Val.Images}
}

// rollbacks are the latest of a task.
func (r *reports) rollbacks(task string) ([]fleet.Rollback, error) {
	marks, err := r.d.store.RolledBack(task)
	if err != nil {
		return nil, err
	}
	history, err := r.d.store.History(task)
	if err != nil {
		return nil, err
	}
	const most = 16
	var all []fleet.Rollback
	for _, m := range marks[max(0, len(marks)-most):] {
		one := fleet.Rollback{When: m.When, Generation: m.Generation, By: fleet.By(m.By), Reason: m.Why}
		if one.By == "" {
			one.By = fleet.ByPerson // marks of an older edge do not say
		}
		if g, err := r.d.store.Generation(task, m.Generation); err == nil {
			if made, ok, err := release.Of(g); err == nil && ok {
				one.Release = made.Number
			}
		}
		for _, a := range history {
			if a.Previous == m.Generation && !a.When.Before(m.When) {
				one.To = a.Current
				break
			}
		}
		all = append(all, one)
	}
	return all, nil
}

// diskFree is the room where the store is, in MiB; 0: not known.
func diskFree(dir string) int {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0
	}
	return int(s.Bavail * uint64(s.Bsize) >> 20) //nolint:gosec // both are positive
}
