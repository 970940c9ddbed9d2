package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-adapt/edge/camera"
)

// beat repeats what holds when a task has been silent for its heartbeat, until
// ctx ends.
func (t *Task) beat(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		every := t.Config().Heartbeat
		if every > 0 {
			timer.Reset(time.Until(t.spokeLast().Add(every)))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return
		case <-t.pokeBeat:
		case <-timer.C:
			// A change may have come while the timer ran.
			if now := time.Now(); every > 0 && now.Sub(t.spokeLast()) >= every {
				t.heartbeat(now)
			}
		}
	}
}

func (t *Task) spokeLast() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.spoke
}

func (t *Task) heartbeat(now time.Time) {
	e := Event{Time: now, Kind: KindHeartbeat, Generation: t.active.generation()}
	t.mu.Lock()
	t.spoke = now
	if d := t.decision; d != nil {
		e.Label, e.Unknown, e.Score = d.Label, d.Unknown, d.Score
	} else {
		e.Message = "nothing was decided yet"
	}
	p := t.pipeline
	t.mu.Unlock()
	if p != nil {
		e.Source = p.source
		if s := p.feed.Stats(); s.State != camera.Running {
			e.Message = fmt.Sprintf("the source is %s since %v", s.State, s.Since.Format(time.RFC3339))
		}
	}
	t.publish(e)
}
