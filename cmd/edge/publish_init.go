package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/models/publish"
)

// keyFlags choose keys.
type keyFlags struct {
	keys       []string
	thresholds []string
}

func (a *app) publishInitCommand(f *publishFlags) *cobra.Command {
	k := keyFlags{}
	var lives, channels []string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a repository: keys, settings, and the first signed metadata",
		Long: `Make a repository in DIR. Without --key every role gets a new key of its own in
DIR/keys, encrypted by the passphrase. Take root.pem away from the machine afterwards:
it is needed to replace keys, and once a year.

A key is given as ROLE=REFERENCE, and several times for a role with several keys:
  file:PATH      a file with the key; it is made if it is not there
  env:NAME       a variable of the environment with the key
  exec:COMMAND   a command that signs what it reads; its public key goes behind a comma`,
		Example: `  edge publish init repo
  edge publish init repo --key root=file:/media/a/root.pem --key root=file:/media/b/root.pem --threshold root=1
  edge publish init repo --key 'targets=exec:pkcs11-sign 3,public=targets.pem' --expires timestamp=2d`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := f.repository
			if len(args) > 0 {
				dir = args[0]
			}
			o := publish.InitOptions{Keys: a.keyRing(), Channels: channels}
			var err error
			if o.Roles, err = k.roles(); err == nil {
				o.Expires, err = parseLives(lives)
			}
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			r, err := publish.Init(cmd.Context(), dir, o)
			if err != nil {
				return publishError(err)
			}
			root := filepath.Join(r.Public(), "metadata", "root.json")
			if a.json {
				return a.print(map[string]any{"repository": r.Dir(), "public": r.Public(), "root": root})
			}
			_, err = fmt.Fprintf(a.stdout, "repository %s\ndevices see %s and trust %s\n", r.Dir(), r.Public(), root)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&k.keys, "key", nil, "a key, as ROLE=REFERENCE; roles are root, targets, snapshot, timestamp")
	flags.StringSliceVar(&k.thresholds, "threshold", nil, "how many keys of a role must sign, as ROLE=N (default all)")
	flags.StringSliceVar(&lives, "expires", nil, "how long metadata of a role holds, as ROLE=30d (default root=365d, targets=180d, snapshot=30d, timestamp=7d)")
	flags.StringSliceVar(&channels, "channel", []string{"stable", "canary"}, "channels there are from the start")
	return cmd
}

// roles reads the keys and thresholds of the flags.
func (k keyFlags) roles() (map[publish.Role]publish.RoleKeys, error) {
	roles := map[publish.Role]publish.RoleKeys{}
	for _, text := range k.keys {
		role, reference, err := ofRole("--key", text)
		if err != nil {
			return nil, err
		}
		spec, err := parseKey(reference)
		if err != nil {
			return nil, fmt.Errorf("--key: %w", err)
		}
		of := roles[role]
		of.Keys = append(of.Keys, spec)
		roles[role] = of
	}
	for _, text := range k.thresholds {
		role, number, err := ofRole("--threshold", text)
		if err != nil {
			return nil, err
		}
		of := roles[role]
		if of.Threshold, err = strconv.Atoi(number); err != nil || of.Threshold < 1 {
			return nil, fmt.Errorf("--threshold %s: want a number from 1", text)
		}
		roles[role] = of
	}
	return roles, nil
}

// parseKey reads REFERENCE or REFERENCE,public=FILE.
func parseKey(text string) (publish.KeySpec, error) {
	const with = ",public="
	i := strings.LastIndex(text, with)
	if i < 0 {
		return publish.KeySpec{Reference: text}, nil
	}
	public, err := os.ReadFile(text[i+len(with):])
	return publish.KeySpec{Reference: text[:i], Public: public}, err
}

func parseLives(texts []string) (map[publish.Role]publish.Life, error) {
	lives := map[publish.Role]publish.Life{}
	for _, text := range texts {
		role, value, err := ofRole("--expires", text)
		if err != nil {
			return nil, err
		}
		if lives[role], err = publish.ParseLife(value); err != nil {
			return nil, fmt.Errorf("--expires: %w", err)
		}
	}
	return lives, nil
}

// ofRole splits ROLE=VALUE.
func ofRole(flag, text string) (publish.Role, string, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok || value == "" {
		return "", "", fmt.Errorf("%s %q: want ROLE=VALUE", flag, text)
	}
	role, err := publish.ParseRole(name)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", flag, err)
	}
	return role, value, nil
}
