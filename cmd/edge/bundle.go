package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
)

// bundled is what `edge bundle --json` prints.
type bundled struct {
	Task       string        `json:"task"`
	Generation int           `json:"generation"`
	File       string        `json:"file"`
	Bytes      int64         `json:"bytes"`
	Digest     digest.Digest `json:"digest"`
}

func (a *app) bundleCommand() *cobra.Command {
	var out string
	var generation int
	var force bool
	cmd := &cobra.Command{
		Use:   "bundle --out FILE",
		Short: "Pack a generation into one file: base, head, labels, measures",
		Long: `Pack a generation into one file, a tar archive: its base and preprocessing, its
head and calibration, its labels, measures and report. edge unbundle takes it
out again on another machine, edge publish add gives it to many.

The report may show small pictures of the samples, and samples.csv names them:
look at what is in the file before you give it away. Every file is compared with
its digest on the way. The same generation always gives the same bytes.`,
		Example: `  edge bundle --task lamps --out lamps.tar
  edge bundle --out - | ssh pi edge unbundle - --activate`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return usageError{errors.New("--out is missing: the file to write, or - for standard output"), cmd.CommandPath()}
			}
			if out == "-" && a.json {
				return usageError{errors.New("--out - and --json: standard output takes one of the two"), cmd.CommandPath()}
			}
			store, err := a.openStore()
			if err != nil {
				return err
			}
			g, err := a.generationOrCurrent(store, generation)
			if err != nil {
				return err
			}
			if out == "-" {
				return a.bundleToStdout(cmd.Context(), g)
			}
			return a.bundle(cmd.Context(), g, out, force)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "file to write; -: standard output")
	cmd.Flags().IntVar(&generation, "generation", 0, "generation to pack; 0: the one in use")
	cmd.Flags().BoolVar(&force, "force", false, "replace what is there")
	return cmd
}

// generationOrCurrent returns generation n of the task; 0 is the one in use.
func (a *app) generationOrCurrent(store *models.Store, n int) (models.Generation, error) {
	if n != 0 {
		g, err := store.Generation(a.task, n)
		return g, device.InputOr(err)
	}
	g, err := store.Current(a.task)
	return g, device.InputOr(err)
}

func (a *app) bundleToStdout(ctx context.Context, g models.Generation) error {
	if _, ok := terminal(a.stdout); ok {
		return hint.Wrap(errors.New("a bundle is not for a terminal"), "name a file with --out FILE, or send it on with |")
	}
	return bundleError(bundle.Write(ctx, a.stdout, g))
}

func (a *app) bundle(ctx context.Context, g models.Generation, path string, force bool) error {
	if _, err := os.Lstat(path); !force && !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return err
		}
		return hint.Wrap(fmt.Errorf("%s is there already", path), "give another --out, or replace it with --force")
	}
	if err := writeBundle(ctx, path, g); err != nil {
		return bundleError(err)
	}
	d, n, err := digest.OfFile(path)
	if err != nil {
		return err
	}
	if a.json {
		return a.print(bundled{g.Task, g.Generation, path, n, d})
	}
	_, err = fmt.Fprintf(a.stdout, "generation %d of task %s is in %s: %s, %s\n", g.Generation, g.Task, path, sizeText(n), d.Short())
	return err
}

// bundleError gives a generation that is not what was stored its exit code and
// next step.
func bundleError(err error) error {
	if errors.Is(err, models.ErrDamaged) {
		return device.InputError{Err: hint.Wrap(err, "see what is damaged, and repair it: edge models fsck")}
	}
	return err
}
