package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/fleet/receiver"
)

func (a *app) fleetStatusCommand() *cobra.Command {
	c := &fleetClient{}
	every := time.Duration(0)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the fleet: devices, releases, what is stuck and why",
		Example: `  edge fleet status
  edge fleet status --every 5s                 live, until interrupted
  edge fleet status --server https://fleet.example --token-file ~/.fleet-token --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every != 0 && (every < 500*time.Millisecond || every > time.Hour) {
				return usageError{fmt.Errorf("--every %v: want 500ms to 1h", every), cmd.CommandPath()}
			}
			if err := c.connect(); err != nil {
				return err
			}
			return a.fleetStatus(cmd.Context(), c, every)
		},
	}
	c.register(cmd)
	cmd.Flags().DurationVar(&every, "every", every, "stay, and ask again so often (default once)")
	return cmd
}

// fleetStatus prints the fleet once, or again and again: over itself on a terminal, one
// below the other elsewhere.
func (a *app) fleetStatus(ctx context.Context, c *fleetClient, every time.Duration) error {
	_, onTerminal := terminal(a.stdout)
	live := every > 0 && onTerminal && !a.json
	if live {
		fmt.Fprint(a.stdout, "\x1b[?1049h\x1b[?25l") // so that the terminal is afterwards as it was before
		defer fmt.Fprint(a.stdout, "\x1b[?25h\x1b[?1049l")
	}
	for first := true; ; first = false {
		var f receiver.Fleet
		err := c.ask(ctx, http.MethodGet, "/api/fleet", nil, &f)
		switch {
		case err != nil && ctx.Err() != nil && every > 0:
			return nil
		case err != nil && (first || !live):
			return err
		case err != nil:
			fmt.Fprintf(a.stdout, "\x1b[H\x1b[Knot up to date: %v", err)
		case a.json:
			err = a.print(f)
		default:
			text := fleetText(f, time.Now())
			if live {
				text = "\x1b[H" + strings.ReplaceAll(text, "\n", "\x1b[K\n") + "\x1b[J"
			}
			_, err = fmt.Fprint(a.stdout, text)
		}
		if every == 0 || err != nil && !live {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// fleetText is the fleet as a person reads it.
func fleetText(f receiver.Fleet, now time.Time) string {
	var b strings.Builder
	d := f.Devices
	fmt.Fprintf(&b, "%d devices: %d stuck, %d not ready, %d silent, %d never reported, %d blocked\n", d.Total, d.Stuck, d.NotReady, d.Silent, d.Never, d.Blocked)
	for _, o := range f.Over {
		fmt.Fprintf(&b, "release %d on %s should be halted: %d of %d devices went back; %s\n", o.Release, o.Channel, o.Rollbacks, o.Devices, o.Problem)
	}
	if len(f.Releases) > 0 {
		t := newTable("release", "channel", "devices", "activated", "active", "refused", "rolled back", "since", "")
		for _, r := range f.Releases {
			state := ""
			if r.Halt != nil {
				state = "halted: " + r.Halt.Reason
			}
			t.AppendRow([]any{r.Release, r.Channel, r.Following, r.Activated, r.Active, r.Refused, r.RolledBack, ago(r.First, now), state})
		}
		fmt.Fprintf(&b, "\n%s\n", t.Render())
	}
	if len(f.Stuck) > 0 {
		t := newTable("stuck", "why", "for example")
		for _, s := range f.Stuck {
			t.AppendRow([]any{s.Devices, s.Reason, s.Example})
		}
		fmt.Fprintf(&b, "\n%s\n", t.Render())
	}
	if len(f.Versions) > 0 {
		t := newTable("version", "devices")
		for _, v := range f.Versions {
			t.AppendRow([]any{v.Name, v.Devices})
		}
		fmt.Fprintf(&b, "\n%s\n", t.Render())
	}
	return b.String()
}

func ago(t, now time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return humanize.RelTime(t, now, "ago", "from now")
}
