package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/publish"
)

// numberOfRelease reads a release's number from the command line.
func numberOfRelease(cmd *cobra.Command, arg string) (int, error) {
	n, err := generationNumber(arg)
	if err != nil {
		return 0, usageError{fmt.Errorf("%q is no release: want a number from 1", arg), cmd.CommandPath()}
	}
	return n, nil
}

// onRelease is a command that does something to a release, N, in the channel that
// --channel names or in all.
func (a *app) onRelease(f *publishFlags, use, short string, do func(cmd *cobra.Command, r *publish.Repository, channel string, n int) error, done func(n int) string) *cobra.Command {
	channel := ""
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := numberOfRelease(cmd, args[0])
			if err != nil {
				return err
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			return a.published(do(cmd, r, channel, n), map[string]any{"release": n, "channel": channel}, "%s", done(n))
		},
	}
	cmd.Flags().StringVar(&channel, "channel", "", "only in this channel (default every one that has the release)")
	return cmd
}

func (a *app) publishRolloutCommand(f *publishFlags) *cobra.Command {
	percent := -1.0
	cmd := a.onRelease(f, "roll-out N", "Let a share of the devices take release N",
		func(cmd *cobra.Command, r *publish.Repository, channel string, n int) error {
			if percent < 0 || percent > 100 {
				return usageError{errors.New("--percent: want 0 to 100"), cmd.CommandPath()}
			}
			return r.Rollout(cmd.Context(), channel, n, percent)
		},
		func(n int) string { return fmt.Sprintf("release %d goes to %v %% of the devices", n, percent) })
	cmd.Example = "  edge publish roll-out 7 --percent 25"
	cmd.Flags().Float64Var(&percent, "percent", percent, "per cent of the devices; those that have it keep it when it falls")
	return cmd
}

func (a *app) publishHaltCommand(f *publishFlags) *cobra.Command {
	reason := "by hand"
	cmd := a.onRelease(f, "halt N", "Let no further device take release N for now",
		func(cmd *cobra.Command, r *publish.Repository, channel string, n int) error {
			return r.Halt(cmd.Context(), channel, n, reason)
		},
		func(n int) string { return fmt.Sprintf("release %d is halted", n) })
	cmd.Flags().StringVar(&reason, "reason", reason, "what devices say about it")
	return cmd
}

func (a *app) publishResumeCommand(f *publishFlags) *cobra.Command {
	return a.onRelease(f, "resume N", "Let the roll-out of release N go on",
		func(cmd *cobra.Command, r *publish.Repository, channel string, n int) error {
			return r.Resume(cmd.Context(), channel, n)
		},
		func(n int) string { return fmt.Sprintf("release %d goes on", n) })
}

func (a *app) publishRevokeCommand(f *publishFlags) *cobra.Command {
	reason := ""
	cmd := a.onRelease(f, "revoke N", "Say for good that nobody is to use release N: devices that do go back",
		func(cmd *cobra.Command, r *publish.Repository, channel string, n int) error {
			if reason == "" {
				return usageError{errors.New("--reason is missing"), cmd.CommandPath()}
			}
			return r.Revoke(cmd.Context(), channel, n, reason)
		},
		func(n int) string { return fmt.Sprintf("release %d is revoked", n) })
	cmd.Flags().StringVar(&reason, "reason", "", "what devices say about it")
	return cmd
}

func (a *app) publishPromoteCommand(f *publishFlags) *cobra.Command {
	from, to, percent := "canary", "stable", 100.0
	cmd := &cobra.Command{
		Use:   "promote N",
		Short: "Put release N of one channel into another as well",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := numberOfRelease(cmd, args[0])
			if err != nil {
				return err
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			err = r.Promote(cmd.Context(), n, from, to, percent)
			return a.published(err, map[string]any{"release": n, "channel": to, "percent": percent}, "release %d is in channel %s too, for %v %% of its devices", n, to, percent)
		},
	}
	cmd.Flags().StringVar(&from, "from", from, "channel that has it")
	cmd.Flags().StringVar(&to, "to", to, "channel that gets it")
	cmd.Flags().Float64Var(&percent, "percent", percent, "per cent of that channel's devices that take it at first")
	return cmd
}

func (a *app) publishChannelCommand(f *publishFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "channel NAME",
		Short: "Make a channel",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.open(a)
			if err != nil {
				return err
			}
			return a.published(r.Channel(cmd.Context(), args[0]), map[string]any{"channel": args[0]}, "channel %s is there", args[0])
		},
	}
}
