package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/fleet/receiver"
	"github.com/edge-adapt/edge/models/fleet/records"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// fleetServeFlags are the flags of `edge fleet serve`.
type fleetServeFlags struct {
	dir, database  string
	listen, hosts  []string
	cert, key      string
	selfMade       bool
	plain          bool
	limit          float64
	devices        int
	silent, keep   string
	haltCommand    string
	commandTimeout time.Duration
}

func (a *app) fleetServeCommand() *cobra.Command {
	f := &fleetServeFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Receive reports and show the fleet, until stopped",
		Long: `Receive the reports of devices and show the fleet at /, as JSON at /api/fleet and to
Prometheus at /metrics.

Records are kept in a SQLite file, or in PostgreSQL: --database, or the variable
EDGE_FLEET_DATABASE, where a password may stand too. Any number of receivers may
share one PostgreSQL database.

When more than --limit of the devices that activated a release went back from it,
with 95 % confidence and of at least --devices, its roll-out is to be halted:
--halt-command is run by sh with EDGE_CHANNEL, EDGE_RELEASE and EDGE_REASON set, and
again a minute later if it fails. Without it the page and the metrics say so.`,
		Example: `  edge fleet serve
  edge fleet serve --listen 0.0.0.0:8090 --self-made
  edge fleet serve --database postgres://edge@db/fleet --limit 0.02 --devices 20 \
    --halt-command 'edge publish halt "$EDGE_RELEASE" --channel "$EDGE_CHANNEL" --reason "$EDGE_REASON"'`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.fleetServe(cmd, f) },
	}
	fleetDirFlag(cmd, &f.dir)
	flags := cmd.Flags()
	flags.StringVar(&f.database, "database", "", "SQLite file, or postgres://USER@HOST/NAME (default "+fleetRecords+" in the folder)")
	flags.StringArrayVar(&f.listen, "listen", []string{"127.0.0.1:8090"}, "address, host:port or unix:/path; several are allowed")
	flags.StringArrayVar(&f.hosts, "host", nil, "name of this machine that browsers may use without a token, beside localhost")
	flags.StringVar(&f.cert, "cert", "", "PEM file of the certificate")
	flags.StringVar(&f.key, "key", "", "PEM file of its key")
	flags.BoolVar(&f.selfMade, "self-made", false, "encrypt with a certificate that this machine makes for itself")
	flags.BoolVar(&f.plain, "plain", false, "serve beyond this machine without TLS: a proxy does it")
	flags.Float64Var(&f.limit, "limit", 0.05, "share of devices that may go back from a release")
	flags.IntVar(&f.devices, "devices", 5, "how many devices must have activated a release before it can be halted")
	flags.StringVar(&f.silent, "silent", "1h", "after how long without a report a device counts as silent")
	flags.StringVar(&f.keep, "keep", "180d", "how long rollbacks and past releases are kept")
	flags.StringVar(&f.haltCommand, "halt-command", "", "command that halts a roll-out")
	flags.DurationVar(&f.commandTimeout, "halt-timeout", time.Minute, "how long that command may take")
	cmd.MarkFlagsRequiredTogether("cert", "key")
	cmd.MarkFlagsMutuallyExclusive("cert", "self-made")
	return cmd
}

// check reads what flags need to be read.
func (f *fleetServeFlags) check() (silent, keep time.Duration, err error) {
	if f.limit <= 0 || f.limit >= 1 {
		return 0, 0, fmt.Errorf("--limit %v: want a share above 0 and below 1", f.limit)
	}
	if f.devices < 1 || f.commandTimeout <= 0 {
		return 0, 0, fmt.Errorf("--devices %d, --halt-timeout %v: want more than nothing", f.devices, f.commandTimeout)
	}
	if strings.Contains(f.database, "://") && strings.Contains(f.database, "@") {
		if user, _, _ := strings.Cut(strings.SplitN(f.database, "://", 2)[1], "@"); strings.Contains(user, ":") {
			return 0, 0, hint.Wrap(fmt.Errorf("--database holds a password, which everybody on this machine could see"), "put the address into EDGE_FLEET_DATABASE, or the password into ~/.pgpass")
		}
	}
	if silent, err = parseLife("--silent", f.silent); err != nil {
		return 0, 0, err
	}
	keep, err = parseLife("--keep", f.keep)
	return silent, keep, err
}

func (a *app) fleetServe(cmd *cobra.Command, f *fleetServeFlags) (err error) {
	ctx := cmd.Context()
	silent, keep, err := f.check()
	if err != nil {
		return usageError{err, cmd.CommandPath()}
	}
	level := new(slog.LevelVar)
	log := newLog(a.stderr, config.Default().Log, level, a.quiet, false)
	o := receiver.Options{
		Rule: receiver.Rule{Limit: f.limit, Devices: f.devices}, Plain: f.plain, Hosts: f.hosts, Silent: silent, Keep: keep, Version: version, Log: log,
	}
	if f.haltCommand != "" {
		o.Halt = f.halt
	}
	if o.Keys, err = access.OpenKeys(filepath.Join(f.dir, fleetTokens), log); err != nil {
		return err
	}
	if o.Enrolment, err = access.OpenKeys(filepath.Join(f.dir, fleetEnrolment), log); err != nil {
		return err
	}
	if o.Certificate, err = f.certificate(log); err != nil {
		return err
	}
	if o.Records, err = f.records(ctx); err != nil {
		return err
	}
	defer func() {
		if e := o.Records.Close(); err == nil {
			err = e
		}
	}()
	r, err := receiver.New(o)
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, f.listen)
	if err != nil {
		return err
	}
	for _, l := range listeners {
		log.Info("the fleet's receiver listens", "address", l.Addr().String(), "tls", o.Certificate != nil, "records", o.Records.Database(), "version", version)
	}
	return r.Serve(ctx, listeners...)
}

func (f *fleetServeFlags) records(ctx context.Context) (*records.Records, error) {
	database := f.database
	if database == "" {
		database = os.Getenv("EDGE_FLEET_DATABASE")
	}
	if strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://") {
		return records.OpenPostgres(ctx, database)
	}
	if database == "" {
		database = filepath.Join(f.dir, fleetRecords)
	}
	return records.OpenSQLite(ctx, database)
}

func (f *fleetServeFlags) certificate(log *slog.Logger) (*access.Certificate, error) {
	switch {
	case f.cert != "":
		c, err := access.LoadCertificate(f.cert, f.key, log)
		if err != nil {
			return nil, device.InputError{Err: err}
		}
		return c, nil
	case f.selfMade:
		c, err := access.SelfMade(filepath.Join(f.dir, fleetTLS), f.hosts, log)
		if err == nil {
			log.Info("connections are encrypted with a self-made certificate", "sha256", c.Fingerprint())
		}
		return c, err
	}
	return nil, nil //nolint:nilnil // as the receiver wants it
}

// halt runs the command that halts a roll-out. What devices said is in variables, never
// in the command's text.
func (f *fleetServeFlags) halt(ctx context.Context, channel string, release int, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, f.commandTimeout)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", f.haltCommand) //nolint:gosec // who runs this program gave it
	c.Env = append(os.Environ(), "EDGE_CHANNEL="+channel, fmt.Sprintf("EDGE_RELEASE=%d", release), "EDGE_REASON="+reason)
	c.WaitDelay = 5 * time.Second
	out, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	said := bytes.TrimSpace(out)
	if i := bytes.LastIndexByte(said, '\n'); i >= 0 {
		said = said[i+1:]
	}
	if len(said) > 300 {
		said = said[:300]
	}
	return fmt.Errorf("the command that halts it: %w: %s", err, said)
}
