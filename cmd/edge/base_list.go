package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/base"
)

func (a *app) baseListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the bases that have names",
		Long: `List the bases that edge brings along and those that were imported. With --json,
one line a base.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			library, err := a.openLibrary()
			if err != nil {
				return err
			}
			entries, err := a.listed(cmd, library)
			if a.json {
				for _, e := range entries {
					if err := a.print(e); err != nil {
						return err
					}
				}
			} else if _, printErr := io.WriteString(a.stdout, baseTable(entries)); printErr != nil {
				return printErr
			}
			if err != nil {
				return device.InputError{Err: err}
			}
			return nil
		},
	}
}

// listed returns all bases that can be read, the embedded ones first.
func (a *app) listed(cmd *cobra.Command, library *base.Library) ([]base.Entry, error) {
	var own []base.Entry
	for _, name := range base.Embedded() {
		e, err := a.embeddedEntry(cmd.Context(), name)
		if err != nil {
			return nil, err
		}
		own = append(own, e)
	}
	entries, err := library.List()
	return append(own, entries...), err
}

// embeddedEntry describes a base that comes with edge as those of the library are.
func (a *app) embeddedEntry(ctx context.Context, name string) (base.Entry, error) {
	s, err := a.prepareBase(ctx, name)
	if err != nil {
		return base.Entry{}, err
	}
	info, err := os.Stat(s.Path)
	if err != nil {
		return base.Entry{}, err
	}
	return base.Entry{
		Name: s.Name, Digest: s.Digest, Bytes: info.Size(), Preprocessing: s.Preprocessing, Features: s.Features, Path: s.Path,
	}, nil
}

func baseTable(entries []base.Entry) string {
	t := newTable("name", "features", "input", "MB", "from", "since")
	for _, e := range entries {
		from, since := e.Origin.File, ""
		if e.Imported.IsZero() {
			from = "edge itself"
		} else {
			since = e.Imported.Local().Format(time.DateOnly)
		}
		t.AppendRow([]any{e.Name, e.Features, side(e), fmt.Sprintf("%.2f", float64(e.Bytes)/1e6), from, since})
	}
	return t.Render() + "\n"
}

func side(e base.Entry) string {
	return fmt.Sprintf("%dx%d", e.Preprocessing.Width, e.Preprocessing.Height)
}

// printEntry writes what is known of a base for people.
func printEntry(w io.Writer, e base.Entry) error {
	facts := newTable()
	fact := func(name, value string) {
		if value != "" {
			facts.AppendRow([]any{name, value})
		}
	}
	p := e.Preprocessing
	fact("base", e.Name)
	fact("features", fmt.Sprintf("%d, of %s", e.Features, e.FeatureTensor))
	fact("pictures", fmt.Sprintf("%dx%d, pixels from %.4g to %.4g, %s", p.Width, p.Height, p.Offset, 255*p.Scale+p.Offset, p.Resize))
	fact("size", fmt.Sprintf("%.2f MB, sha256 %s…", float64(e.Bytes)/1e6, e.Digest.Short()))
	if o := e.Origin; o.File != "" {
		fact("from", fmt.Sprintf("%s, %.2f MB, sha256 %s…", o.File, float64(o.Bytes)/1e6, o.Digest.Short()))
	}
	fact("url", e.Origin.URL)
	fact("licence", e.Origin.Licence)
	if n := len(e.Labels); n > 0 {
		fact("classes", fmt.Sprintf("%d that it was trained with: %s, …", n, strings.Join(e.Labels[:min(3, n)], ", ")))
	}
	for _, note := range e.Notes {
		fact("note", note)
	}
	for _, check := range e.Checks {
		fact("checked", check)
	}
	fact("file", e.Path)
	_, err := io.WriteString(w, facts.Render()+"\n\n")
	return err
}
