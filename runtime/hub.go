package runtime

import (
	"sync"
	"time"
)

// kept is how many events a Hub remembers for those who come back.
const kept = 256

// Hub passes events on. Its methods may be called concurrently, and none of
// them waits for a subscriber.
type Hub struct {
	mu     sync.Mutex
	next   uint64
	recent []Event // a ring once it is full
	oldest int     // where in recent the oldest event stands
	subs   map[*Subscription]struct{}
	closed bool
}

// newHub returns a hub whose first event has the number of microseconds of the
// clock as its ID, so that numbers are not used again after a restart.
func newHub() *Hub {
	return &Hub{next: uint64(max(time.Now().UnixMicro(), 1)), subs: map[*Subscription]struct{}{}}
}

// Publish gives e its ID, and its time if it has none, and passes it on. It does
// nothing once the Runtime is closed.
func (h *Hub) Publish(e Event) { h.publish(e) }

// publish returns the event as it was published.
func (h *Hub) publish(e Event) Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return e
	}
	e.ID = h.next
	h.next++
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	if len(h.recent) < kept {
		h.recent = append(h.recent, e)
	} else {
		h.recent[h.oldest] = e
		h.oldest = (h.oldest + 1) % kept
	}
	for s := range h.subs {
		s.push(e)
	}
	return e
}

// Since returns the events after the one with that ID, the oldest first, of the
// last 256. Since(0) returns all of these.
func (h *Hub) Since(id uint64) []Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.since(id)
}

func (h *Hub) since(id uint64) []Event {
	var events []Event
	for i := range h.recent {
		if e := h.recent[(h.oldest+i)%len(h.recent)]; e.ID > id {
			events = append(events, e)
		}
	}
	return events
}

// Subscribe returns a subscription to all events from now on, of which it holds
// up to buffer, at least 1, until they are received.
func (h *Hub) Subscribe(buffer int) *Subscription {
	_, s := h.SubscribeSince(^uint64(0), buffer)
	return s
}

// SubscribeSince is Since and Subscribe in one, with no event missed or told
// twice in between.
func (h *Hub) SubscribeSince(id uint64, buffer int) ([]Event, *Subscription) {
	c := make(chan Event, max(buffer, 1))
	s := &Subscription{C: c, c: c, hub: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(c)
		return nil, s
	}
	h.subs[s] = struct{}{}
	return h.since(id), s
}

// close ends every subscription.
func (h *Hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		close(s.c)
	}
	clear(h.subs)
}

// Subscription receives events. A subscriber that is slow loses the oldest.
type Subscription struct {
	// C is closed by Close, and when the Runtime is closed; what it holds can
	// still be received then.
	C <-chan Event

	c       chan Event
	hub     *Hub
	dropped uint64 // guarded by hub.mu
}

// push passes e on, in place of the oldest event if there is no room. The
// hub's lock makes this the only sender.
func (s *Subscription) push(e Event) {
	for {
		select {
		case s.c <- e:
			return
		default:
		}
		select {
		case <-s.c:
			s.dropped++
		default: // the subscriber has made room itself
		}
	}
}

// Dropped returns how many events were lost because C was full.
func (s *Subscription) Dropped() uint64 {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.dropped
}

// Close ends the subscription. Further calls do nothing.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if _, ok := s.hub.subs[s]; ok {
		delete(s.hub.subs, s)
		close(s.c)
	}
}
