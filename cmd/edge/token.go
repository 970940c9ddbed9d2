package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// tokenFlags are the flags that every `edge token` has.
type tokenFlags struct{ file string }

func (a *app) tokenCommand() *cobra.Command {
	f := &tokenFlags{}
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and remove the tokens that open the API",
		Long: `Tokens open the HTTP API of "edge run" beyond this machine, and on it once there is
one. Each has a scope: read (ask what an image shows, see tasks and events), label
(see and change samples too) or admin (change what serves, adapt).

Only digests are kept, in tokens.json beside the store. A running edge takes changes
up within a second.`,
		Example: `  edge token add phone                      prints the token, once
  edge token add desk --scope label --expires 90d
  curl -H "Authorization: Bearer $TOKEN" http://shelf.local:8080/api/info
  edge token rotate phone --grace 1d        a new one; the old one works for a day`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&f.file, "tokens", "", "file of the tokens (default tokens.json beside the store)")
	cmd.AddCommand(a.tokenAddCommand(f), a.tokenListCommand(f), a.tokenRotateCommand(f), a.tokenRemoveCommand(f))
	return cmd
}

// path is the file that the flags name.
func (f *tokenFlags) path(a *app) (string, error) {
	if f.file != "" {
		return f.file, nil
	}
	store, err := storeOf(config.Config{Store: a.store})
	return defaultTokens(store), err
}

func (a *app) tokenAddCommand(f *tokenFlags) *cobra.Command {
	scope, expires := string(access.Read), ""
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it, this once",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := access.ParseScope(scope)
			if err == nil {
				err = access.CheckName(args[0])
			}
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			var end time.Time
			if expires != "" {
				life, err := parseLife("--expires", expires)
				if err != nil {
					return usageError{err, cmd.CommandPath()}
				}
				end = time.Now().Add(life).UTC().Truncate(time.Second)
			}
			path, err := f.path(a)
			if err != nil {
				return err
			}
			t, text, err := access.Add(path, args[0], s, end)
			if err != nil {
				return err
			}
			return a.printToken(t, text)
		},
	}
	cmd.Flags().StringVar(&scope, "scope", scope, "what it allows: read, label or admin")
	cmd.Flags().StringVar(&expires, "expires", "", "how long it works, as 12h or 90d (default for good)")
	return cmd
}

// parseLife reads a time of a flag, which must be above zero.
func parseLife(flag, text string) (time.Duration, error) {
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("%s: %w", flag, err)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s %s: want more than nothing", flag, text)
	}
	return d.D(), nil
}

// printToken shows a new token. Standard output has the token alone, for scripts.
func (a *app) printToken(t access.Token, text string) error {
	if a.json {
		return a.print(struct {
			tokenLine
			Token string `json:"token"`
		}{lineOf(t, time.Now()), text})
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "token %s for %q, scope %s%s; it is shown this once\n", t.ID, t.Name, t.Scope, untilText(t))
	}
	_, err := fmt.Fprintln(a.stdout, text)
	return err
}

func untilText(t access.Token) string {
	if t.Expires.IsZero() {
		return ""
	}
	return ", until " + t.Expires.Local().Format("2006-01-02 15:04")
}

func (a *app) tokenListCommand(f *tokenFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the tokens, which nothing shows again",
		Args:  usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			path, err := f.path(a)
			if err != nil {
				return err
			}
			tokens, err := access.List(path)
			if err != nil {
				return err
			}
			return a.printTokens(tokens)
		},
	}
}

// tokenLine is one line of `edge token list --json`.
type tokenLine struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Scope   access.Scope `json:"scope"`
	Created time.Time    `json:"created"`
	Expires time.Time    `json:"expires,omitzero"`
	Expired bool         `json:"expired"`
}

func lineOf(t access.Token, now time.Time) tokenLine {
	return tokenLine{t.ID, t.Name, t.Scope, t.Created, t.Expires, t.Expired(now)}
}

func (a *app) printTokens(tokens []access.Token) error {
	now := time.Now()
	if a.json {
		for _, t := range tokens {
			if err := a.print(lineOf(t, now)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(tokens) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no tokens; make one: edge token add NAME")
		return err
	}
	table := newTable("id", "name", "scope", "made", "expires")
	for _, t := range tokens {
		expires := "never"
		switch {
		case t.Expired(now):
			expires = "expired"
		case !t.Expires.IsZero():
			expires = t.Expires.Local().Format("2006-01-02 15:04")
		}
		table.AppendRow([]any{t.ID, t.Name, t.Scope, t.Created.Local().Format("2006-01-02 15:04"), expires})
	}
	_, err := fmt.Fprintln(a.stdout, table.Render())
	return err
}

func (a *app) tokenRotateCommand(f *tokenFlags) *cobra.Command {
	grace := "1d"
	cmd := &cobra.Command{
		Use:   "rotate ID|NAME",
		Short: "Make a token in place of one, which works for a while longer",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			life, err := parseLife("--grace", grace)
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			path, err := f.path(a)
			if err != nil {
				return err
			}
			t, text, err := access.Rotate(path, args[0], life)
			if err != nil {
				return noToken(err)
			}
			return a.printToken(t, text)
		},
	}
	cmd.Flags().StringVar(&grace, "grace", grace, "how long the old token still works")
	return cmd
}

func (a *app) tokenRemoveCommand(f *tokenFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID|NAME",
		Short: "Remove a token, which opens nothing from then on",
		Args:  usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := f.path(a)
			if err != nil {
				return err
			}
			t, err := access.Remove(path, args[0])
			if err != nil {
				return noToken(err)
			}
			if a.json {
				return a.print(lineOf(t, time.Now()))
			}
			_, err = fmt.Fprintf(a.stdout, "token %s of %q is removed\n", t.ID, t.Name)
			return err
		},
	}
}

// noToken makes a token that is not there a fault of the input.
func noToken(err error) error {
	if errors.Is(err, access.ErrNoSuchToken) {
		return device.InputError{Err: err}
	}
	return err
}
