package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/runtime/config"
)

// configFlags choose a configuration and change settings of it. `edge run` and
// `edge config` have the same.
type configFlags struct {
	file     string
	source   string
	samples  string
	listen   []string
	logLevel string
	logAs    string
	insecure bool
	set      []string
}

func (f *configFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.file, "config", "", "YAML file; see docs/edge.yaml (default $EDGE_CONFIG, else none)")
	flags.StringVar(&f.source, "source", "", "what the task watches: /dev/video0, csi://0, rtsp://…, http://…, file://DIR, test://")
	flags.StringVar(&f.samples, "samples", "", "folder of the task's labelled images, for adapting")
	flags.StringArrayVar(&f.listen, "listen", nil, "address of the API, several times for several: host:port or unix:/path (default 127.0.0.1:8080 and unix:)")
	flags.BoolVar(&f.insecure, "insecure", false, "serve beyond this machine without tokens: everybody may do everything")
	flags.StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error (default info)")
	flags.StringVar(&f.logAs, "log-format", "", "auto, text or json (default auto: text on a terminal)")
	flags.StringArrayVar(&f.set, "set", nil, "KEY=VALUE: any other setting, such as tasks.front.crop.width=50%")
	cobra.CheckErr(cmd.MarkFlagFilename("config", "yaml", "yml"))
	cobra.CheckErr(cmd.MarkFlagDirname("samples"))
}

// input is what the configuration is made of: the file, the variables and the
// flags that were given.
func (a *app) configInput(cmd *cobra.Command, f *configFlags) (config.Input, error) {
	in := config.Input{File: f.file, Environ: os.Environ()}
	if cmd.Flags().Changed("task") {
		in.Tasks = []string{a.task}
	}
	if in.File == "" {
		in.File = os.Getenv("EDGE_CONFIG")
	}
	add := func(flag, key, value string) {
		if cmd.Flags().Changed(flag) {
			in.Settings = append(in.Settings, config.Setting{Key: key, Value: value, From: "--" + flag})
		}
	}
	add("store", "store", a.store)
	add("source", "tasks."+a.task+".source", f.source)
	add("samples", "tasks."+a.task+".samples", f.samples)
	add("listen", "listen", strings.Join(f.listen, ","))
	add("insecure", "insecure", strconv.FormatBool(f.insecure))
	add("log-level", "log.level", f.logLevel)
	add("log-format", "log.format", f.logAs)
	for _, s := range f.set {
		key, value, ok := strings.Cut(s, "=")
		if !ok {
			return in, usageError{fmt.Errorf("--set %q: want KEY=VALUE", s), cmd.CommandPath()}
		}
		in.Settings = append(in.Settings, config.Setting{Key: key, Value: value, From: "--set"})
	}
	return in, nil
}

// loadConfig loads the configuration and says what it warns of.
func (a *app) loadConfig(in config.Input) (*config.Loaded, error) {
	l, err := config.Load(in)
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	for _, w := range l.Warnings {
		a.warn("%s", w)
	}
	return l, nil
}

// storeOf is the folder of the store that c names.
func storeOf(c config.Config) (string, error) {
	if c.Store == "" {
		return defaultStore(), nil
	}
	return filepath.Abs(c.Store)
}

// tokensOf is the file of tokens that c names.
func tokensOf(c config.Config, store string) string {
	if c.TokenFile != "" {
		return c.TokenFile
	}
	return defaultTokens(store)
}

// defaultTokens is where tokens are kept when nobody says otherwise.
func defaultTokens(store string) string { return filepath.Join(filepath.Dir(store), "tokens.json") }

func (a *app) runCommand() *cobra.Command {
	f := &configFlags{}
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Watch cameras, answer requests, tell what changes",
		Long: `Run until stopped: watch the tasks' cameras, answer requests over HTTP, send
events, take new generations as they come, and adapt when asked to.

Settings come from a YAML file, from variables EDGE_… and from flags, each over
the one before; docs/edge.yaml has them all. Without any, the tasks of the store
are served on 127.0.0.1:8080. A changed file and SIGHUP are taken without losing a
frame; a file that is wrong is refused and changes nothing.

SIGINT and SIGTERM finish what is in flight, a second one ends at once.`,
		Example: `  edge run --source /dev/video0
  edge run --source test://?rate=5 --task lamps --listen 127.0.0.1:9000
  edge run --config /etc/edge/edge.yaml`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := a.configInput(cmd, f)
			if err != nil {
				return err
			}
			loaded, err := a.loadConfig(in)
			if err != nil {
				return err
			}
			if err := a.runDaemon(cmd.Context(), in, loaded); err != nil && !errors.Is(err, cmd.Context().Err()) {
				return err
			}
			return nil
		},
	}
	f.register(cmd)
	return cmd
}
