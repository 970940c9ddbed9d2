package fleet

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// Reporter sends reports until its context ends. Its fields are not changed while it
// runs.
type Reporter struct {
	Client *Client
	// Make makes the report of this moment.
	Make func(context.Context) (Report, error)
	// Every is how often one is sent, give or take a fifth, so that devices that were
	// switched on together do not report together. Zero: 15 minutes.
	Every time.Duration
	// Soon wakes it: something happened that should be known, such as a rollback. Nil:
	// nothing does. A report goes within moments, but none sooner than a minute, or Every
	// if that is less, after the last.
	Soon <-chan struct{}
	// Log is told of what fails, and when it works again. Nil: nobody.
	Log *slog.Logger
}

// Run sends the first report within a tenth of Every, and then one each Every. After
// a failure the next try comes sooner, then ever later, up to Every; when the
// receiver asks for a pause, after that. It returns when ctx ends. A device that was
// blocked goes on trying, as seldom as it would report.
func (r *Reporter) Run(ctx context.Context) {
	every := r.Every
	if every <= 0 {
		every = 15 * time.Minute
	}
	least := min(time.Minute, every)
	wait := time.Duration(rand.Int64N(int64(every)/10 + 1)) //nolint:gosec // jitter is no secret
	failures := 0
	var last time.Time // never
	for {
		if !r.sleep(ctx, wait, least-time.Since(last), last.IsZero()) {
			return
		}
		last = time.Now()
		err := r.once(ctx)
		if ctx.Err() != nil {
			return
		}
		wait = around(every)
		if err == nil {
			if failures > 0 {
				r.log().Info("reports to the fleet get through again", "failures", failures)
			}
			failures = 0
			continue
		}
		if failures == 0 {
			r.log().Warn("a report to the fleet did not get through", "error", err, "hint", hint.Of(err))
		}
		if failures < 16 {
			failures++
		}
		wait = around(min(every, least<<(failures-1)))
		var no *Refused
		if errors.As(err, &no) {
			wait = max(wait, no.After)
			if no.Code == CodeBlocked {
				wait = around(every)
			}
		}
	}
}

func (r *Reporter) once(ctx context.Context) error {
	report, err := r.Make(ctx)
	if err != nil {
		return err
	}
	return r.Client.Send(ctx, report)
}

// sleep waits for wait, or for Soon and then what is left of least. It reports false
// when ctx has ended.
func (r *Reporter) sleep(ctx context.Context, wait, least time.Duration, first bool) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-r.Soon:
	}
	if first || least <= 0 {
		return true
	}
	timer.Reset(min(wait, least))
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// around returns d, give or take a fifth.
func around(d time.Duration) time.Duration {
	return d - d/5 + time.Duration(rand.Int64N(int64(d)*2/5+1)) //nolint:gosec // jitter is no secret
}

func (r *Reporter) log() *slog.Logger {
	if r.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.Log
}
