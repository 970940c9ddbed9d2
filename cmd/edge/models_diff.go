package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models"
)

// difference is what `edge models diff --json` prints.
type difference struct {
	models.Difference
	Samples *flips `json:"samples,omitempty"` // nil: --samples was not given
}

func (a *app) modelsDiffCommand() *cobra.Command {
	var base baseFlags
	var samples string
	cmd := &cobra.Command{
		Use:   "diff N [M]",
		Short: "Show what differs between two generations, and which images flip",
		Long: `Show what differs between generation N and generation M, or the one in use: labels,
base, preprocessing, recipe, measures, files.

With --samples both classify the images of DIR, which holds a folder a class, and
those are listed whose answer changes from N to M, with which of the two is right.`,
		Example: `  edge models diff 2
  edge models diff 2 3 --samples ./photos`,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := generationNumber(args[0])
			if err != nil {
				return usageError{err, cmd.CommandPath()}
			}
			store, m, err := a.storeAndNumber(cmd, args[1:])
			if err != nil {
				return err
			}
			from, err := store.Generation(a.task, n)
			if err != nil {
				return device.InputOr(err)
			}
			to, err := store.Generation(a.task, m)
			if err != nil {
				return device.InputOr(err)
			}
			d := difference{Difference: models.Diff(from.Manifest, to.Manifest)}
			if samples != "" {
				if d.Samples, err = a.flips(cmd.Context(), n, m, samples, base); err != nil {
					return device.InputOr(err)
				}
			}
			if a.json {
				return a.print(d)
			}
			return a.printDifference(d)
		},
	}
	base.registerRunning(cmd)
	cmd.Flags().StringVar(&samples, "samples", "", "folder of images, a folder a class, that both classify")
	cobra.CheckErr(cmd.MarkFlagDirname("samples"))
	return cmd
}

func (a *app) printDifference(d difference) error {
	t := newTable("", fmt.Sprintf("generation %d", d.From), fmt.Sprintf("generation %d", d.To))
	row := func(name, before, after string) { t.AppendRow([]any{name, before, after}) }
	if len(d.Added)+len(d.Removed) > 0 {
		row("labels", minus(d.Removed), plus(d.Added))
	}
	if d.Reordered {
		row("labels", "in another order", "")
	}
	if d.SameBase {
		row("base", d.FromBase.Digest.Short(), "the same")
	} else {
		row("base", d.FromBase.Name+" "+d.FromBase.Digest.Short(), d.ToBase.Name+" "+d.ToBase.Digest.Short())
	}
	if d.SameHead {
		row("head", "", "the same")
	}
	for _, part := range []struct {
		name    string
		changes []models.Change
	}{{"preprocessing", d.Preprocessing}, {"recipe", d.Recipe}, {"measures", d.Measures}, {"file", d.Files}} {
		for _, c := range part.changes {
			row(strings.TrimSpace(part.name+" "+c.Path), valueText(c.Before), valueText(c.After))
		}
	}
	if _, err := fmt.Fprintln(a.stdout, t.Render()); err != nil || d.Samples == nil {
		return err
	}
	return a.printFlips(d)
}

func minus(labels []string) string { return signed("-", labels) }
func plus(labels []string) string  { return signed("+", labels) }

func signed(sign string, labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	return sign + some(labels, 8)
}

// valueText shows a JSON value in a cell.
func valueText(raw []byte) string {
	const most = 40
	text := strings.TrimPrefix(strings.Trim(string(raw), `"`), "sha256:")
	switch {
	case len(raw) == 0:
		return "-"
	case strings.HasPrefix(string(raw), `"sha256:`):
		return text[:min(12, len(text))]
	case len(text) > most:
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
