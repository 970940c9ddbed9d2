package main

import (
	"io"
	"log/slog"

	"github.com/edge-adapt/edge/runtime/config"
)

// newLog writes what the daemon says to w: text on a terminal, JSON for
// machines; no more than a line a second of one kind. systemd's journal has the time
// of each line already.
func newLog(w io.Writer, c config.Log, level *slog.LevelVar, quiet, journal bool) *slog.Logger {
	level.Set(c.SlogLevel())
	if quiet {
		level.Set(max(c.SlogLevel(), slog.LevelWarn))
	}
	_, onTerminal := terminal(w)
	asText := c.Format == "text" || c.Format == "auto" && onTerminal
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch {
		case a.Key == slog.TimeKey && journal:
			return slog.Attr{}
		case a.Key == slog.TimeKey && asText && onTerminal:
			a.Value = slog.StringValue(a.Value.Time().Format("15:04:05"))
		}
		return a
	}}
	var h slog.Handler = slog.NewJSONHandler(w, o)
	if asText {
		h = slog.NewTextHandler(w, o)
	}
	return slog.New(newOftenHandler(h))
}
