package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/models"
)

// app is one invocation: where it reads and prints, and the flags that every
// command has.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	store string
	task  string
	json  bool
	seed  uint64
	quiet bool
}

// run parses args, runs the command and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return a.fail(ctx, root.ExecuteContext(ctx))
}

// command is the whole tree of commands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "edge",
		Short: "Adapt image classifiers on the device that runs them",
		Long: `edge trains a small classifier on your own labelled photos, on the device that
runs it. A frozen base turns an image into features; only the head that maps
features to your classes is trained, in seconds.

Exit codes: 0 done; 1 something failed; 2 wrong usage; 3 the input (images,
model or stored generation) cannot be used; 130 interrupted.`,
		Example: `  edge adapt --dir ./samples          train a head on a folder per class
  edge classify photo.jpg             what is it?
  edge eval --dir ./more              how good is it on other photos?
  edge run --source /dev/video0       watch a camera, tell what changes`,
		Args:          usageArgs(cobra.NoArgs),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%s: %w", cmd.CommandPath(), err), cmd.CommandPath()}
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.store, "store", "", "folder of the store (default "+shown(defaultStore())+")")
	flags.StringVar(&a.task, "task", "default", "name of the classification task")
	flags.BoolVar(&a.json, "json", false, "print JSON: one object, or one line an item")
	flags.Uint64Var(&a.seed, "seed", 1, "seed of everything random")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only, no progress")
	root.AddCommand(
		a.adaptCommand(), a.classifyCommand(), a.evalCommand(), a.modelsCommand(),
		a.updateCommand(), a.runCommand(), a.statusCommand(), a.topCommand(), a.historyCommand(), a.configCommand(), a.tokenCommand(),
		a.cameraCommand(), a.fleetCommand(), a.finetuneCommand(), a.publishCommand(), a.baseCommand(), a.exportCommand(), a.bundleCommand(), a.unbundleCommand(), a.importCommand(), a.benchCommand(), a.manCommand(), a.versionCommand(),
	)
	return root
}

func defaultStore() string { return filepath.Join(xdg.DataHome, "edge", "store") }

func cacheDir() string { return filepath.Join(xdg.CacheHome, "edge") }

// shown is a path as a person writes it, so that help is the same for everyone.
func shown(path string) string {
	if rel, err := filepath.Rel(xdg.Home, path); err == nil && filepath.IsLocal(rel) {
		return filepath.Join("~", rel)
	}
	return path
}

// openStore opens the store that the flags name.
func (a *app) openStore() (*models.Store, error) {
	dir := a.store
	if dir == "" {
		dir = defaultStore()
	}
	return models.Open(dir)
}

// print writes v as one line of JSON to standard output.
func (a *app) print(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// warn tells the person something that does not stop the work.
func (a *app) warn(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, "edge: "+format+"\n", args...)
	}
}

// goOnWithout says that what failed is done without, such as a cache.
func (a *app) goOnWithout(err error) { a.warn("%v; going on without it", err) }

// terminal reports whether w is a terminal, and how many columns it has.
func terminal(w io.Writer) (columns int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 80, false
	}
	if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
		return columns, true
	}
	return 80, true
}

// textOptions is what w can show of a report.
func textOptions(w io.Writer) report.TextOptions {
	if f, ok := w.(*os.File); ok {
		return report.Terminal(f)
	}
	return report.TextOptions{}
}
