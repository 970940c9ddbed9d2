package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/fleet"
	"github.com/edge-adapt/edge/runtime/server/access"
)

// TestAttacks sends what an attacker would, in the name of an enrolled device or of a
// person, and looks at whether anything has changed.
func TestAttacks(t *testing.T) {
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8090}
	beyond := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8090}
	people, texts := tokens(t, access.Read, access.Admin)
	device, other := keyOf(1), keyOf(2)
	id := device.ID()
	encoded := func(sequence int64) []byte {
		r := report(9)
		r.Sequence = sequence
		data, err := r.Encode(fleet.Consent{})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	enrolment := func(k key) []byte {
		data, err := json.Marshal(fleet.Enrolment{Format: 1, Public: k.Public()})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for _, c := range []struct {
		name    string
		route   string // "": reports
		method  string // "": POST
		to      net.Addr
		from    string
		body    []byte
		signed  key           // whose signature; none without
		as      string        // ID in the header, if another
		over    string        // route that is signed, if another
		late    time.Duration // of the date
		swapped []byte        // sent instead of what was signed
		header  map[string]string
		host    string
		keys    bool
		status  int
		code    fleet.Code
	}{
		{name: "a real report", body: encoded(5), signed: device, status: 200},
		{name: "from beyond this machine, which needs no token", to: beyond, from: "198.51.100.7:1", body: encoded(5), signed: device, status: 200},
		{name: "replayed", body: encoded(3), signed: device, status: 409, code: fleet.CodeSequence},
		{name: "recorded a day ago", body: encoded(5), signed: device, late: -24 * time.Hour, status: 401, code: fleet.CodeDate},
		{name: "signed ahead of time", body: encoded(5), signed: device, late: time.Hour, status: 401, code: fleet.CodeDate},
		{name: "without a signature", body: encoded(5), status: 401},
		{name: "with another device's key", body: encoded(5), signed: other, as: id, status: 401},
		{name: "by a device that nobody knows", body: encoded(5), signed: other, status: 404, code: fleet.CodeUnknown},
		{name: "with another body", body: encoded(5), swapped: encoded(6), signed: device, status: 401},
		{name: "a signature over an enrolment", body: encoded(5), over: fleet.EnrolRoute, signed: device, status: 401},
		{name: "garbage", body: []byte("{"), signed: device, status: 400},
		{name: "of a newer format", body: []byte(`{"format":2}`), signed: device, status: 400},
		{name: "too large", body: bytes.Repeat([]byte(" "), fleet.MaxBytes+1), signed: device, status: 413},
		{name: "by GET", method: "GET", body: encoded(5), signed: device, status: 404},

		{name: "another key enrols under the device's ID", route: fleet.EnrolRoute, body: enrolment(other), signed: other, as: id, status: 401},
		{name: "a key enrols whose owner did not sign", route: fleet.EnrolRoute, body: enrolment(device), signed: other, status: 401},
		{name: "an enrolment without a signature", route: fleet.EnrolRoute, body: enrolment(other), status: 401},
		{name: "an enrolment from beyond without a token", route: fleet.EnrolRoute, to: beyond, from: "198.51.100.7:1", body: enrolment(other), signed: other, status: 401},
		{name: "an enrolment through a proxy without a token", route: fleet.EnrolRoute, header: map[string]string{"X-Forwarded-For": "198.51.100.7"}, body: enrolment(other), signed: other, status: 401},
		{name: "an enrolment of no key", route: fleet.EnrolRoute, body: []byte(`{"format":1,"public_key":"AAAA"}`), signed: other, status: 400},
		{name: "a large enrolment", route: fleet.EnrolRoute, body: bytes.Repeat([]byte(" "), 5000), signed: other, status: 413},

		{name: "block from here, no tokens are asked for", route: "/api/devices/" + id + "/block", body: []byte(`{"reason":"x"}`), status: 200},
		{name: "block from beyond", route: "/api/devices/" + id + "/block", to: beyond, from: "198.51.100.7:1", body: []byte(`{"reason":"x"}`), status: 401},
		{name: "block by a page of another site", route: "/api/devices/" + id + "/block", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, body: []byte(`{"reason":"x"}`), status: 403},
		{name: "block by a page whose name points here", route: "/api/devices/" + id + "/block", host: "evil.example", body: []byte(`{"reason":"x"}`), status: 421},
		{name: "block through a proxy", route: "/api/devices/" + id + "/block", header: map[string]string{"Forwarded": "for=198.51.100.7"}, body: []byte(`{"reason":"x"}`), status: 401},
		{name: "block without the token", keys: true, route: "/api/devices/" + id + "/block", body: []byte(`{"reason":"x"}`), status: 401},
		{name: "block with a token to read", keys: true, route: "/api/devices/" + id + "/block", header: map[string]string{"Authorization": "Bearer " + texts[0]}, body: []byte(`{"reason":"x"}`), status: 403},
		{name: "block with an administrator's", keys: true, route: "/api/devices/" + id + "/block", header: map[string]string{"Authorization": "Bearer " + texts[1]}, body: []byte(`{"reason":"x"}`), status: 200},
		{name: "block with a password", keys: true, route: "/api/devices/" + id + "/block", header: map[string]string{"Authorization": "Basic YTpi"}, body: []byte(`{"reason":"x"}`), status: 401},
		{name: "forget with a token to read", keys: true, method: "DELETE", route: "/api/devices/" + id, header: map[string]string{"Authorization": "Bearer " + texts[0]}, status: 403},
		{name: "a device signs what is for people", keys: true, method: "DELETE", route: "/api/devices/" + id, signed: device, status: 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t, func(o *Options) {
				if c.keys {
					o.Keys = people
				}
			})
			c1 := g.client(1, "")
			for range 3 { // sequences 1 to 3
				if err := c1.Send(t.Context(), report(8)); err != nil {
					t.Fatal(err)
				}
			}
			if c.route == "" {
				c.route = fleet.ReportsRoute
			}
			if c.method == "" {
				c.method = http.MethodPost
			}
			if c.to == nil {
				c.to, c.from = here, "127.0.0.1:1"
			}
			sent := c.body
			if c.swapped != nil {
				sent = c.swapped
			}
			req := httptest.NewRequest(c.method, c.route, bytes.NewReader(sent))
			req = req.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, c.to))
			req.RemoteAddr, req.Host = c.from, "127.0.0.1:8090"
			if c.host != "" {
				req.Host = c.host
			}
			if c.signed.PrivateKey != nil {
				over := c.route
				if c.over != "" {
					over = c.over
				}
				fleet.Sign(req, c.signed, over, c.body, time.Now().Add(c.late))
			}
			if c.as != "" {
				req.Header.Set("Edge-Device", c.as)
			}
			for name, value := range c.header {
				req.Header.Set(name, value)
			}
			before, err := g.o.Records.Device(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			g.Handler().ServeHTTP(w, req)
			var a fleet.Answer
			if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != c.status || a.Code != c.code || (a.Error == "") != (c.status == 200) {
				t.Errorf("%d %s; want %d %q", w.Code, w.Body, c.status, c.code)
			}
			after, err := g.o.Records.Device(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if changed := after.Sequence != before.Sequence || after.Blocked != before.Blocked; changed != (c.status == 200) {
				t.Errorf("%+v is now %+v", before, after)
			}
			if _, err := g.o.Records.Key(t.Context(), other.ID()); err == nil {
				t.Error("the other device is enrolled")
			}
			if h := w.Header(); !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%v", h)
			}
		})
	}
}

