package main

import (
	"fmt"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
)

// defaultFleet is where a receiver keeps what it keeps.
func defaultFleet() string { return filepath.Join(xdg.DataHome, "edge", "fleet") }

// The files in a receiver's folder.
const (
	fleetRecords   = "fleet.sqlite"
	fleetTokens    = "tokens.json"           // of people
	fleetEnrolment = "enrolment-tokens.json" // of devices
	fleetTLS       = "tls"
)

func (a *app) fleetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Receive what devices report, show the fleet, halt bad roll-outs",
		Long: `Devices that were told to, and no others, report how they are: versions, health,
counts, measures, which releases they use, refused or went back from. Never an image.
"edge fleet serve" receives the reports, shows them as a page, as JSON and to
Prometheus, and halts a roll-out when too many devices go back from a release.`,
		Example: `  edge fleet token add factory --enrol     a token that devices enrol with
  edge fleet serve --listen 0.0.0.0:8090 --cert fleet.pem --key fleet.key
  edge fleet status --every 5s`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.fleetServeCommand(), a.fleetStatusCommand(), a.fleetDevicesCommand(), a.fleetDeviceCommand(),
		a.fleetBlockCommand(), a.fleetUnblockCommand(), a.fleetForgetCommand(), a.fleetTokenCommand())
	return cmd
}

// fleetTokenCommand is `edge token` over the files of a receiver.
func (a *app) fleetTokenCommand() *cobra.Command {
	f := &tokenFlags{}
	dir, enrol := "", false
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and remove the tokens of people, and those that devices enrol with",
		Long: `People read with a token of any scope, and block or forget devices with one of the
scope admin. With --enrol the tokens are those that devices show once, when their
key is made known; they open nothing else. Let them expire.

Only digests are kept. A running receiver takes changes up within a second.`,
		Example: `  edge fleet token add desk --scope admin
  edge fleet token add factory --enrol --expires 30d`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			name := fleetTokens
			if enrol {
				name = fleetEnrolment
			}
			f.file = filepath.Join(dir, name)
			return nil
		},
	}
	cmd.PersistentFlags().BoolVar(&enrol, "enrol", false, "the tokens that devices enrol with")
	fleetDirFlag(cmd, &dir)
	cmd.AddCommand(a.tokenAddCommand(f), a.tokenListCommand(f), a.tokenRotateCommand(f), a.tokenRemoveCommand(f))
	return cmd
}

func fleetDirFlag(cmd *cobra.Command, dir *string) {
	*dir = defaultFleet()
	cmd.PersistentFlags().StringVar(dir, "dir", *dir, "folder of the receiver")
	cmd.PersistentFlags().Lookup("dir").DefValue = ""
	cmd.PersistentFlags().Lookup("dir").Usage = fmt.Sprintf("folder of the receiver (default %s)", shown(defaultFleet()))
	cobra.CheckErr(cmd.MarkPersistentFlagDirname("dir"))
}
