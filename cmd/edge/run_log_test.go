package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/runtime/config"
)

func TestLogSaysLittle(t *testing.T) {
	var out bytes.Buffer
	h := newOftenHandler(slog.NewTextHandler(&out, nil))
	now := time.Unix(1000, 0)
	h.said.now = func() time.Time { return now }
	log := slog.New(h)
	for range 100 {
		log.With("x", 1).Warn("flaps", "task", "a")
		log.Warn("flaps", "task", "b")
		now = now.Add(time.Millisecond)
	}
	now = now.Add(time.Second)
	log.Warn("flaps", "task", "a")
	log.Error("breaks")
	log.Error("breaks")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 || !strings.Contains(lines[2], "left_out=99") || strings.Contains(lines[0], "left_out") {
		t.Errorf("logged\n%s", out.String())
	}
}

// Text that is never the same twice does not fill the memory.
func TestLogForgets(t *testing.T) {
	h := newOftenHandler(slog.DiscardHandler)
	log := slog.New(h)
	for i := range 3 * saidMost {
		log.Info(strings.Repeat("x", i))
	}
	if len(h.said.all) > saidMost {
		t.Errorf("%d lines are remembered", len(h.said.all))
	}
}

func TestLogFormat(t *testing.T) {
	for _, c := range []struct {
		config  config.Log
		quiet   bool
		journal bool
		text    bool
		level   slog.Level
	}{
		{config.Log{Level: "info", Format: "auto"}, false, false, false, slog.LevelInfo}, // a buffer is no terminal
		{config.Log{Level: "debug", Format: "text"}, false, false, true, slog.LevelDebug},
		{config.Log{Level: "info", Format: "json"}, true, false, false, slog.LevelWarn},
		{config.Log{Level: "error", Format: "json"}, true, true, false, slog.LevelError},
	} {
		var out bytes.Buffer
		var level slog.LevelVar
		log := newLog(&out, c.config, &level, c.quiet, c.journal)
		log.Log(t.Context(), c.level-1, "no")
		log.Log(t.Context(), c.level, "yes", "time", 1)
		line := strings.TrimSpace(out.String())
		if strings.Contains(line, "no") || !strings.Contains(line, "yes") {
			t.Errorf("%+v logs %q", c, line)
		}
		if json.Valid([]byte(line)) == c.text {
			t.Errorf("%+v logs %q", c, line)
		}
		if c.journal && strings.Contains(line, `"time":"`) {
			t.Errorf("%+v tells the journal the time: %q", c, line)
		}
	}
}
