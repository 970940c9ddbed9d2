package receiver

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/models/fleet/records"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// Fleet is GET /api/fleet.
type Fleet struct {
	Version string `json:"version"` // of the receiver
	records.Overview
	Rule Rule `json:"rule"`
	// Over are releases that break the rule and could not be halted.
	Over []Over `json:"over"`
}

//go:embed page
var page embed.FS

// routes is everything that is served.
func (r *Receiver) routes() http.Handler {
	mux := http.NewServeMux()
	add := func(pattern string, fn handle) { mux.Handle(pattern, r.guard(pattern, fn)) }
	add("POST "+fleet.EnrolRoute, r.enrol)
	add("POST "+fleet.ReportsRoute, r.reports)
	add("GET /api/fleet", r.person(access.Read, r.getFleet))
	add("GET /api/devices", r.person(access.Read, r.getDevices))
	add("GET /api/devices/{id}", r.person(access.Read, r.getDevice))
	add("POST /api/devices/{id}/block", r.person(access.Admin, r.block))
	add("POST /api/devices/{id}/unblock", r.person(access.Admin, r.unblock))
	add("DELETE /api/devices/{id}", r.person(access.Admin, r.forget))
	add("GET /metrics", r.person(access.Read, r.measures.serve))
	add("GET /healthz", r.health)
	for path, file := range map[string]struct{ name, kind string }{
		"/{$}":       {"index.html", "text/html; charset=utf-8"},
		"/fleet.js":  {"fleet.js", "text/javascript; charset=utf-8"},
		"/fleet.css": {"fleet.css", "text/css; charset=utf-8"},
	} {
		data, err := page.ReadFile("page/" + file.name)
		if err != nil {
			panic(err) // it was embedded
		}
		add("GET "+path, func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", file.kind)
			_, err := w.Write(data)
			return err
		})
	}
	add("/", func(http.ResponseWriter, *http.Request) error {
		return refuse(http.StatusNotFound, "the page is at /, the state at /api/fleet", "there is nothing here")
	})
	return mux
}

// fresh is for how long an overview is given again.
const fresh = 2 * time.Second

// fleet returns the state of the fleet, at most a moment old.
func (r *Receiver) fleet(ctx context.Context) (Fleet, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.o.Now()
	if age := now.Sub(r.last.Time); r.last.Time.IsZero() || age < 0 || age >= fresh {
		o, err := r.o.Records.Overview(ctx, now, r.o.Silent)
		if err != nil {
			return Fleet{}, err
		}
		r.last = Fleet{Version: r.o.Version, Overview: o, Rule: r.o.Rule}
	}
	f := r.last
	f.Over = r.halter.list()
	return f, nil
}

func (r *Receiver) getFleet(w http.ResponseWriter, req *http.Request) error {
	f, err := r.fleet(req.Context())
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, f)
	return nil
}

// maxPage is how many devices one answer lists.
const maxPage = 1000

// Devices is GET /api/devices.
type Devices struct {
	Devices []records.Device `json:"devices"`
	// Next is what after= must be for those that follow; "" after the last.
	Next string `json:"next,omitempty"`
}

func (r *Receiver) getDevices(w http.ResponseWriter, req *http.Request) error {
	v := req.URL.Query()
	q := records.Query{After: v.Get("after"), Limit: 100, Edge: v.Get("edge"), Channel: v.Get("channel"), State: records.State(v.Get("state"))}
	bad := func(name string) error {
		return refuse(http.StatusBadRequest, "after=ID limit=N edge=V channel=C release=N state=active|replaced|refused|rolled+back stuck=true silent=true", "%s=%.50q", name, v.Get(name))
	}
	if q.After != "" && fleet.CheckID(q.After) != nil {
		return bad("after")
	}
	for name, to := range map[string]*int{"limit": &q.Limit, "release": &q.Release} {
		if !v.Has(name) {
			continue
		}
		n, err := strconv.Atoi(v.Get(name))
		if err != nil || n < 1 || name == "limit" && n > maxPage {
			return bad(name)
		}
		*to = n
	}
	silent := false
	for name, to := range map[string]*bool{"stuck": &q.Stuck, "silent": &silent} {
		if !v.Has(name) {
			continue
		}
		is, err := strconv.ParseBool(v.Get(name))
		if err != nil {
			return bad(name)
		}
		*to = is
	}
	if silent {
		q.Silent = r.o.Now().Add(-r.o.Silent)
	}
	limit := q.Limit
	q.Limit++
	all, err := r.o.Records.Devices(req.Context(), q)
	if err != nil {
		return err
	}
	d := Devices{Devices: all}
	if len(all) > limit {
		d.Devices = all[:limit]
		d.Next = d.Devices[limit-1].ID
	}
	answer(w, http.StatusOK, d)
	return nil
}

func (r *Receiver) getDevice(w http.ResponseWriter, req *http.Request) error {
	d, err := r.o.Records.Device(req.Context(), req.PathValue("id"))
	if err != nil {
		return known(err)
	}
	answer(w, http.StatusOK, d)
	return nil
}

// known makes an unknown device the person's mistake.
func known(err error) error {
	if errors.Is(err, records.ErrUnknown) {
		return refuse(http.StatusNotFound, "edge fleet devices lists them", "%w", records.ErrUnknown)
	}
	return err
}

// maxReason bounds why a device is blocked.
const maxReason = 500

func (r *Receiver) block(w http.ResponseWriter, req *http.Request) error {
	data, err := body(req, 4<<10)
	if err != nil {
		return err
	}
	var asked struct{ Reason string }
	if err := json.Unmarshal(data, &asked); err != nil || asked.Reason == "" || len(asked.Reason) > maxReason {
		return refuse(http.StatusBadRequest, `send {"reason": "stolen"}`, "to block a device takes a reason, of at most %d bytes", maxReason)
	}
	return r.changed(w, req, "a device is blocked", r.o.Records.Block(req.Context(), req.PathValue("id"), asked.Reason))
}

func (r *Receiver) unblock(w http.ResponseWriter, req *http.Request) error {
	return r.changed(w, req, "a device is no longer blocked", r.o.Records.Block(req.Context(), req.PathValue("id"), ""))
}

func (r *Receiver) forget(w http.ResponseWriter, req *http.Request) error {
	return r.changed(w, req, "a device is forgotten", r.o.Records.Forget(req.Context(), req.PathValue("id")))
}

// changed answers a change of a device.
func (r *Receiver) changed(w http.ResponseWriter, req *http.Request, what string, err error) error {
	if err != nil {
		return known(err)
	}
	r.mu.Lock()
	r.last = Fleet{} // so that who asks next sees it
	r.mu.Unlock()
	r.log.Info(what, "device", req.PathValue("id"))
	answer(w, http.StatusOK, struct {
		ID string `json:"id"`
	}{req.PathValue("id")})
	return nil
}

// health is GET /healthz: 200 while the records answer.
func (r *Receiver) health(w http.ResponseWriter, req *http.Request) error {
	ctx, cancel := context.WithTimeout(req.Context(), 5*time.Second)
	defer cancel()
	if err := r.o.Records.Ping(ctx); err != nil {
		r.log.Error("the records do not answer", "error", err)
		return busy(http.StatusServiceUnavailable, 10*time.Second, "the records do not answer")
	}
	answer(w, http.StatusOK, struct {
		Ready bool `json:"ready"`
	}{true})
	return nil
}
