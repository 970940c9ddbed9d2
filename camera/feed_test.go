package camera_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-adapt/edge/camera"
)

func TestNewestFrameOfALiveSourceWins(t *testing.T) {
	under(t, func(t *testing.T) {
		r := start(t, camera.FeedOptions{}, func(int) (*fake, error) {
			return &fake{live: true, steps: append(frames(20, time.Second), step{after: forever})}, nil
		})
		held := r.next(nil)
		if held.Number != 1 {
			t.Errorf("the first frame has number %d", held.Number)
		}
		time.Sleep(7500 * time.Millisecond) // the consumer is slow: 2 to 8 come
		held = r.next(held)
		if held.Number != 8 {
			t.Errorf("after 7.5 s came frame %d, want the newest, 8", held.Number)
		}
		held = r.next(held)
		if held.Number != 9 {
			t.Errorf("then came frame %d, want 9", held.Number)
		}
		if s := r.feed.Stats(); s.Frames != 9 || s.Dropped != 6 {
			t.Errorf("%d frames and %d drops, want 9 and 6", s.Frames, s.Dropped)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// However slow the consumer, every frame was either taken or counted as dropped.
func TestDropsAreCountedExactly(t *testing.T) {
	for seed := range uint64(20) {
		under(t, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(seed, 0))
			const all = 500
			r := start(t, camera.FeedOptions{}, func(int) (*fake, error) {
				steps := frames(all, 0)
				for i := range steps {
					steps[i].after = time.Duration(chance.IntN(30)) * time.Millisecond
				}
				return &fake{live: true, steps: steps}, nil
			})
			var held *camera.Frame
			var taken, last uint64
			memory := map[*camera.Frame]bool{}
			for {
				frame, err := r.feed.Next(t.Context(), held)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if frame.Number <= last {
					t.Errorf("frame %d came after frame %d", frame.Number, last)
				}
				held, last = frame, frame.Number
				memory[frame] = true
				taken++
				if wait := chance.IntN(100); wait > 40 {
					time.Sleep(time.Duration(wait) * time.Millisecond)
				}
			}
			s := r.feed.Stats()
			if s.Frames != all || s.Dropped+taken != all || s.Dropped == 0 || last != all {
				t.Errorf("seed %d: %d frames, %d taken, %d dropped, the last was %d", seed, s.Frames, taken, s.Dropped, last)
			}
			if len(memory) > 3 {
				t.Errorf("seed %d: %d pieces of memory went round, want 3", seed, len(memory))
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A source that is not live is read when somebody asks, and not before.
func TestOthersGoInStep(t *testing.T) {
	under(t, func(t *testing.T) {
		r := start(t, camera.FeedOptions{Stall: time.Second}, func(int) (*fake, error) {
			return &fake{steps: frames(30, 20*time.Second)}, nil // slower than Stall, which is for live ones
		})
		synctest.Wait()
		if s := r.feed.Stats(); s.State != camera.Running {
			t.Errorf("an open folder is %s, want running", s.State)
		}
		var held *camera.Frame
		for want := range 30 {
			frame, err := r.feed.Next(t.Context(), held)
			if err != nil {
				t.Fatal(err)
			}
			held = frame
			later(time.Hour)
			if frame.Number != uint64(want)+1 || r.sources[0].done != want+1 {
				t.Errorf("frame %d was held as frame %d, and the source was read %d times", want+1, frame.Number, r.sources[0].done)
			}
		}
		if _, err := r.feed.Next(t.Context(), held); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
		if s := r.feed.Stats(); s.Frames != 30 || s.Dropped != 0 || s.State != camera.Ended {
			t.Errorf("%+v", s)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

// A consumer that gives up waiting loses no frame of a source that is not live.
func TestNextEndsWithItsContext(t *testing.T) {
	under(t, func(t *testing.T) {
		r := start(t, camera.FeedOptions{}, func(int) (*fake, error) {
			return &fake{steps: frames(3, time.Minute)}, nil
		})
		var held *camera.Frame
		for want := uint64(1); want <= 3; {
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			frame, err := r.feed.Next(ctx, held)
			cancel()
			held = frame
			switch {
			case errors.Is(err, context.DeadlineExceeded):
			case err != nil || frame.Number != want:
				t.Fatalf("frame %v, %v, want frame %d", frame, err, want)
			default:
				want++
			}
		}
		if took := time.Since(r.begun); took != 3*time.Minute {
			t.Errorf("it took %v, want 3m", took)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheEndOfASource(t *testing.T) {
	wrapped := &wrappedEOF{}
	for _, test := range []struct {
		name string
		err  error
		want error // of Run
		next error
		last camera.State
	}{
		{"io.EOF", io.EOF, nil, io.EOF, camera.Ended},
		{"unsupported", errors.Join(errors.New("no H.266"), camera.ErrUnsupported), camera.ErrUnsupported, camera.ErrUnsupported, camera.Failed},
		{"bad URI", errors.Join(camera.ErrBadURI), camera.ErrBadURI, camera.ErrBadURI, camera.Failed},
	} {
		t.Run(test.name, func(t *testing.T) {
			under(t, func(t *testing.T) {
				r := start(t, camera.FeedOptions{}, func(int) (*fake, error) {
					return &fake{live: true, steps: []step{{after: 1}, {after: 1}, {err: test.err}}}, nil
				})
				later(time.Second)
				held := r.next(nil) // the last frame is still there
				for range 2 {
					if _, err := r.feed.Next(t.Context(), held); !errors.Is(err, test.next) {
						t.Errorf("next at the end: %v, want %v", err, test.next)
					}
					held = nil
				}
				if err := r.stop(); !errors.Is(err, test.want) {
					t.Errorf("run: %v, want %v", err, test.want)
				}
				want := []camera.State{camera.Opening, camera.Running, test.last}
				if got := r.states(); !slices.Equal(got, want) {
					t.Errorf("states %v, want %v", got, want)
				}
			})
		})
	}
	t.Run("a connection's end is none", func(t *testing.T) {
		under(t, func(t *testing.T) {
			r := start(t, camera.FeedOptions{}, func(try int) (*fake, error) {
				if try == 1 {
					return nil, wrapped
				}
				return &fake{live: true, steps: []step{{after: 1}, {err: wrapped}}}, nil
			})
			later(time.Minute)
			if len(r.opened) < 3 {
				t.Errorf("opened %d times", len(r.opened))
			}
			if err := r.stop(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("unsupported from the start", func(t *testing.T) {
		under(t, func(t *testing.T) {
			r := start(t, camera.FeedOptions{}, func(int) (*fake, error) { return nil, camera.ErrUnsupported })
			if _, err := r.feed.Next(t.Context(), nil); !errors.Is(err, camera.ErrUnsupported) {
				t.Errorf("next: %v", err)
			}
			if err := r.stop(); !errors.Is(err, camera.ErrUnsupported) {
				t.Errorf("run: %v", err)
			}
			if s := r.feed.Stats(); s.State != camera.Failed || s.LastError != camera.ErrUnsupported.Error() || len(r.opened) != 1 {
				t.Errorf("%+v after %d tries", s, len(r.opened))
			}
		})
	})
}

// wrappedEOF is how a lost connection reads.
type wrappedEOF struct{}

func (*wrappedEOF) Error() string { return "read tcp: EOF" }
func (*wrappedEOF) Unwrap() error { return io.EOF }

func TestSkippedPicturesAreCounted(t *testing.T) {
	under(t, func(t *testing.T) {
		bad := &camera.Skipped{Name: "a\nb.jpg", Err: errors.New("truncated")}
		r := start(t, camera.FeedOptions{}, func(int) (*fake, error) {
			return &fake{steps: []step{{err: bad}, {}, {err: bad}, {err: bad}, {}}}, nil
		})
		held := r.next(nil)
		held = r.next(held)
		if held.Number != 2 {
			t.Errorf("frame %d, want 2", held.Number)
		}
		s := r.feed.Stats()
		if s.Frames != 2 || s.Skipped != 3 || s.LastError != `"a\nb.jpg": truncated` || len(r.skipped) != 3 {
			t.Errorf("%+v, %q", s, r.skipped)
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFeedRunsOnce(t *testing.T) {
	under(t, func(t *testing.T) {
		r := start(t, camera.FeedOptions{}, func(int) (*fake, error) { return &fake{}, nil })
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		if err := r.feed.Run(t.Context()); err == nil {
			t.Error("a feed ran twice")
		}
	})
}
