package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/base/catalogue"
)

// basePullFlags are the flags of `edge base pull`.
type basePullFlags struct {
	mirror    string
	catalogue string
	options   catalogue.Options
}

func (a *app) basePullCommand() *cobra.Command {
	f := &basePullFlags{}
	cmd := &cobra.Command{
		Use:   "pull [NAME]",
		Short: "Download a base from the catalogue",
		Long: `Download a base from the catalogue, and import it. Without NAME: say what is in the
catalogue.

The catalogue names each file's length and digest, so it does not matter who sends
it: nothing is kept of a file that is another one. A download that is interrupted
goes on with the same command. Then the base is imported as "edge base import" does
it, in a child process first.

Without a network, or where the addresses are not reached, --mirror names a folder
or an address that has the files by their names.`,
		Example: `  edge base pull
  edge base pull mobilenet_v1_0.25_224
  edge base pull mobilenet_v1_0.25_224 --input 128 --name small
  edge base pull mobilenet_v1_0.25_224 --mirror /media/stick`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := f.open()
			if err != nil {
				return device.InputError{Err: err}
			}
			if len(args) == 0 {
				return a.printCatalogue(c)
			}
			return a.pullBase(cmd, f, c, args[0])
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.mirror, "mirror", "", "folder, or `address` of one, that has the catalogue's files by their names")
	flags.StringVar(&f.catalogue, "catalogue", "", "another catalogue, a YAML or JSON `file`")
	flags.StringVar(&f.options.Name, "name", "", "name of the base; default: that in the catalogue")
	flags.IntVar(&f.options.Input, "input", 0, "side of the input in `pixels`; 0: as the catalogue says")
	flags.BoolVar(&f.options.Replace, "force", false, "replace a base of the same name")
	return cmd
}

// open reads the catalogue that the flags name.
func (f *basePullFlags) open() (*catalogue.Catalogue, error) {
	if f.catalogue == "" {
		return catalogue.Embedded()
	}
	return catalogue.Read(f.catalogue)
}

// pullBase downloads and imports one base.
func (a *app) pullBase(cmd *cobra.Command, f *basePullFlags, c *catalogue.Catalogue, name string) error {
	if isEmbedded(name) {
		a.warn("%s comes with edge: there is nothing to download", name)
		return nil
	}
	e, err := c.Find(name)
	if err != nil {
		return device.InputError{Err: err}
	}
	library, err := a.openLibrary()
	if err != nil {
		return err
	}
	bar := newProgress(a.stderr, a.quiet)
	defer bar.close()
	p := catalogue.Puller{
		Library: library, Dir: filepath.Join(cacheDir(), "downloads"), Mirror: f.mirror, UserAgent: "edge/" + version,
		Progress: func(done, total int64) { bar.update("download", e.File+", KiB", kib(done), kib(total)) },
	}
	got, err := p.Pull(cmd.Context(), e, f.options)
	bar.close()
	if err != nil {
		return device.InputOr(err)
	}
	return a.printNewEntry(got)
}

// kib rounds up, so that a file of some bytes is not one of none.
func kib(bytes int64) int { return int((bytes + 1023) / 1024) }

// printCatalogue writes what can be pulled; with --json a line a base.
func (a *app) printCatalogue(c *catalogue.Catalogue) error {
	if a.json {
		for _, e := range c.Bases {
			if err := a.print(e); err != nil {
				return err
			}
		}
		return nil
	}
	t := newTable("name", "input", "MB", "licence", "")
	for _, e := range c.Bases {
		t.AppendRow([]any{e.Name, fmt.Sprintf("%dx%d", e.Input, e.Input), fmt.Sprintf("%.2f", float64(e.Bytes)/1e6), e.Licence, e.Note})
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n\nEdge brings along: %s. Any other model file: edge base import FILE\n", t.Render(), strings.Join(base.Embedded(), ", "))
	return err
}
