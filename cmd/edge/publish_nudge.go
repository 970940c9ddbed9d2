package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/nudge"
	"github.com/edge-adapt/edge/models/release"
)

func (a *app) publishNudgeCommand(f *publishFlags) *cobra.Command {
	var b nudge.Broker
	channel := "stable"
	cmd := &cobra.Command{
		Use:   "nudge",
		Short: "Tell the devices of a channel over MQTT that something is new",
		Long: `Tell the devices of a channel, through an MQTT broker, that something is new, so that
they look within minutes and not within hours. Devices hear it if update.nudge is set
in their configuration. It makes them look and nothing more: what they take is signed.`,
		Example: `  edge publish nudge --broker mqtts://broker.example.org
  edge publish nudge --broker mqtts://broker.example.org --username edge --password-file broker.secret --channel canary`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.URL == "" {
				return usageError{errors.New("--broker is missing, such as mqtts://broker.example.org"), cmd.CommandPath()}
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			s, err := r.Status(cmd.Context())
			if err != nil {
				return device.InputOr(err)
			}
			i := slices.IndexFunc(s.Channels, func(c release.Channel) bool { return c.Name == channel })
			if i < 0 || len(s.Channels[i].Releases) == 0 {
				return device.InputError{Err: hint.Wrap(fmt.Errorf("the channel %q has no releases", channel), "edge publish status")}
			}
			releases := s.Channels[i].Releases
			n := releases[len(releases)-1].Number
			err = nudge.Send(cmd.Context(), b, channel, n)
			return a.published(err, map[string]any{"release": n, "channel": channel}, "the devices of channel %s are told of release %d", channel, n)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&channel, "channel", channel, "whose devices")
	flags.StringVar(&b.URL, "broker", "", "mqtts://HOST:8883, or mqtt://HOST:1883")
	flags.StringVar(&b.Username, "username", "", "at the broker")
	flags.StringVar(&b.PasswordFile, "password-file", "", "file of the password")
	flags.StringVar(&b.CAFile, "ca-file", "", "PEM of the broker's certificate authority, if it is your own")
	flags.StringVar(&b.CertFile, "cert-file", "", "PEM of our certificate, for brokers that ask for it")
	flags.StringVar(&b.KeyFile, "key-file", "", "PEM of its key")
	return cmd
}
