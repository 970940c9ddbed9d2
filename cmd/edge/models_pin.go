package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models"
)

func (a *app) modelsPinCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:     "pin [N]",
		Short:   "Never let gc remove a generation",
		Long:    "Keep generation N, or the one in use, whatever gc is told, until it is unpinned.",
		Example: `  edge models pin 3 --why "shown at the fair"`,
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, n, err := a.storeAndNumber(cmd, args)
			if err != nil {
				return err
			}
			return a.trust(cmd.Context(), func(ctx context.Context, store *models.Store) (int, string, error) {
				return n, fmt.Sprintf("generation %d of task %s is pinned", n, a.task), store.Pin(ctx, a.task, n, why)
			})
		},
	}
	cmd.Flags().StringVar(&why, "why", "asked for", "the reason, for the record")
	return cmd
}

func (a *app) modelsUnpinCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "unpin N",
		Short:   "Let gc remove a generation again",
		Example: "  edge models unpin 3",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := generationNumber(args[0])
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			return a.trust(cmd.Context(), func(ctx context.Context, store *models.Store) (int, string, error) {
				return n, fmt.Sprintf("generation %d of task %s is no longer pinned", n, a.task), store.Unpin(ctx, a.task, n)
			})
		},
	}
}
