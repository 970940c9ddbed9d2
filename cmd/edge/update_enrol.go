package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/update"
)

// enrolFlags are the flags of `edge update enrol`.
type enrolFlags struct {
	root, rootDigest string
	enrolment        update.Enrolment
}

func (a *app) updateEnrolCommand() *cobra.Command {
	f := &enrolFlags{}
	cmd := &cobra.Command{
		Use:   "enrol URL",
		Short: "Have this device follow a channel of a repository",
		Long: `Have this device follow a channel of a repository, whose root it trusts from now
on. The root must come to you by a way that you trust: as a file, or as the digest
that edge publish init printed. Enrolled again, the device follows the new one.`,
		Example: `  edge update enrol https://models.example.org --root root.json
  edge update enrol https://models.example.org --root-sha256 4be1… --channel canary
  edge update enrol file:///media/stick/models --root root.json`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (f.root == "") == (f.rootDigest == "") {
				return usageError{errors.New("one of --root and --root-sha256 says what to trust"), cmd.CommandPath()}
			}
			f.enrolment.URL = args[0]
			return a.enrol(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.root, "root", "", "root.json of the repository")
	flags.StringVar(&f.rootDigest, "root-sha256", "", "SHA-256 of its first root, which is fetched then")
	flags.StringVar(&f.enrolment.Channel, "channel", "stable", "channel to follow")
	flags.StringVar(&f.enrolment.TokenFile, "token-file", "", "file of the token that the server asks for")
	flags.StringVar(&f.enrolment.CAFile, "ca-file", "", "PEM of the certificate authority of the server, if it is your own")
	flags.StringVar(&f.enrolment.CertFile, "cert-file", "", "PEM of this device's certificate, for servers that ask for it")
	flags.StringVar(&f.enrolment.KeyFile, "key-file", "", "PEM of its key")
	return cmd
}

func (a *app) enrol(ctx context.Context, f *enrolFlags) error {
	store, err := a.openStore()
	if err != nil {
		return err
	}
	e := f.enrolment
	for _, path := range []*string{&e.TokenFile, &e.CAFile, &e.CertFile, &e.KeyFile} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil { // the daemon runs elsewhere
			return err
		}
	}
	if e.Root, err = f.trusted(ctx, e); err != nil {
		return device.InputOr(err)
	}
	if err := e.Write(ctx, updateDir(store)); err != nil {
		return device.InputOr(err)
	}
	id, err := update.OpenIdentity(ctx, updateDir(store))
	if err != nil {
		return err
	}
	if err := a.firstCheck(ctx, store); err != nil {
		a.warn("the device is enrolled, but the repository does not answer as it should: %v", err)
	}
	if a.json {
		return a.print(map[string]any{"device": id.ID(), "url": e.URL, "channel": e.Channel, "root": digest.Of(e.Root)})
	}
	_, err = fmt.Fprintf(a.stdout, "device   %s\nfollows  %s of %s\nroot     %s\n\nwhat is new: edge update check\n", id.ID(), e.Channel, e.URL, digest.Of(e.Root))
	return err
}

// firstCheck finds out whether what was enrolled to is there.
func (a *app) firstCheck(ctx context.Context, store *models.Store) error {
	c, err := a.updateClient(store, sourceFlags{})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // it was read from
	_, err = c.Check(ctx)
	return err
}

// trusted returns the root that the flags name.
func (f *enrolFlags) trusted(ctx context.Context, e update.Enrolment) ([]byte, error) {
	if f.root != "" {
		return os.ReadFile(f.root)
	}
	want, err := digest.Parse("sha256:" + f.rootDigest)
	if err != nil {
		return nil, hint.Wrap(err, "give all 64 digits that edge publish init printed")
	}
	source, err := e.Source("edge/"+version, update.NewClock(update.ClockConfig{}).Now)
	if err != nil {
		return nil, err
	}
	defer source.Close() //nolint:errcheck // it was read from
	body, _, err := source.Open(ctx, "metadata/1.root.json", 0)
	if err != nil {
		return nil, fmt.Errorf("fetch the first root: %w", err)
	}
	defer body.Close()
	const most = 512 << 10
	root, err := io.ReadAll(io.LimitReader(body, most))
	if err != nil {
		return nil, fmt.Errorf("fetch the first root: %w", err)
	}
	if got := digest.Of(root); got != want {
		return nil, hint.Wrap(fmt.Errorf("the repository's first root has the digest %s, not the one you trust", got),
			"see that the address is right; if it is, somebody may be in between")
	}
	return root, nil
}
