package models_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/edge-adapt/edge/models/update"
)

// drip serves a repository slowly, and notes what is asked for.
type drip struct {
	next  http.Handler
	pause time.Duration // after every 16 KiB of a target

	mu    sync.Mutex
	life  string           // the device's user agent: what a life that has ended still asks for does not count
	begun map[string]int64 // first byte that was asked for of each target in this life
}

func (d *drip) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if !strings.HasPrefix(name, "targets/") || strings.HasPrefix(name, "targets/channels/") {
		d.next.ServeHTTP(w, r)
		return
	}
	from := int64(0)
	if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		from, _ = strconv.ParseInt(strings.TrimSuffix(text, "-"), 10, 64)
	}
	d.mu.Lock()
	if _, again := d.begun[name]; !again && r.UserAgent() == d.life {
		d.begun[name] = from
	}
	d.mu.Unlock()
	d.next.ServeHTTP(slowed{w, d.pause}, r)
}

// expect begins a life, and says how the device is to name itself.
func (d *drip) expect(life int) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.life, d.begun = fmt.Sprintf("life/%d", life), map[string]int64{}
	return d.life
}

// saw is where downloads began in this life.
func (d *drip) saw() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.begun)
}

// slowed hides ReadFrom, which would send everything at once.
type slowed struct {
	http.ResponseWriter
	pause time.Duration
}

func (w slowed) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = w.ResponseWriter.Write(p[n:min(n+16<<10, len(p))])
		n += m
		if f, ok := w.ResponseWriter.(http.Flusher); ok && err == nil {
			f.Flush()
		}
		time.Sleep(w.pause)
	}
	return n, err
}

// fetchedName is the file in which the device counts what it fetches.
const fetchedName = "fetched"

// counted notes every read of a target in a file, ahead of everything else that is
// done with what was read: the file knows what a process that was killed has fetched.
type counted struct {
	update.Source
	notes *os.File
}

func (c counted) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, int64, error) {
	body, size, err := c.Source.Open(ctx, name, offset)
	if err != nil || !strings.HasPrefix(name, "targets/") || strings.HasPrefix(name, "targets/channels/") {
		return body, size, err
	}
	return countedBody{body, c.notes, name}, size, nil
}

func (c counted) Close() error { return errors.Join(c.Source.Close(), c.notes.Close()) }

type countedBody struct {
	io.ReadCloser
	notes *os.File
	name  string
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), block)])
	if _, failed := fmt.Fprintln(b.notes, b.name, n); failed != nil {
		return 0, failed
	}
	return n, err
}

// block is the most that is read at once, and so the most that a kill loses.
const block = 64 << 10
