package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages into a folder",
		Long: `Write one manual page a command into DIR, for example
/usr/local/share/man/man1. (Shell completion: edge completion --help.)`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manual pages are for everyone
				return err
			}
			// A fixed date: the same program writes the same pages.
			date := time.Unix(0, 0).UTC()
			if err := doc.GenManTree(cmd.Root(), &doc.GenManHeader{Section: "1", Source: "edge", Manual: "edge", Date: &date}, args[0]); err != nil {
				return fmt.Errorf("write the manual pages: %w", err)
			}
			return nil
		},
	}
}
