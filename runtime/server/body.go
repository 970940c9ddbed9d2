package server

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// reserve takes n bytes of the memory for bodies until the request ends, or
// refuses.
func (c *call) reserve(n int64) error {
	n = min(n, c.s.limits.Memory)
	if !c.s.memory.TryAcquire(n) {
		return busy(http.StatusServiceUnavailable, time.Second, "try again in a moment", "bodies of other requests take all the memory there is for them")
	}
	c.reserved += n
	return nil
}

// release gives back what was reserved.
func (c *call) release() {
	c.s.memory.Release(c.reserved)
	c.reserved = 0
}

// length returns the length of the body, or -1 if it is not said.
func (c *call) length() (int64, error) {
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return 0, refuse(http.StatusUnsupportedMediaType, "send the body as it is", "bodies with Content-Encoding %.40q are not read", coding)
	}
	if c.r.ContentLength > c.s.limits.Body {
		return 0, c.tooLong()
	}
	return c.r.ContentLength, nil
}

func (c *call) tooLong() error {
	return refuse(http.StatusRequestEntityTooLarge, "send fewer or smaller pictures in one request", "the body is longer than %d bytes", c.s.limits.Body)
}

// readAll reads the whole body into buf, which it may replace by a larger one. It
// reserves weight times the body's length: what the body and all that is read from
// it take.
func (c *call) readAll(buf []byte, weight int64) ([]byte, error) {
	n, err := c.length()
	if err != nil {
		return buf, err
	}
	if n >= 0 {
		if err := c.reserve(weight * n); err != nil {
			return buf, err
		}
		buf = slices.Grow(buf[:0], int(n))[:n]
		if _, err := io.ReadFull(c.r.Body, buf); err != nil {
			return buf, bodyError(err)
		}
		return buf, nil
	}
	// In parts: who says nothing of the length pays for each part before it is read.
	const part = 256 << 10
	buf = buf[:0]
	for {
		if err := c.reserve(weight * part); err != nil {
			return buf, err
		}
		start := len(buf)
		buf = slices.Grow(buf, part)[:start+part]
		n, err := io.ReadFull(c.r.Body, buf[start:])
		buf = buf[:start+n]
		switch {
		case int64(len(buf)) > c.s.limits.Body:
			return buf, c.tooLong()
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return buf, nil
		case err != nil:
			return buf, bodyError(err)
		}
	}
}

// bodyError is what is told of a body that could not be read to its end.
func bodyError(err error) error {
	return &refusal{error: hint.Wrap(errors.Join(errors.New("the body ended before its time"), err), "send the request again"), status: http.StatusBadRequest}
}
