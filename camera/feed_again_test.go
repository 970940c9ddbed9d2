package camera_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/edge-adapt/edge/camera"
)

var errDown = errors.New("connection refused")

// waits lists the waits between tries.
func (r *rig) waits() (waits []time.Duration) {
	for _, c := range r.changes {
		if c.State == camera.Waiting {
			waits = append(waits, c.Wait)
		}
	}
	return waits
}

// A server that is down is asked less and less often, never in step with others.
func TestBackOffDoublesWithChance(t *testing.T) {
	seen := map[time.Duration]bool{}
	for range 5 {
		under(t, func(t *testing.T) {
			r := start(t, camera.FeedOptions{}, func(int) (*fake, error) { return nil, errDown })
			later(10 * time.Minute)
			full := 250 * time.Millisecond
			for i, wait := range r.waits() {
				if wait < full/2 || wait > full {
					t.Errorf("wait %d is %v, want %v to %v", i+1, wait, full/2, full)
				}
				if i+1 < len(r.opened) && r.opened[i+1]-r.opened[i] != wait {
					t.Errorf("try %d came after %v, want %v", i+2, r.opened[i+1]-r.opened[i], wait)
				}
				seen[wait] = true
				full = min(2*full, 30*time.Second)
			}
			if full != 30*time.Second || len(r.opened) < 20 || len(r.opened) > 60 {
				t.Errorf("%d tries in ten minutes, the last wait about %v", len(r.opened), full)
			}
			if c := r.changes[3]; c.State != camera.Waiting || c.Try != 3 || !errors.Is(c.Err, errDown) {
				t.Errorf("the second failure is told as %+v", c)
			}
			if s := r.feed.Stats(); s.State != camera.Waiting || s.LastError != errDown.Error() || s.Reconnects != 0 {
				t.Errorf("%+v", s)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
	if len(seen) < 20 {
		t.Errorf("only %d different waits: where is the chance?", len(seen))
	}
}

// A source that ran for a while is opened again at once, one that falls over as
// soon as it is up is not.
func TestBackOffStartsAnewAfterARun(t *testing.T) {
	for _, test := range []struct {
		name string
		ran  time.Duration
		most time.Duration // the longest wait
	}{
		{"ran for an hour", time.Hour, 250 * time.Millisecond},
		{"ran for a millisecond", time.Millisecond, 30 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			under(t, func(t *testing.T) {
				r := start(t, camera.FeedOptions{Stall: 2 * time.Hour}, func(int) (*fake, error) {
					return &fake{live: true, steps: []step{{after: 1}, {after: test.ran, err: errDown}}}, nil
				})
				later(20 * time.Hour)
				waits := r.waits()
				if longest := slices.Max(waits); longest > test.most || longest < test.most/2 {
					t.Errorf("the longest wait was %v, want about %v", longest, test.most)
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Unplugging is an event, not an exit, and the gap is what the consumer missed.
func TestUnpluggedAndBack(t *testing.T) {
	under(t, func(t *testing.T) {
		r := start(t, camera.FeedOptions{}, func(try int) (*fake, error) {
			switch try {
			case 1:
				return &fake{live: true, steps: append(frames(3, time.Second), step{time.Second, fmt.Errorf("read: %w", camera.ErrUnplugged)})}, nil
			case 2, 3:
				return nil, camera.ErrUnplugged
			}
			return &fake{live: true, steps: append(frames(100, time.Second), step{after: forever})}, nil
		})
		later(15 * time.Second)
		want := []camera.State{
			camera.Opening, camera.Running, camera.Waiting, camera.Opening, camera.Waiting, camera.Opening, camera.Waiting, camera.Opening, camera.Running,
		}
		if got := r.states(); !slices.Equal(got, want) {
			t.Fatalf("states %v, want %v", got, want)
		}
		if lost := r.changes[2]; !errors.Is(lost.Err, camera.ErrUnplugged) || lost.Try != 1 {
			t.Errorf("unplugging is told as %+v", lost)
		}
		// The last frame came after 3 s, the next one a second after the fourth try.
		back := r.changes[8]
		if gap := r.opened[3] + time.Second - 3*time.Second; back.Gap != gap || back.Info.Driver != "fake" {
			t.Errorf("coming back is told as %+v, want a gap of %v", back, gap)
		}
		if first := r.changes[1]; first.Gap != 0 {
			t.Errorf("a gap of %v before anything ran", first.Gap)
		}
		if s := r.feed.Stats(); s.Reconnects != 1 || s.State != camera.Running {
			t.Errorf("%+v", s)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A folder that goes away and comes back was away for as long as it was not open.
func TestGapOfASourceThatIsNotLive(t *testing.T) {
	under(t, func(t *testing.T) {
		r := start(t, camera.FeedOptions{}, func(try int) (*fake, error) {
			switch try {
			case 1:
				return &fake{steps: []step{{after: time.Hour}, {time.Minute, camera.ErrUnplugged}}}, nil
			case 2:
				return nil, camera.ErrUnplugged
			}
			return &fake{steps: frames(1, time.Hour)}, nil
		})
		held := r.next(r.next(nil))
		_ = held
		gap := r.opened[2] - time.Hour - time.Minute
		if back := r.changes[len(r.changes)-1]; back.State != camera.Running || back.Gap != gap {
			t.Errorf("coming back is told as %+v, want a gap of %v", back, gap)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A camera that is connected and silent is opened anew, even one that hears nothing
// but Close.
func TestStalled(t *testing.T) {
	for name, first := range map[string]*fake{
		"after frames":      {live: true, steps: append(frames(3, time.Second), step{after: forever})},
		"deaf":              {live: true, deaf: true, steps: append(frames(3, time.Second), step{after: forever})},
		"only bad pictures": {live: true, steps: append(frames(3, time.Second), bad(100, time.Second)...)},
	} {
		t.Run(name, func(t *testing.T) {
			under(t, func(t *testing.T) {
				r := start(t, camera.FeedOptions{Stall: 5 * time.Second}, func(try int) (*fake, error) {
					if try == 1 {
						return first, nil
					}
					return &fake{live: true, steps: append(frames(1, time.Second), step{after: forever})}, nil
				})
				later(9500 * time.Millisecond)
				if len(r.changes) < 3 || !errors.Is(r.changes[2].Err, camera.ErrStalled) {
					t.Fatalf("changes %+v", r.changes)
				}
				if opened := r.opened[1]; opened != 8*time.Second+r.changes[2].Wait {
					t.Errorf("opened anew after %v", opened)
				}
				if back := r.changes[len(r.changes)-1]; back.State != camera.Running || back.Gap != r.opened[1]-2*time.Second {
					t.Errorf("back after a gap of %v", back.Gap)
				}
				if err := r.stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
	t.Run("from the start", func(t *testing.T) {
		under(t, func(t *testing.T) {
			r := start(t, camera.FeedOptions{}, func(int) (*fake, error) {
				return &fake{live: true, steps: []step{{after: forever}}}, nil
			})
			later(time.Minute)
			if len(r.opened) < 3 || slices.Contains(r.states(), camera.Running) || !errors.Is(r.changes[1].Err, camera.ErrStalled) {
				t.Errorf("opened %d times, changes %+v", len(r.opened), r.changes)
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	})
}

// bad returns n pictures that cannot be used.
func bad(n int, every time.Duration) []step {
	steps := frames(n, every)
	for i := range steps {
		steps[i].err = &camera.Skipped{Err: errors.New("corrupt")}
	}
	return steps
}

func TestOpeningIsBounded(t *testing.T) {
	under(t, func(t *testing.T) {
		tries := 0
		r := start(t, camera.FeedOptions{Opening: time.Minute, Open: func(ctx context.Context) (camera.Source, error) {
			tries++
			<-ctx.Done()
			return nil, ctx.Err()
		}}, nil)
		later(3 * time.Minute)
		if tries < 2 || !errors.Is(r.changes[1].Err, camera.ErrStalled) {
			t.Errorf("%d tries, changes %+v", tries, r.changes)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// The end of the context ends Run from wherever it is, without an error.
func TestRunEndsWithItsContext(t *testing.T) {
	for name, script := range map[string]func(int) (*fake, error){
		"while waiting to try again": func(int) (*fake, error) { return nil, errDown },
		"while reading":              func(int) (*fake, error) { return &fake{live: true, steps: []step{{after: forever}}}, nil },
		"while reading, deaf":        func(int) (*fake, error) { return &fake{live: true, deaf: true, steps: []step{{after: forever}}}, nil },
		"while nobody asks":          func(int) (*fake, error) { return &fake{steps: frames(1, 0)}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			under(t, func(t *testing.T) {
				r := start(t, camera.FeedOptions{}, script)
				later(time.Second)
				if err := r.stop(); err != nil {
					t.Errorf("run: %v", err)
				}
				if s := r.feed.Stats(); s.State != camera.Ended {
					t.Errorf("state %s", s.State)
				}
				if last := r.changes[len(r.changes)-1]; last.State != camera.Ended || last.Err != nil {
					t.Errorf("the end is told as %+v", last)
				}
			})
		})
	}
}
