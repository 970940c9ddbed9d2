package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
)

func (a *app) baseVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Check imported bases: their bytes, their structure, and how they run",
		Long: `Compare imported bases with their digests, read their structure, and run each in
a child process: the features must be numbers, differ from picture to picture,
and be the same each time. Without names, all of them.`,
		Args: usageArgs(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			library, err := a.openLibrary()
			if err != nil {
				return err
			}
			names, err := verifiable(library, args)
			if err != nil {
				return device.InputError{Err: err}
			}
			bad := 0
			for _, name := range names {
				ok, err := a.verifyBase(cmd.Context(), library, name)
				if err != nil {
					return err
				}
				if !ok {
					bad++
				}
			}
			if bad > 0 {
				return device.InputError{Err: hint.Wrap(fmt.Errorf("%d of %d bases are not as they should be", bad, len(names)), "import them again with --force, or remove them: edge base remove NAME")}
			}
			return nil
		},
	}
}

// verifiable returns the names that are given, or all.
func verifiable(library *base.Library, given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	return library.Names()
}

// verified is what `edge base verify` says of one base.
type verified struct {
	Name   string   `json:"name"`
	OK     bool     `json:"ok"`
	Checks []string `json:"checks,omitempty"`
	Error  string   `json:"error,omitempty"`
	Hint   string   `json:"hint,omitempty"`
}

func (a *app) verifyBase(ctx context.Context, library *base.Library, name string) (ok bool, err error) {
	checks, err := library.Verify(ctx, name)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	v := verified{Name: name, OK: err == nil, Checks: checks}
	if err != nil {
		v.Error, v.Hint = err.Error(), hint.Of(err)
	}
	switch {
	case a.json:
		return v.OK, a.print(v)
	case err != nil:
		fmt.Fprintf(a.stderr, "edge: %v\n", err)
		if v.Hint != "" {
			fmt.Fprintf(a.stderr, "hint: %s\n", v.Hint)
		}
		return false, nil
	case a.quiet:
		return true, nil
	}
	if _, err := fmt.Fprintf(a.stdout, "%s is as it should be\n", name); err != nil {
		return false, err
	}
	for _, check := range checks {
		if _, err := fmt.Fprintf(a.stdout, "  %s\n", check); err != nil {
			return false, err
		}
	}
	return true, nil
}
