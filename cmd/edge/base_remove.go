package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
)

func (a *app) baseRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME...",
		Short: "Remove imported bases",
		Long: `Remove imported bases. Generations that were made with one keep working: the
store has a copy of its own for them, which "edge models gc" removes when no
generation needs it any more.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			library, err := a.openLibrary()
			if err != nil {
				return err
			}
			for _, name := range args {
				if isEmbedded(name) {
					return device.InputError{Err: hint.Wrap(fmt.Errorf("base %q comes with edge and cannot be removed", name), "`edge base list` shows what was imported")}
				}
				if err := library.Remove(cmd.Context(), name); err != nil {
					return device.InputOr(err)
				}
				if err := a.removed(name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (a *app) removed(name string) error {
	if a.json {
		return a.print(map[string]string{"removed": name})
	}
	if a.quiet {
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, "%s is removed; generations that were made with it keep their copy.\n", name)
	return err
}
