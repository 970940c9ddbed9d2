package main

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/sink"
)

// sinks keeps the runtime's sinks as the configuration has them.
type sinks struct {
	rt  *runtime.Runtime
	log *slog.Logger
	now map[string]any // settings by name of the sink
}

// set makes the sinks what e says. Those whose settings are the same go on. On an
// error the rest is as e says all the same.
func (s *sinks) set(e config.Events) error {
	wanted := sinkSettings(e)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.now)) {
		if !reflect.DeepEqual(s.now[name], wanted[name]) {
			errs = append(errs, s.rt.RemoveSink(name))
			delete(s.now, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if s.now[name] != nil {
			continue
		}
		made, err := s.make(wanted[name])
		if err == nil {
			err = s.rt.AddSink(name, made)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("events to %s: %w", name, err))
			continue
		}
		s.now[name] = wanted[name]
	}
	return errors.Join(errs...)
}

// sinkSettings are the sinks that e asks for, by the name that metrics have.
func sinkSettings(e config.Events) map[string]any {
	all := map[string]any{}
	if e.JSONL.Path != "" {
		all["jsonl"] = e.JSONL
	}
	if e.History.Path != "" {
		all["history"] = e.History
	}
	for name, w := range e.Webhooks {
		all["webhook "+name] = w
	}
	return all
}

// make makes a sink of its settings.
func (s *sinks) make(settings any) (runtime.Sink, error) {
	switch c := settings.(type) {
	case config.JSONL:
		return sink.NewJSONLines(sink.JSONLinesOptions{Path: c.Path, MaxSize: int64(c.MaxSize), Keep: c.Keep, MaxAge: c.MaxAge.D()})
	case config.History:
		warn := func(err error) { s.log.Warn(err.Error(), "hint", hint.Of(err)) }
		return sink.NewHistory(sink.HistoryOptions{Path: c.Path, MaxAge: c.MaxAge.D(), MaxRows: c.MaxRows, Warn: warn})
	case config.Webhook:
		return newWebhook(c)
	}
	panic(fmt.Sprintf("a sink of %T", settings))
}

func newWebhook(c config.Webhook) (runtime.Sink, error) {
	o := sink.WebhookOptions{URL: c.URL, Timeout: c.Timeout.D(), GiveUp: c.GiveUp.D(), Agent: "edge/" + version}
	var err error
	if c.Secret != "" {
		if o.Key, err = sink.ParseKey(string(c.Secret)); err != nil {
			return nil, err
		}
	}
	if c.CAFile != "" {
		if o.CA, err = os.ReadFile(c.CAFile); err != nil {
			return nil, err
		}
	}
	w, err := sink.NewWebhook(o)
	if err != nil {
		return nil, err
	}
	var kinds []runtime.Kind
	for _, k := range c.Kinds {
		kinds = append(kinds, runtime.Kind(k))
	}
	return &sink.Filter{Sink: w, Kinds: kinds, Tasks: c.Tasks}, nil
}
