package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/export"
)

// exportFormat is one of the forms in which `edge export` gives a generation away.
type exportFormat struct {
	name string // as --format takes it
	what string // for the help, in a line

	// write writes e.out, checked against e.classifier where edge can run it, and
	// returns what is worth saying. It leaves nothing behind when it fails.
	write func(ctx context.Context, e *exporting) (exported, error)
}

// exportFormats are all formats, the default first. Each has a file of its own.
func exportFormats() []exportFormat {
	return append([]exportFormat{exportTFLite(), exportFrigate(), exportONNX()}, trainerExportFormats()...)
}

// exporting is one run of `edge export`.
type exporting struct {
	out   string // a file or a folder, as the format has it
	force bool   // replace what is there

	model      *export.Classifier // what is given away
	classifier *classifier        // the same, running in edge, to compare with
}

// exported is what a format has to say.
type exported struct {
	Files []exportedFile `json:"files"`
	Input string         `json:"input"` // what is fed, in words
	Head  string         `json:"head"`  // how it computes, in words
	Notes []string       `json:"notes"` // what differs from edge
}

// exportedFile is a file that was written.
type exportedFile struct {
	Path   string        `json:"path"`
	Bytes  int           `json:"bytes"`
	Digest digest.Digest `json:"digest"`
}

func newExportedFile(path string, data []byte) exportedFile {
	return exportedFile{path, len(data), digest.Of(data)}
}

// exportFlags are the flags of `edge export`.
type exportFlags struct {
	format, out   string
	generation    int
	force         bool
	noCalibration bool
}

func (a *app) exportCommand() *cobra.Command {
	var f exportFlags
	var base baseFlags
	formats := exportFormats()
	names := make([]string, len(formats))
	var list strings.Builder
	for i, x := range formats {
		names[i] = x.name
		fmt.Fprintf(&list, "  %-12s%s\n", x.name, x.what)
	}
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write a generation as a model that runs without edge",
		Long: `Write a generation, base and head in one, in a form that other programs run:

` + list.String() + `
Scores are those of edge classify; each export is compared with them before it
gets its name, where edge can run it. That a picture shows none of the classes
is something that only edge can say.`,
		Example: `  edge export --out lamps.tflite --task lamps
  edge export --format frigate --out lamps/ --task lamps`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			base.noCache = true
			for _, x := range formats {
				if x.name == f.format {
					if f.out == "" {
						return usageError{errors.New("--out is missing: the file or folder to write"), cmd.CommandPath()}
					}
					return a.export(cmd.Context(), x, f, base)
				}
			}
			return usageError{fmt.Errorf("--format %q: want one of %s", f.format, strings.Join(names, ", ")), cmd.CommandPath()}
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", names[0], "form to write: "+strings.Join(names, ", "))
	flags.StringVarP(&f.out, "out", "o", "", "file or folder to write")
	flags.IntVar(&f.generation, "generation", 0, "generation to export; 0: the one in use")
	flags.BoolVar(&f.force, "force", false, "replace what is there")
	flags.BoolVar(&f.noCalibration, "no-calibration", false, "export the head's own scores, as edge classify --no-calibration prints")
	return cmd
}

// export writes a generation in the format x and says what it wrote.
func (a *app) export(ctx context.Context, x exportFormat, f exportFlags, base baseFlags) error {
	c, err := a.openClassifier(ctx, f.generation, base)
	if err != nil {
		return err
	}
	defer c.close()
	if f.noCalibration {
		c.calibration = nil
	}
	m, err := export.Open(ctx, c.generation, export.Options{NoCalibration: f.noCalibration})
	if err != nil {
		return device.InputError{Err: err}
	}
	done, err := x.write(ctx, &exporting{out: f.out, force: f.force, model: m, classifier: c})
	if err != nil {
		return err
	}
	if m.Calibrated {
		done.Notes = append(done.Notes, "The scores are calibrated.")
	}
	if m.Unknowns {
		done.Notes = append(done.Notes, "It names a class for whatever it is shown: unknown pictures are told by edge alone.")
	}
	return a.printExported(x, m, done)
}

func (a *app) printExported(x exportFormat, m *export.Classifier, done exported) error {
	if a.json {
		return a.print(struct {
			Format     string   `json:"format"`
			Task       string   `json:"task"`
			Generation int      `json:"generation"`
			Base       string   `json:"base"`
			Labels     []string `json:"labels"`
			Calibrated bool     `json:"calibrated"`
			exported
		}{x.name, m.Task, m.Generation, m.BaseName, m.Labels, m.Calibrated, done})
	}
	t := newTable()
	fact := func(name, value string) { t.AppendRow([]any{name, value}) }
	fact("task", fmt.Sprintf("%s, generation %d, base %s", m.Task, m.Generation, m.BaseName))
	fact("labels", fmt.Sprintf("%d: %s", len(m.Labels), some(m.Labels, 12)))
	fact("input", done.Input)
	fact("head", done.Head)
	for _, file := range done.Files {
		fact("file", fmt.Sprintf("%s  %s  %s", file.Path, sizeText(int64(file.Bytes)), file.Digest.Short()))
	}
	for _, note := range done.Notes {
		fact("note", note)
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

// free reports an error if something that may not be replaced is at path.
func (e *exporting) free(path string) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && e.force:
		return nil
	case err != nil:
		return err
	}
	return hint.Wrap(fmt.Errorf("%s is there already", path), "give another --out, or replace it with --force")
}
