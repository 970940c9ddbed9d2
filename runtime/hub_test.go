package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestHub(t *testing.T) {
	h := newHub()
	fast, slow := h.Subscribe(1000), h.Subscribe(3)
	for i := range 600 {
		h.Publish(Event{Kind: KindChange, Frame: uint64(i)})
	}
	var last uint64
	for i := range 600 {
		e := <-fast.C
		if e.Frame != uint64(i) || e.ID <= last || e.ID >= 1<<53 || e.Time.IsZero() {
			t.Fatalf("event %d: %+v", i, e)
		}
		last = e.ID
	}
	for i := range 3 { // the newest are left
		if e := <-slow.C; e.Frame != uint64(597+i) {
			t.Errorf("event %d of the slow: %+v", i, e)
		}
	}
	if fast.Dropped() != 0 || slow.Dropped() != 597 {
		t.Errorf("dropped: %d and %d", fast.Dropped(), slow.Dropped())
	}
	if all := h.Since(0); len(all) != 256 || all[0].Frame != 344 || all[255].Frame != 599 {
		t.Errorf("%d events are kept, from %d to %d", len(all), all[0].Frame, all[len(all)-1].Frame)
	}
	if some := h.Since(last - 2); len(some) != 2 || some[0].ID != last-1 {
		t.Errorf("%+v", some)
	}
	if none := h.Since(last); len(none) != 0 {
		t.Errorf("%+v", none)
	}
	past, sub := h.SubscribeSince(last-1, 5)
	h.Publish(Event{})
	if len(past) != 1 || past[0].ID != last || (<-sub.C).ID != last+1 {
		t.Errorf("%+v", past)
	}
	fast.Close()
	fast.Close()
	if _, more := <-fast.C; more {
		// the one published before Close may still be there
		if _, more := <-fast.C; more {
			t.Error("a closed subscription goes on")
		}
	}
	h.close()
	h.Publish(Event{})
	for range slow.C { //nolint:revive // what is left, and then the end
	}
	if _, more := <-h.Subscribe(1).C; more {
		t.Error("a closed hub speaks")
	}
}

func TestHubIsConcurrent(t *testing.T) {
	h := newHub()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 500 {
				h.Publish(Event{Kind: KindChange})
			}
		})
		all.Go(func() {
			for range 50 {
				s := h.Subscribe(2)
				last := uint64(0)
				for range 3 {
					h.Publish(Event{}) // so that there is one
					e := <-s.C
					if e.ID <= last {
						t.Error("events out of order")
					}
					last = e.ID
					h.Since(e.ID - 3)
				}
				s.Close()
			}
		})
	}
	all.Wait()
}

func TestEventsAsJSON(t *testing.T) {
	h := newHub()
	e := h.publish(Event{Kind: KindChange, Task: "shelf", Label: "red", Score: 0.5, LatencyMS: 1.25})
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{`"id":`, `"time":"`, `"kind":"change"`, `"task":"shelf"`, `"label":"red"`, `"score":0.5`, `"latency_ms":1.25`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", text, want)
		}
	}
	for _, none := range []string{"previous", "unknown", "hint", "frame"} {
		if strings.Contains(text, none) {
			t.Errorf("%s holds an empty %s", text, none)
		}
	}
	var back Event
	if err := json.Unmarshal(data, &back); err != nil || !back.Time.Equal(e.Time) || back.ID != e.ID {
		t.Errorf("%+v, %v", back, err)
	}
}

// fakeSink keeps what it gets, and can be slow or fail.
type fakeSink struct {
	mu     sync.Mutex
	got    []Event
	fail   error
	hold   chan struct{} // Deliver waits for it, or for ctx
	closed int
}

func (s *fakeSink) Deliver(ctx context.Context, e Event) error {
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed > 0 {
		return errors.New("closed")
	}
	s.got = append(s.got, e)
	return s.fail
}

func (s *fakeSink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	return nil
}

func (s *fakeSink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func TestSinks(t *testing.T) {
	g := newRig(t)
	good, bad := &fakeSink{}, &fakeSink{fail: errors.New("no")}
	slow := &fakeSink{hold: make(chan struct{})}
	for name, s := range map[string]Sink{"good": good, "bad": bad, "slow": slow} {
		if err := g.AddSink(name, s); err != nil {
			t.Fatal(err)
		}
	}
	if g.AddSink("good", good) == nil || g.AddSink("", good) == nil {
		t.Error("a name is taken twice, or none is taken")
	}
	const n = 1500
	for i := range n {
		g.Events().Publish(Event{Frame: uint64(i)})
		if i%500 == 499 {
			eventually(t, "the good one has them", func() bool { return good.count() == i+1 })
		}
	}
	close(slow.hold)
	if err := g.RemoveSink("slow"); err != nil || slow.closed != 1 || slow.count() < sinkQueue {
		t.Errorf("%v; %d events, closed %d times", err, slow.count(), slow.closed)
	}
	if g.RemoveSink("slow") == nil {
		t.Error("it is removed twice")
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*fakeSink{good, bad, slow} {
		if s.closed != 1 {
			t.Errorf("closed %d times", s.closed)
		}
	}
	m := g.Metrics()
	if v := testutil.ToFloat64(m.Sink("bad").Failed); v != n {
		t.Errorf("%v failures, want %d", v, n)
	}
	dropped := testutil.ToFloat64(m.Sink("slow").Dropped)
	if delivered := testutil.ToFloat64(m.Sink("slow").Delivered); dropped < n-sinkQueue-1 || dropped+delivered != n {
		t.Errorf("%v dropped and %v delivered of %d", dropped, delivered, n)
	}
	if last := slow.got[len(slow.got)-1]; last.Frame != n-1 {
		t.Errorf("the newest event was lost: the last is %d", last.Frame)
	}
	if g.AddSink("late", good) == nil {
		t.Error("a closed runtime takes a sink")
	}
}
