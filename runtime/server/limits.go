package server

import (
	"container/list"
	"fmt"
	"net/netip"
	goruntime "runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/runtime/server/wire"
)

// Limits bounds what clients may ask for. Zero values are defaults.
type Limits struct {
	// Body is the longest body of a request, in bytes. Zero: 64 MiB.
	Body int64
	// Memory is what all bodies together, and what is read from them, may take, in
	// bytes. It must not be less than Body. Zero: 256 MiB.
	Memory int64
	// Picture bounds one picture. Zero: 32 MiB and 2^25 pixels.
	Picture pixel.Limits
	// Pictures is how many pictures one request may hold. Zero: 64.
	Pictures int
	// Decoding is how many pictures are decoded at once, each of which takes up to
	// 12 bytes a pixel. Zero: as many as there are processors, and 4 at most.
	Decoding int
	// Requests is how many requests are served at once, event streams aside. Zero: 256.
	Requests int
	// Streams is how many event streams are served at once. Zero: 64.
	Streams int
	// Connections is how many connections each listener takes; more wait to be
	// accepted. Zero: 512.
	Connections int
	// Rate is how many requests a second one client may make, a client being an
	// IPv4 address or an IPv6 network of 64 bits, and Burst how many at once.
	// Clients on this machine have no rate. Zero: 200 and 400.
	Rate  float64
	Burst int
	// Wait is how long a request may take, the reading of its body included. Zero: 60 s.
	Wait time.Duration
	// Header is how long the head of a request may take to arrive. Zero: 10 s.
	Header time.Duration
	// Idle is how long a connection may be without a request. Zero: 2 min.
	Idle time.Duration
	// Heartbeat is how often an event stream without events says that it lives.
	// Zero: 15 s.
	Heartbeat time.Duration
}

// orDefault returns the limits with defaults for zero values.
func (l Limits) orDefault() (Limits, error) {
	set(&l.Body, 64<<20)
	set(&l.Memory, 256<<20)
	set(&l.Picture.Bytes, 32<<20)
	set(&l.Picture.Pixels, 1<<25)
	set(&l.Pictures, 64)
	set(&l.Decoding, min(goruntime.GOMAXPROCS(0), 4))
	set(&l.Requests, 256)
	set(&l.Streams, 64)
	set(&l.Connections, 512)
	set(&l.Rate, 200)
	set(&l.Burst, 400)
	set(&l.Wait, time.Minute)
	set(&l.Header, 10*time.Second)
	set(&l.Idle, 2*time.Minute)
	set(&l.Heartbeat, 15*time.Second)
	if l.Memory < l.Body {
		return l, fmt.Errorf("limits of the server: all bodies may take %d bytes, and one %d", l.Memory, l.Body)
	}
	for _, v := range []float64{
		float64(l.Body), float64(l.Picture.Bytes), float64(l.Picture.Pixels), float64(l.Pictures), float64(l.Decoding), float64(l.Requests),
		float64(l.Streams), float64(l.Connections), l.Rate, float64(l.Burst), float64(l.Wait), float64(l.Header), float64(l.Idle), float64(l.Heartbeat),
	} {
		if v < 0 {
			return l, fmt.Errorf("limits of the server: %v is below zero", v)
		}
	}
	return l, nil
}

func set[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}

// wire returns the limits of request bodies.
func (l Limits) wire() wire.Limits {
	return wire.Limits{Pictures: l.Pictures, Pixels: l.Picture.Pixels}
}

// maxClients is how many clients are remembered. Of more, the one that was quiet
// for longest is forgotten, and begins anew.
const maxClients = 4096

// clients gives each client its rate.
type clients struct {
	rate  rate.Limit
	burst int

	mu   sync.Mutex
	all  map[netip.Prefix]*list.Element
	used *list.List // of *client, the latest first
}

type client struct {
	key     netip.Prefix
	limiter *rate.Limiter
}

func newClients(perSecond float64, burst int) *clients {
	return &clients{rate: rate.Limit(perSecond), burst: burst, all: map[netip.Prefix]*list.Element{}, used: list.New()}
}

// wait returns how long the client at that address must wait before it may ask
// again, and 0 if it need not; the request then counts.
func (c *clients) wait(addr netip.Addr, now time.Time) time.Duration {
	addr = addr.Unmap()
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	key, err := addr.Prefix(bits)
	if err != nil {
		key = netip.Prefix{} // those without an address share one rate
	}
	c.mu.Lock()
	element, ok := c.all[key]
	if ok {
		c.used.MoveToFront(element)
	} else {
		if len(c.all) == maxClients {
			oldest := c.used.Back()
			delete(c.all, oldest.Value.(*client).key)
			c.used.Remove(oldest)
		}
		element = c.used.PushFront(&client{key, rate.NewLimiter(c.rate, c.burst)})
		c.all[key] = element
	}
	limiter := element.Value.(*client).limiter
	c.mu.Unlock()
	r := limiter.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	return wait
}
