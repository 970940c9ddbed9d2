package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/update"
)

func (a *app) updateStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say what this device follows, what it has, and what it refused",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			return a.updateStatus()
		},
	}
}

// updateStatus is what `edge update status --json` prints.
type updateStatus struct {
	Device    string        `json:"device,omitempty"`
	URL       string        `json:"url"`
	Channel   string        `json:"channel"`
	Clock     clockStatus   `json:"clock"`
	Trusted   []update.Role `json:"trusted"`
	State     update.State  `json:"state"`
	Available []int         `json:"releases"` // that the channel lists, as last seen
}

type clockStatus struct {
	Now          string `json:"now"`
	Synchronised bool   `json:"synchronised"`
}

func (a *app) updateStatus() error {
	store, err := a.openStore()
	if err != nil {
		return err
	}
	dir := updateDir(store)
	e, err := update.ReadEnrolment(dir)
	if err != nil {
		return device.InputOr(err)
	}
	c, err := a.updateClient(store, sourceFlags{})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it was read from
	clock := update.NewClock(update.ClockConfig{Dir: dir})
	s := updateStatus{
		URL: e.URL, Channel: e.Channel, Trusted: c.Trusted(),
		Clock: clockStatus{clock.Now().Format("2006-01-02T15:04:05Z"), clock.Synchronised()},
	}
	id, err := update.OpenIdentity(context.Background(), dir)
	if err != nil {
		return err
	}
	s.Device = id.ID()
	if s.State, err = update.ReadState(dir); err != nil {
		return err
	}
	if ch, err := c.Last(); err == nil {
		for _, r := range ch.Releases {
			s.Available = append(s.Available, r.Number)
		}
	}
	if a.json {
		return a.print(s)
	}
	return s.text(a.stdout)
}

func (s updateStatus) text(w io.Writer) error {
	fmt.Fprintf(w, "device   %s\nfollows  %s of %s\n", s.Device, s.Channel, s.URL)
	switch {
	case s.State.Checked.IsZero():
		fmt.Fprintln(w, "checked  never: edge update check")
	case s.State.LastError != "":
		fmt.Fprintf(w, "checked  %s, in vain: %s\n", localTime(s.State.Checked), s.State.LastError)
	default:
		fmt.Fprintf(w, "checked  %s\n", localTime(s.State.Checked))
	}
	if !s.Clock.Synchronised {
		fmt.Fprintf(w, "clock    not set by anything since the start; %s at least\n", s.Clock.Now)
	}
	t := newTable("metadata", "version", "expires")
	for _, r := range s.Trusted {
		t.AppendRow([]any{r.Name, r.Version, localTime(r.Expires)})
	}
	fmt.Fprintf(w, "\n%s\n", t.Render())
	if len(s.State.Tasks) == 0 {
		return nil
	}
	t = newTable("task", "release", "since", "refused")
	for _, name := range slices.Sorted(maps.Keys(s.State.Tasks)) {
		of := s.State.Tasks[name]
		var refused []string
		for _, n := range slices.Sorted(maps.Keys(of.Refused)) {
			refused = append(refused, fmt.Sprintf("%d: %s", n, of.Refused[n]))
		}
		t.AppendRow([]any{name, numberOrDash(of.Release), localTime(of.When), strings.Join(refused, "\n")})
	}
	_, err := fmt.Fprintf(w, "\n%s\n", t.Render())
	return err
}

// localTime is a time as people read it.
func localTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}
