package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

func (a *app) modelsRollbackCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Go back to the last generation that was good",
		Long: `Take the generation in use out of use. The task goes back to the generation that
was marked good last, or to the previous one where none was; what is damaged, and
what was itself rolled back from, is passed over. The generation that is left
counts as good no longer. A running daemon follows at once.`,
		Example: `  edge models rollback --task lamps
  edge models rollback --why "takes every lamp for red"`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.trust(cmd.Context(), func(ctx context.Context, store *models.Store) (int, string, error) {
				n, err := store.Rollback(ctx, a.task, 0, models.ByPerson, why)
				return n, fmt.Sprintf("task %s went back to generation %d", a.task, n), err
			})
		},
	}
	cmd.Flags().StringVar(&why, "why", "asked for", "the reason, for the record")
	return cmd
}

func (a *app) modelsMarkGoodCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "mark-good [N]",
		Short: "Record that a generation works: rollbacks go back to it",
		Long: `Record that generation N, or the one in use, has proven itself. A rollback goes
back to the generation that was marked last. The daemon does the same after a
probation without a complaint.`,
		Example: `  edge models mark-good
  edge models mark-good 3 --task lamps --why "a week without fault"`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := 0
			if len(args) == 1 {
				var err error
				if n, err = generationNumber(args[0]); err != nil {
					return usageError{err, cmd.CommandPath()}
				}
			}
			return a.trust(cmd.Context(), func(ctx context.Context, store *models.Store) (int, string, error) {
				if n == 0 {
					active, err := store.Active(a.task)
					if err != nil {
						return 0, "", err
					}
					n = active.Current
				}
				return n, fmt.Sprintf("generation %d of task %s is marked good", n, a.task), store.MarkGood(ctx, a.task, n, why)
			})
		},
	}
	cmd.Flags().StringVar(&why, "why", "asked for", "the reason, for the record")
	return cmd
}

// trust changes the store and says what holds then.
func (a *app) trust(ctx context.Context, change func(context.Context, *models.Store) (n int, said string, err error)) error {
	store, err := a.openStore()
	if err != nil {
		return err
	}
	n, said, err := change(ctx, store)
	if err != nil {
		return device.InputOr(err)
	}
	if a.json {
		return a.print(map[string]any{"task": a.task, "generation": n})
	}
	_, err = fmt.Fprintln(a.stdout, said)
	return err
}
