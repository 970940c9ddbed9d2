package main

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// oftenHandler lets one line a second through of each message and task, and says
// with the next how many were left out. Errors always pass.
type oftenHandler struct {
	slog.Handler
	said *said
}

// said is what was logged lately, shared by the handlers made of one.
type said struct {
	mu  sync.Mutex
	now func() time.Time
	all map[saidKey]*saidLine
}

type saidKey struct{ message, task string }

type saidLine struct {
	at   time.Time
	left int // lines left out since
}

const (
	saidEvery = time.Second
	saidMost  = 1000 // keys kept; messages are few, tasks are bounded by the configuration
)

func newOftenHandler(h slog.Handler) *oftenHandler {
	return &oftenHandler{h, &said{now: time.Now, all: map[saidKey]*saidLine{}}}
}

// Handle implements slog.Handler.
func (h *oftenHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelError {
		key := saidKey{message: r.Message}
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "task" {
				key.task = a.Value.String()
			}
			return true
		})
		left, say := h.said.note(key)
		if !say {
			return nil
		}
		if left > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("left_out", left))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// note counts a line, and says whether it is to be logged and how many were not.
func (s *said) note(key saidKey) (left int, say bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	at := s.all[key]
	if at == nil {
		if len(s.all) >= saidMost {
			clear(s.all)
		}
		at = &saidLine{}
		s.all[key] = at
	}
	if !at.at.IsZero() && now.Sub(at.at) < saidEvery {
		at.left++
		return 0, false
	}
	left = at.left
	at.at, at.left = now, 0
	return left, true
}

// WithAttrs implements slog.Handler.
func (h *oftenHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &oftenHandler{h.Handler.WithAttrs(attrs), h.said}
}

// WithGroup implements slog.Handler.
func (h *oftenHandler) WithGroup(name string) slog.Handler {
	return &oftenHandler{h.Handler.WithGroup(name), h.said}
}
