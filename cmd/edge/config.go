package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check and show the configuration of `edge run`",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.configCheckCommand(), a.configShowCommand())
	return cmd
}

// configArgs takes the file as an argument too.
func (a *app) configArgs(cmd *cobra.Command, f *configFlags, args []string) (config.Input, error) {
	if len(args) > 0 {
		if f.file != "" {
			return config.Input{}, usageError{errors.New("the file is given twice"), cmd.CommandPath()}
		}
		f.file = args[0]
	}
	return a.configInput(cmd, f)
}

func (a *app) configCheckCommand() *cobra.Command {
	f := &configFlags{}
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say everything that is wrong with a configuration",
		Long: `Read FILE, the variables EDGE_… and the flags as edge run does, and say
everything that is wrong, with the key and the line. Nothing is started, no camera
is opened.`,
		Example: `  edge config check /etc/edge/edge.yaml
  edge config check --json edge.yaml`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.configArgs(cmd, f, args)
			if err != nil {
				return err
			}
			l, err := config.Load(in)
			var problems config.Problems
			if a.json && errors.As(err, &problems) {
				if err := a.print(checked{Problems: problems, Hint: hint.Of(err)}); err != nil {
					return err
				}
				return errSilent
			}
			if err != nil {
				return device.InputError{Err: err}
			}
			if a.json {
				return a.print(checked{OK: true, Tasks: l.Names(), Warnings: l.Warnings})
			}
			for _, w := range l.Warnings {
				a.warn("%s", w)
			}
			what := "the configuration"
			if in.File != "" {
				what = in.File
			}
			_, err = fmt.Fprintf(a.stdout, "%s is right: %s\n", what, counted(len(l.Tasks), "task"))
			return err
		},
	}
	f.register(cmd)
	return cmd
}

// checked is what `edge config check --json` prints.
type checked struct {
	OK       bool            `json:"ok"`
	Tasks    []string        `json:"tasks,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
	Problems config.Problems `json:"problems,omitempty"`
	Hint     string          `json:"hint,omitempty"`
}

// counted is n with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (a *app) configShowCommand() *cobra.Command {
	f := &configFlags{}
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Show the settings that hold, and where each comes from",
		Long: `Show every setting that edge run would have with the same file, variables and
flags, and where each comes from. Secrets are hidden.`,
		Example: `  edge config show
  edge config show edge.yaml --set poll=5s
  edge config show --json | jq 'select(.origin != "default")'`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.configArgs(cmd, f, args)
			if err != nil {
				return err
			}
			l, err := a.loadConfig(in)
			if err != nil {
				return err
			}
			if a.json {
				for _, s := range l.Show() {
					if err := a.print(s); err != nil {
						return err
					}
				}
				return nil
			}
			text, err := l.YAML()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(text)
			return err
		},
	}
	f.register(cmd)
	return cmd
}