// A device that reports without end, and an address that asks without end, are told
// to wait; others are not.
func TestTooOften(t *testing.T) {
	at := time.Now()
	g := newRig(t, func(o *Options) {
		o.Now = func() time.Time { return at }
		o.Limits = Limits{Reports: 3, Every: 10 * time.Second, Rate: 1, Burst: 5}
	})
	c := g.client(1, "")
	for i := range 4 { // the first enrols, too, which counts
		err := c.Send(t.Context(), report(1))
		var no *fleet.Refused
		if want := i >= 2; want != errors.As(err, &no) || want && (no.Status != 429 || no.After != 10*time.Second) {
			t.Errorf("report %d: %v", i, err)
		}
	}
	g.send(2, report(1))
	ask := func(from string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		req.RemoteAddr = from
		w := httptest.NewRecorder()
		g.Handler().ServeHTTP(w, req)
		return w
	}
	for i := range 6 {
		w := ask("198.51.100.7:1")
		if (w.Code == 429) != (i == 5) || i == 5 && w.Header().Get("Retry-After") != "1" {
			t.Errorf("request %d: %d %v", i, w.Code, w.Header())
		}
	}
	for _, from := range []string{"198.51.100.8:1", "[2001:db8::1]:1", "127.0.0.1:1"} {
		if w := ask(from); w.Code != 200 {
			t.Errorf("%s: %d", from, w.Code)
		}
	}
	for range 5 {
		ask("[2001:db8::2]:1")
	}
	if ask("[2001:db8::3]:1").Code != 429 {
		t.Error("another address of the same network has turns of its own")
	}
}

// As many requests as there may be at once: the next is refused, not queued.
func TestTooMany(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Limits.Requests = 1 })
	g.requests <- struct{}{}
	if status := g.get("/healthz", "", nil); status != 503 {
		t.Error(status)
	}
	<-g.requests
	if status := g.get("/healthz", "", nil); status != 200 {
		t.Error(status)
	}
}
