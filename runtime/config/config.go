// Package config is the daemon's configuration: one YAML file, over it
// variables named EDGE_…, over them flags.
//
// Every key has one name in all three places: tasks.front.adapt.cores in YAML,
// EDGE_TASKS_FRONT_ADAPT_CORES as a variable, --set tasks.front.adapt.cores=2 as
// a flag. A key that does not exist is an error that names the nearest one. Each
// setting remembers where it came from, and each error says it.
//
// Secrets have no place in the YAML: they come from files that it names, or from
// variables.
package config

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Config is everything that `edge run` can be told. The key tags are the names
// in YAML; docs/edge.yaml says what each does.
type Config struct {
	Store     string   `key:"store"`
	Listen    []string `key:"listen"`
	TLS       TLS      `key:"tls"`
	TokenFile string   `key:"token_file"`
	Insecure  bool     `key:"insecure"`
	Hosts     []string `key:"hosts"`
	Limits    Limits   `key:"limits"`
	Log       Log      `key:"log"`
	Workers   int      `key:"workers"`
	Threads   int      `key:"threads"`
	Memory    Memory   `key:"memory"`
	Poll      Duration `key:"poll"`
	Grace     Duration `key:"grace"`
	Pprof     bool     `key:"pprof"`
	// Tasks is by name. A file or variable that names any replaces the one of
	// Default.
	Tasks  map[string]Task `key:"tasks"`
	Events Events          `key:"events"`
	GC     GC              `key:"gc"`
	Update Update          `key:"update"`
	Report Report          `key:"report"`
}

// TLS is how the addresses of the network are encrypted; unix sockets never are.
type TLS struct {
	Cert     string `key:"cert"` // PEM files
	Key      string `key:"key"`
	SelfMade bool   `key:"self_made"` // make a certificate, keep it beside the store
}

// Limits are what clients of the API may ask for.
type Limits struct {
	Body     Size    `key:"body"`     // of one request
	Memory   Size    `key:"memory"`   // of all bodies together
	Pictures int     `key:"pictures"` // in one request
	Requests int     `key:"requests"` // at once
	Rate     float64 `key:"rate"`     // requests a second of one client beyond this machine
	Burst    int     `key:"burst"`    // of these, at once
}

// On reports whether connections are encrypted.
func (t TLS) On() bool { return t.SelfMade || t.Cert != "" }

// Log is what the daemon says of itself.
type Log struct {
	Level  string `key:"level"`  // debug, info, warn, error
	Format string `key:"format"` // auto, text, json
}

// SlogLevel is the level as slog has it; the text has been validated.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// Default is what holds where nothing is said: docs/edge.yaml, in Go.
func Default() Config {
	return Config{
		Listen: []string{"127.0.0.1:8080", "unix:"},
		Hosts:  []string{},
		Limits: Limits{Body: 64 << 20, Memory: 256 << 20, Pictures: 64, Requests: 256, Rate: 200, Burst: 400},
		Log:    Log{Level: "info", Format: "auto"},
		Poll:   Duration(2 * time.Second),
		Grace:  Duration(10 * time.Second),
		Tasks:  map[string]Task{DefaultTaskName: DefaultTask()},
		Events: DefaultEvents(),
		GC:     GC{Newest: 10},
		Update: Update{Every: Duration(6 * time.Hour), Apply: true},
		Report: Report{Every: Duration(15 * time.Minute)},
	}
}

// DefaultTaskName names the task of a configuration that names none.
const DefaultTaskName = "default"

// Names returns the tasks' names, sorted.
func (c Config) Names() []string { return slices.Sorted(maps.Keys(c.Tasks)) }

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Key    string `json:"key,omitempty"`   // such as tasks.front.threshold
	Where  string `json:"where,omitempty"` // file:line, variable or flag
	Reason string `json:"reason"`
}

func (p Problem) Error() string {
	text := p.Reason
	if p.Key != "" {
		text = p.Key + ": " + text
	}
	if p.Where != "" {
		text = p.Where + ": " + text
	}
	return text
}

// Problems is the error of a configuration that cannot be used: all that is
// wrong with it at once.
type Problems []Problem

func (p Problems) Error() string {
	switch len(p) {
	case 0:
		return "nothing is wrong"
	case 1:
		return "configuration: " + p[0].Error()
	}
	text := fmt.Sprintf("configuration: %d problems", len(p))
	for _, one := range p {
		text += "\n  " + one.Error()
	}
	return text
}
