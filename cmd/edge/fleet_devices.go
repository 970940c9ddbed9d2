package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/models/fleet/receiver"
	"github.com/edge-adapt/edge/models/fleet/records"
)

func (a *app) fleetDevicesCommand() *cobra.Command {
	c := &fleetClient{}
	var stuck, silent bool
	var release int
	var edge, channel, state string
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List devices",
		Example: `  edge fleet devices --stuck
  edge fleet devices --release 12 --state "rolled back" --json`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.connect(); err != nil {
				return err
			}
			q := url.Values{"limit": {"1000"}}
			for name, value := range map[string]string{"edge": edge, "channel": channel, "state": state} {
				if value != "" {
					q.Set(name, value)
				}
			}
			for name, is := range map[string]bool{"stuck": stuck, "silent": silent} {
				if is {
					q.Set(name, "true")
				}
			}
			if cmd.Flags().Changed("release") {
				q.Set("release", strconv.Itoa(release))
			}
			return a.fleetDevices(cmd, c, q)
		},
	}
	c.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&stuck, "stuck", false, "only those whose updates do not get through")
	flags.BoolVar(&silent, "silent", false, "only those that have not reported for long")
	flags.IntVar(&release, "release", 0, "only those that did something with that release")
	flags.StringVar(&state, "state", "", "what they did with it: active, replaced, refused, rolled back")
	flags.StringVar(&edge, "version", "", "only those with that version of edge")
	flags.StringVar(&channel, "channel", "", "only those that follow that channel")
	return cmd
}

// fleetDevices prints devices, page after page.
func (a *app) fleetDevices(cmd *cobra.Command, c *fleetClient, q url.Values) error {
	now, n := time.Now(), 0
	t := newTable("device", "last report", "edge", "architecture", "channel", "state")
	for {
		var page receiver.Devices
		if err := c.ask(cmd.Context(), http.MethodGet, "/api/devices?"+q.Encode(), nil, &page); err != nil {
			return err
		}
		for _, d := range page.Devices {
			n++
			if a.json {
				if err := a.print(d); err != nil {
					return err
				}
				continue
			}
			t.AppendRow([]any{d.ID, ago(d.Seen, now), d.Edge, d.Architecture, d.Channel, deviceState(d)})
		}
		if page.Next == "" {
			break
		}
		q.Set("after", page.Next)
	}
	if a.json {
		return nil
	}
	text := t.Render()
	if n == 0 {
		text = "no devices"
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}

func deviceState(d records.Device) string {
	switch {
	case d.Blocked != "":
		return "blocked: " + d.Blocked
	case d.Seen.IsZero():
		return "never reported"
	case d.Stuck != "":
		return "stuck: " + d.Stuck
	case !d.Ready:
		return "not ready"
	}
	return "ready"
}

func (a *app) fleetDeviceCommand() *cobra.Command {
	c := &fleetClient{}
	cmd := &cobra.Command{
		Use:     "device ID",
		Short:   "Show everything about a device",
		Example: `  edge fleet device 2c4e4d1de6fbfc05d950fc7e6461be30`,
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.begin(cmd, args[0]); err != nil {
				return err
			}
			var d records.Detail
			if err := c.ask(cmd.Context(), http.MethodGet, "/api/devices/"+args[0], nil, &d); err != nil {
				return err
			}
			if a.json {
				return a.print(d)
			}
			return a.printDevice(d, time.Now())
		},
	}
	c.register(cmd)
	return cmd
}

// begin connects, for a command about one device.
func (c *fleetClient) begin(cmd *cobra.Command, id string) error {
	if err := fleet.CheckID(id); err != nil {
		return usageError{err, cmd.CommandPath()}
	}
	return c.connect()
}

