package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/edge-adapt/edge/runtime"
)

var errStopping = errors.New("the server stops")

// eventBuffer is how many events wait for a client that is slow; of more, the
// oldest are lost, and the client is told.
const eventBuffer = 256

// events streams the events of all tasks.
func (s *Server) events(c *call) error { return s.stream(c, "") }

// taskEvents streams the events of one task, from now on and also when the task
// is removed and comes again.
func (s *Server) taskEvents(c *call) error {
	t, err := c.asked()
	if err != nil {
		return err
	}
	return s.stream(c, t.Name())
}

// stream writes events as server-sent events until the client goes or the server
// stops: those after the one that Last-Event-ID names, as far as they are
// remembered, then what happens.
func (s *Server) stream(c *call, task string) error {
	if s.isStopping() {
		return busy(http.StatusServiceUnavailable, 5*time.Second, "try again when it has started", "%w", errStopping)
	}
	after := ^uint64(0)
	if last := c.r.Header.Get("Last-Event-ID"); last != "" {
		var err error
		if after, err = strconv.ParseUint(last, 10, 64); err != nil {
			return refuse(http.StatusBadRequest, "send the id of the last event that arrived", "Last-Event-ID %.40q is no number", last)
		}
	}
	missed, sub := s.rt.Events().SubscribeSince(after, eventBuffer)
	defer sub.Close()
	out := eventWriter{c: c, control: http.NewResponseController(c), task: task}
	c.Header()["Content-Type"] = []string{"text/event-stream"}
	c.Header()["X-Accel-Buffering"] = []string{"no"} // or nginx would keep them
	c.WriteHeader(http.StatusOK)
	out.comment("edge")
	for _, e := range missed {
		out.event(e)
	}
	out.flush()
	heartbeat := time.NewTicker(s.limits.Heartbeat)
	defer heartbeat.Stop()
	dropped := uint64(0)
	for out.err == nil {
		select {
		case <-c.r.Context().Done():
			return nil
		case <-s.stopping:
			out.comment(errStopping.Error())
			out.flush()
			return nil
		case <-heartbeat.C:
			out.comment("")
		case e, ok := <-sub.C:
			if !ok {
				out.comment(errStopping.Error())
				out.flush()
				return nil
			}
			if n := sub.Dropped(); n > dropped {
				out.comment(strconv.FormatUint(n-dropped, 10) + " events were lost: this client is too slow")
				dropped = n
			}
			out.event(e)
			for range len(sub.C) { // what waits goes out together
				if e, ok = <-sub.C; ok {
					out.event(e)
				}
			}
		}
		out.flush()
	}
	return nil // the client is gone
}

// eventWriter writes an event stream. After an error it writes nothing more.
type eventWriter struct {
	c       *call
	control *http.ResponseController
	task    string // "": all
	buf     []byte
	err     error
}

func (w *eventWriter) comment(text string) {
	w.buf = append(append(append(w.buf, ": "...), text...), "\n\n"...)
}

func (w *eventWriter) event(e runtime.Event) {
	if w.task != "" && e.Task != w.task {
		return
	}
	data, err := json.Marshal(e)
	if err != nil { // a number that is none; the stream goes on
		w.comment("an event could not be written: " + err.Error())
		return
	}
	w.buf = strconv.AppendUint(append(w.buf, "id: "...), e.ID, 10)
	w.buf = append(append(w.buf, "\nevent: "...), e.Kind...)
	w.buf = append(append(append(w.buf, "\ndata: "...), data...), "\n\n"...)
}

// flush sends what was written. The server's times are for requests that end:
// here each part has a time of its own.
func (w *eventWriter) flush() {
	if w.err != nil || len(w.buf) == 0 {
		return
	}
	now := time.Now()
	w.control.SetReadDeadline(time.Time{})           //nolint:errcheck // not every connection has deadlines
	w.control.SetWriteDeadline(now.Add(time.Minute)) //nolint:errcheck // as above
	if _, w.err = w.c.Write(w.buf); w.err == nil {
		w.err = w.control.Flush()
	}
	w.buf = w.buf[:0]
}
