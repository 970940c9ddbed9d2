package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/publish"
)

// publishFlags are the flags that every `edge publish` has.
type publishFlags struct{ repository string }

func (a *app) publishCommand() *cobra.Command {
	f := &publishFlags{}
	cmd := &cobra.Command{
		Use:   "publish",
		Short: "Publish bases and heads for devices to update from",
		Long: `Publish bases and heads to many devices. A repository is a folder: what devices see
of it lies in its folder public/, for "edge publish serve" or any static server, object
store, CDN or USB stick. Everything in it is signed (TUF); devices accept nothing else.

Keys in files are encrypted. Their passphrase is read from the file that
EDGE_PUBLISH_PASSPHRASE_FILE names, from EDGE_PUBLISH_PASSPHRASE, or at the terminal.`,
		Example: `  edge publish init repo                                    keys, channels stable and canary
  edge publish add out/lamps/bundle.tar --channel canary    to all who follow canary
  edge publish promote 1 --from canary --to stable --percent 10
  edge publish roll-out 1 --percent 100
  edge publish refresh                                      once a day, from cron
  edge publish serve --listen 0.0.0.0:8090 --tls-cert c.pem --tls-key k.pem --everybody`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	usual := os.Getenv("EDGE_REPOSITORY")
	if usual == "" {
		usual = "."
	}
	cmd.PersistentFlags().StringVar(&f.repository, "repository", usual, "folder of the repository; EDGE_REPOSITORY says another default")
	cmd.AddCommand(
		a.publishInitCommand(f), a.publishAddCommand(f), a.publishStatusCommand(f),
		a.publishRolloutCommand(f), a.publishHaltCommand(f), a.publishNudgeCommand(f), a.publishResumeCommand(f), a.publishRevokeCommand(f), a.publishPromoteCommand(f), a.publishChannelCommand(f),
		a.publishRefreshCommand(f), a.publishRotateCommand(f), a.publishSignCommand(f),
		a.publishPackCommand(f), a.publishWatchCommand(f), a.publishServeCommand(f),
	)
	return cmd
}

// keyRing finds keys and asks for passphrases at the terminal.
func (a *app) keyRing() publish.KeyRing {
	ring := publish.KeyRing{Getenv: os.Getenv}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return ring
	}
	given := map[string][]byte{}
	ring.Passphrase = func(ctx context.Context, reference string, fresh bool) ([]byte, error) {
		if text, ok := given[reference]; ok {
			return text, nil
		}
		text, err := a.askPassphrase(ctx, in, "passphrase for "+reference+": ")
		if err != nil || !fresh {
			return text, err
		}
		again, err := a.askPassphrase(ctx, in, "once more: ")
		if err == nil && string(again) != string(text) {
			err = errors.New("the two passphrases differ")
		}
		given[reference] = text
		return text, err
	}
	return ring
}

func (a *app) askPassphrase(ctx context.Context, in *os.File, prompt string) ([]byte, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	fmt.Fprint(a.stderr, prompt)
	text, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(a.stderr)
	return text, err
}

func (f *publishFlags) open(a *app) (*publish.Repository, error) {
	r, err := publish.Open(f.repository, a.keyRing())
	return r, publishError(err)
}

// publishError makes what is wrong with the input a fault of the input.
func publishError(err error) error {
	for _, reason := range []error{
		publish.ErrNotFound, publish.ErrThere, publish.ErrDamaged, publish.ErrRevoked, publish.ErrHalted, publish.ErrNotBetter, publish.ErrSame,
		bundle.ErrForm, bundle.ErrNotBundle, bundle.ErrTooLarge, models.ErrDamaged, models.ErrNewer, models.ErrNotFound,
	} {
		if errors.Is(err, reason) {
			return device.InputError{Err: err}
		}
	}
	return err
}

// pendingLine is what is printed of a change that waits for signatures.
type pendingLine struct {
	Role    publish.Role `json:"role"`
	Version int64        `json:"version"`
	Have    int          `json:"have"`
	Want    int          `json:"want"`
}

// published prints what became of a change: line as JSON, or text. A change that
// waits for signatures is no failure, and is not taken for done.
func (a *app) published(err error, line map[string]any, format string, args ...any) error {
	var waiting *publish.Pending
	if err != nil && !errors.As(err, &waiting) {
		return publishError(err)
	}
	if a.json {
		if waiting != nil {
			line["pending"] = pendingLine(*waiting)
		}
		return a.print(line)
	}
	if waiting == nil {
		_, err = fmt.Fprintf(a.stdout, format+"\n", args...)
		return err
	}
	fmt.Fprintf(a.stdout, "staged: devices see it once it is signed; %s has %d of %d signatures\n", waiting.Role, waiting.Have, waiting.Want)
	if next := hint.Of(err); next != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", next)
	}
	return nil
}