func (a *app) printDevice(d records.Detail, now time.Time) error {
	fmt.Fprintf(a.stdout, "device       %s\nstate        %s\nenrolled     %s", d.ID, deviceState(d.Device), ago(d.Enrolled, now))
	if d.EnrolledBy != "" {
		fmt.Fprintf(a.stdout, ", with the token %q", d.EnrolledBy)
	}
	fmt.Fprintf(a.stdout, "\nlast report  %s\n", ago(d.Seen, now))
	if r := d.Report; r != nil {
		fmt.Fprintf(a.stdout, "edge         %s, %s, up %v\nchannel      %s\n", r.Edge, r.Architecture, (time.Duration(r.Uptime) * time.Second).Round(time.Second), r.Channel)
		if off := d.Seen.Sub(r.Sent).Round(time.Minute); off.Abs() > time.Hour {
			fmt.Fprintf(a.stdout, "its clock    %v off\n", off)
		}
		if r.Health.Problem != "" {
			fmt.Fprintf(a.stdout, "problem      %s\n", r.Health.Problem)
		}
		t := newTable("task", "generation", "release", "state", "classes", "accuracy", "images", "failed", "p99 ms", "stuck")
		for _, task := range r.Tasks {
			accuracy := ""
			if task.Measures.Images > 0 {
				accuracy = fmt.Sprintf("%.1f %% of %d", 100*task.Measures.Accuracy, task.Measures.Images)
			}
			t.AppendRow([]any{task.Task, task.Generation, task.Release, task.State, task.Classes, accuracy, task.Counts.Images, task.Counts.Failed, fmt.Sprintf("%.0f", task.Latency.P99), task.Stuck})
		}
		fmt.Fprintf(a.stdout, "\n%s\n", t.Render())
	}
	if len(d.Installs) > 0 {
		t := newTable("release", "task", "channel", "state", "since", "reason")
		for _, i := range d.Installs {
			t.AppendRow([]any{i.Release, i.Task, i.Channel, i.State, ago(i.Since, now), i.Reason})
		}
		fmt.Fprintf(a.stdout, "\n%s\n", t.Render())
	}
	return nil
}

var errReason = errors.New("say why: --reason TEXT")

func (a *app) fleetBlockCommand() *cobra.Command {
	reason := ""
	cmd := a.fleetChange("block ID --reason TEXT", "Take no more reports of a device, and count it no longer",
		"  edge fleet block 2c4e4d1de6fbfc05d950fc7e6461be30 --reason stolen", "is blocked",
		func(id string) (method, path string, what any, err error) {
			if reason == "" {
				err = errReason
			}
			return http.MethodPost, "/api/devices/" + id + "/block", map[string]string{"reason": reason}, err
		})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the record")
	return cmd
}

func (a *app) fleetUnblockCommand() *cobra.Command {
	return a.fleetChange("unblock ID", "Take reports of a device again", "  edge fleet unblock 2c4e4d1de6fbfc05d950fc7e6461be30", "is no longer blocked",
		func(id string) (method, path string, what any, err error) {
			return http.MethodPost, "/api/devices/" + id + "/unblock", nil, nil
		})
}

func (a *app) fleetForgetCommand() *cobra.Command {
	return a.fleetChange("forget ID", "Remove a device and everything it has reported; it may enrol again", "  edge fleet forget 2c4e4d1de6fbfc05d950fc7e6461be30", "is forgotten",
		func(id string) (method, path string, what any, err error) {
			return http.MethodDelete, "/api/devices/" + id, nil, nil
		})
}

// fleetChange is a command that changes one device.
func (a *app) fleetChange(use, short, example, said string, request func(id string) (method, path string, what any, err error)) *cobra.Command {
	c := &fleetClient{}
	cmd := &cobra.Command{
		Use:     use,
		Short:   short,
		Example: example,
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			method, path, what, err := request(args[0])
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			if err := c.begin(cmd, args[0]); err != nil {
				return err
			}
			var told struct {
				ID string `json:"id"`
			}
			if err := c.ask(cmd.Context(), method, path, what, &told); err != nil {
				return err
			}
			if a.json {
				return a.print(told)
			}
			_, err = fmt.Fprintf(a.stdout, "device %s %s\n", told.ID, said)
			return err
		},
	}
	c.register(cmd)
	return cmd
}
