package receiver

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/fleet/records"
)

// HaltFunc halts the roll-out of a release on a channel. It is called again after an
// error, so it does nothing if the roll-out is halted already; nor does it fail for a
// release that the channel no longer holds, which nobody takes any more.
type HaltFunc func(ctx context.Context, channel string, release int, reason string) error

// How often the rule is looked at when nothing calls for it, at least how long between
// two looks, and how long one halt may take.
const (
	lookEvery = time.Minute
	lookLeast = time.Second
	haltLimit = 5 * time.Minute
)

// halter looks at the rates of rollbacks and halts what breaks the rule. One goroutine
// runs it.
type halter struct {
	records *records.Records
	rule    Rule
	halt    HaltFunc
	log     *slog.Logger
	now     func() time.Time
	wake    chan struct{} // holds one token: there were rollbacks
	every   time.Duration

	mu   sync.Mutex
	over map[release]Over
}

type release struct {
	channel string
	number  int
}

// Over is a release that breaks the rule and whose roll-out is not halted yet.
type Over struct {
	Channel   string    `json:"channel"`
	Release   int       `json:"release"`
	Devices   int       `json:"devices"`
	Rollbacks int       `json:"rollbacks"`
	Since     time.Time `json:"since"`
	// Problem is why it could not be halted.
	Problem string `json:"problem"`
}

func newHalter(r *records.Records, rule Rule, halt HaltFunc, log *slog.Logger, now func() time.Time) *halter {
	return &halter{records: r, rule: rule, halt: halt, log: log, now: now, wake: make(chan struct{}, 1), every: lookEvery, over: map[release]Over{}}
}

// soon has the rule looked at soon.
func (h *halter) soon() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// run looks until ctx ends.
func (h *halter) run(ctx context.Context) {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		if err := h.look(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("rates of rollbacks could not be read; roll-outs are not watched until they can", "error", err)
		}
		pause.Reset(lookLeast)
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-tick.C:
		}
	}
}

// look halts what breaks the rule now.
func (h *halter) look(ctx context.Context) error {
	rates, err := h.records.Rates(ctx)
	if err != nil {
		return err
	}
	rates = slices.DeleteFunc(rates, func(rate records.Rate) bool { return !h.rule.Over(rate) })
	h.mu.Lock()
	for which := range h.over {
		if !slices.ContainsFunc(rates, func(rate records.Rate) bool { return (release{rate.Channel, rate.Release}) == which }) {
			delete(h.over, which)
		}
	}
	h.mu.Unlock()
	for _, rate := range rates {
		h.stop(ctx, rate)
	}
	return nil
}

// stop halts one roll-out, or remembers why it could not be.
func (h *halter) stop(ctx context.Context, rate records.Rate) {
	which, reason := release{rate.Channel, rate.Release}, h.rule.reason(rate)
	err := errNobodyHalts
	if h.halt != nil {
		limited, cancel := context.WithTimeout(ctx, haltLimit)
		err = h.halt(limited, rate.Channel, rate.Release, reason)
		cancel()
	}
	if err == nil {
		err = h.records.AddHalt(ctx, records.Halt{Channel: rate.Channel, Release: rate.Release, When: h.now(), Reason: reason, Devices: rate.Devices, Rollbacks: rate.Rollbacks})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	before, known := h.over[which]
	if err == nil {
		delete(h.over, which)
		h.log.Warn("a roll-out was halted", "channel", rate.Channel, "release", rate.Release, "reason", reason)
		return
	}
	if ctx.Err() != nil {
		return
	}
	o := Over{Channel: rate.Channel, Release: rate.Release, Devices: rate.Devices, Rollbacks: rate.Rollbacks, Since: h.now().UTC(), Problem: err.Error()}
	if known {
		o.Since = before.Since
	}
	if !known || before.Problem != o.Problem {
		h.log.Error("a roll-out should be halted, and could not be", "channel", rate.Channel, "release", rate.Release, "reason", reason, "error", err, "hint", hint.Of(err))
	}
	h.over[which] = o
}

var errNobodyHalts = hint.Wrap(errors.New("this receiver was given no repository to halt it in"),
	"halt it by hand: edge publish halt; or start the receiver with --repository")

// list returns what breaks the rule and is not halted, the newest release first.
func (h *halter) list() []Over {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := []Over{}
	for _, o := range h.over {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b Over) int {
		return cmp.Or(cmp.Compare(b.Release, a.Release), cmp.Compare(a.Channel, b.Channel))
	})
	return all
}
