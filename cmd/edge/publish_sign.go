package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/publish"
)

func (a *app) publishSignCommand(f *publishFlags) *cobra.Command {
	role, discard := "", false
	cmd := &cobra.Command{
		Use:   "sign [FILE…]",
		Short: "Add the signatures of the keys that are here to what waits for them",
		Long: `A change whose keys are not all in one place waits in the folder staged/ of the
repository. Sign it where the other keys are: in the repository itself, or in a copy of
it whose staged/ is carried back. FILE is such a copy of a file of staged/; its
signatures are taken over. Once all signatures are there, devices see the change.`,
		Example: `  edge publish sign --role root                 with the stick that has root.pem
  edge publish sign alice/targets.json bob/targets.json
  edge publish sign --discard                   throw the change away`,
		Args: usageArgs(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			of, err := optionalRole(cmd, role)
			if err != nil {
				return err
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			if discard {
				return a.published(r.Discard(cmd.Context()), map[string]any{"discarded": true}, "nothing waits any more")
			}
			return a.published(r.Sign(cmd.Context(), of, args...), map[string]any{"signed": true}, "signed: devices see the change")
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "sign only for this role (default any)")
	cmd.Flags().BoolVar(&discard, "discard", false, "throw away what waits")
	return cmd
}

// optionalRole reads a role that need not be given.
func optionalRole(cmd *cobra.Command, name string) (publish.Role, error) {
	if name == "" {
		return "", nil
	}
	role, err := publish.ParseRole(name)
	if err != nil {
		return "", usageError{err, cmd.CommandPath()}
	}
	return role, nil
}

func (a *app) publishRefreshCommand(f *publishFlags) *cobra.Command {
	var names []string
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Sign a new timestamp, and whatever is about to expire",
		Long: `Sign a new timestamp, and a new snapshot, targets and root if less than a third of
their lives is left and their keys are here. Run it more often than the timestamp lives
(7 days, if nobody said otherwise): devices refuse what has expired, and keep what they
have.`,
		Example: "  edge publish refresh\n  edge publish refresh --role targets",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var roles []publish.Role
			for _, name := range names {
				role, err := optionalRole(cmd, name)
				if err != nil {
					return err
				}
				roles = append(roles, role)
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			if err := r.Refresh(cmd.Context(), roles...); err != nil {
				return a.published(err, map[string]any{}, "")
			}
			st, err := r.Status(cmd.Context())
			if err != nil {
				return publishError(err)
			}
			for _, s := range st.Roles {
				if s.Soon {
					a.warn("%s expires %s: refresh it where its key is (edge publish refresh --role %s)", s.Role, s.Expires.Format("2006-01-02"), s.Role)
				}
			}
			if a.json {
				return a.print(st)
			}
			last := st.Roles[len(st.Roles)-1]
			_, err = fmt.Fprintf(a.stdout, "%s %d holds until %s\n", last.Role, last.Version, last.Expires.Local().Format("2006-01-02 15:04"))
			return err
		},
	}
	cmd.Flags().StringSliceVar(&names, "role", nil, "renew the metadata of these roles in any case")
	return cmd
}

func (a *app) publishRotateCommand(f *publishFlags) *cobra.Command {
	var add, remove []string
	threshold := 0
	cmd := &cobra.Command{
		Use:   "rotate ROLE",
		Short: "Change the keys of a role: one was stolen, lost, or is old",
		Long: `Change the keys of ROLE (root, targets, snapshot or timestamp). Without flags, a new key
in the folder keys/ takes the place of the only one. A threshold of the root's keys must
sign; without them the change waits (edge publish sign).`,
		Example: `  edge publish rotate timestamp
  edge publish rotate targets --remove 3fa9c0d1 --add file:keys/targets-b.pem`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			role, err := optionalRole(cmd, args[0])
			if err != nil {
				return err
			}
			o := publish.Rotation{Remove: remove, Threshold: threshold}
			for _, text := range add {
				spec, err := parseKey(text)
				if err != nil {
					return usageError{fmt.Errorf("--add: %w", err), cmd.CommandPath()}
				}
				o.Add = append(o.Add, spec)
			}
			r, err := f.open(a)
			if err != nil {
				return err
			}
			return a.published(r.Rotate(cmd.Context(), role, o), map[string]any{"role": role}, "the keys of %s are changed", role)
		},
	}
	cmd.Flags().StringArrayVar(&add, "add", nil, "reference of a key that counts from now on, as edge publish init takes it")
	cmd.Flags().StringSliceVar(&remove, "remove", nil, "beginning of the ID of a key that counts no more")
	cmd.Flags().IntVar(&threshold, "threshold", 0, "how many keys must sign (default as before)")
	return cmd
}
