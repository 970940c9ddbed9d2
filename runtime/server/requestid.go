package server

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"sync/atomic"
)

// ids gives requests names by which they are found in the log.
type ids struct {
	prefix string
	last   *atomic.Uint64
}

func newIDs() ids { return ids{prefix: rand.Text()[:6] + "-", last: new(atomic.Uint64)} }

// of returns the name that the client has given a request, if it is short and
// plain, or else a new one.
func (i ids) of(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); id != "" && len(id) <= 64 && isPlain(id) {
		return id
	}
	return i.prefix + strconv.FormatUint(i.last.Add(1), 36)
}

func isPlain(text string) bool {
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
