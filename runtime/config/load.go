package config

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
)

// Input is what a configuration is made of, in rising precedence.
type Input struct {
	File     string    // path of the YAML file; "": none
	Environ  []string  // as os.Environ
	Settings []Setting // flags
	// Tasks are names that flags give, "--task": tasks that must be there.
	Tasks []string
}

// Loaded is a configuration with the origin of each of its values.
type Loaded struct {
	Config
	// Origins says where the settings were made that are not the default's:
	// "edge.yaml:12", "EDGE_LISTEN", "--listen"; by key.
	Origins map[string]string
	// Warnings are for people; nothing is wrong enough to stop.
	Warnings []string
	// Files are the files that were read, made absolute: the configuration's and
	// those it takes secrets from. A change of one may change the configuration.
	Files []string
}

// Load reads, merges and validates. The error is a Problems that says all that
// is wrong at once, or says why the file cannot be read.
//
// Relative paths in the file are relative to the file's folder; those of
// variables and flags to the working folder.
func Load(in Input) (*Loaded, error) {
	var data []byte
	if in.File != "" {
		var err error
		if data, err = readSmall(in.File, maxFile); err != nil {
			return nil, hint.Wrap(fmt.Errorf("configuration: %w", err), "name a YAML file: edge run --config FILE; docs/edge.yaml has every key")
		}
	}
	return load(in, data)
}

func load(in Input, data []byte) (*Loaded, error) {
	l := &Loaded{Config: Default(), Origins: map[string]string{}}
	r := &reader{file: filepath.Base(in.File), origins: l.Origins}
	if in.File != "" {
		r.read(data, &l.Config)
		l.Files = append(l.Files, absolute(in.File))
	}
	o := &over{config: &l.Config, origins: l.Origins, problems: r.problems}
	o.environment(in.Environ)
	o.name(in.Tasks)
	o.settings(in.Settings)
	l.Warnings = o.warnings
	problems := o.problems
	if len(problems) == 0 {
		l.place(filepath.Dir(absolute(in.File)))
		problems = append(problems, l.secrets()...)
		problems = append(problems, l.validate()...)
	}
	if len(problems) > 0 {
		for i, p := range problems {
			if p.Where == "" {
				problems[i].Where = l.origin(p.Key)
			}
		}
		return nil, hint.Wrap(problems, "docs/edge.yaml has every key with what it does; edge config check says whether a file is right")
	}
	return l, nil
}

// TasksNamed reports whether anybody named a task: otherwise the one of Default
// is there for want of another.
func (l *Loaded) TasksNamed() bool {
	for key := range l.Origins {
		if strings.HasPrefix(key, "tasks.") {
			return true
		}
	}
	return false
}

// origin is where key, or the nearest group around it, was set; "" for the
// default.
func (l *Loaded) origin(key string) string {
	for key != "" {
		if from, ok := l.Origins[key]; ok {
			return from
		}
		key = key[:max(0, strings.LastIndex(key, "."))]
	}
	return ""
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// place makes the paths that the file gives relative to its folder.
func (l *Loaded) place(dir string) {
	at := func(key string, path *string) {
		if *path != "" && !filepath.IsAbs(*path) && strings.Contains(l.Origins[key], ":") {
			*path = filepath.Join(dir, *path)
		}
	}
	at("store", &l.Store)
	at("token_file", &l.TokenFile)
	at("tls.cert", &l.TLS.Cert)
	at("tls.key", &l.TLS.Key)
	at("events.jsonl.path", &l.Events.JSONL.Path)
	at("events.history.path", &l.Events.History.Path)
	at("update.folder", &l.Update.Folder)
	at("update.nudge.password_file", &l.Update.Nudge.PasswordFile)
	at("update.nudge.ca_file", &l.Update.Nudge.CAFile)
	at("update.nudge.cert_file", &l.Update.Nudge.CertFile)
	at("update.nudge.key_file", &l.Update.Nudge.KeyFile)
	at("report.token_file", &l.Report.TokenFile)
	at("report.ca_file", &l.Report.CAFile)
	at("report.cert_file", &l.Report.CertFile)
	at("report.key_file", &l.Report.KeyFile)
	for name, t := range l.Tasks {
		at("tasks."+name+".samples", &t.Samples)
		at("tasks."+name+".source_file", &t.SourceFile)
		l.Tasks[name] = t
	}
	for name, w := range l.Events.Webhooks {
		at("events.webhooks."+name+".secret_file", &w.SecretFile)
		at("events.webhooks."+name+".ca_file", &w.CAFile)
		l.Events.Webhooks[name] = w
	}
}

// secrets reads the files that hold what the YAML must not.
func (l *Loaded) secrets() Problems {
	var problems Problems
	read := func(key, path string, into *string) {
		if *into != "" {
			problems = append(problems, Problem{Key: key + "_file", Reason: "and " + key + " are both set; want one"})
			return
		}
		l.Files = append(l.Files, absolute(path))
		data, err := readSmall(path, maxSecret)
		text := strings.TrimSpace(string(data))
		switch {
		case err != nil:
			problems = append(problems, Problem{Key: key + "_file", Reason: err.Error()})
		case text == "" || strings.ContainsAny(text, "\n\r\x00"):
			problems = append(problems, Problem{Key: key + "_file", Reason: path + " does not hold one line of text"})
		}
		*into = text
	}
	for _, name := range l.Names() {
		if t := l.Tasks[name]; t.SourceFile != "" {
			read("tasks."+name+".source", t.SourceFile, &t.Source)
			l.Tasks[name] = t
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Events.Webhooks)) {
		if w := l.Events.Webhooks[name]; w.SecretFile != "" {
			secret := string(w.Secret)
			read("events.webhooks."+name+".secret", w.SecretFile, &secret)
			w.Secret = Secret(secret)
			l.Events.Webhooks[name] = w
		}
	}
	return problems
}

// readSmall reads a whole file of at most limit bytes. Named pipes and devices
// are refused, so that no file makes the daemon wait.
func readSmall(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d KiB", path, limit>>10)
	}
	return data, nil
}
