package server

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/runtime/server/access"
)

var (
	beyond = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8080} // an address of this machine in its network
	socket = &net.UnixAddr{Name: "/run/edge.sock", Net: "unix"}
)

// TestAttacks asks for something that changes what serves, in the ways that are
// known of servers on devices.
func TestAttacks(t *testing.T) {
	bearer := func(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }
	const page = "https://evil.example"
	type made struct {
		g      *rig
		tokens map[access.Scope]string
	}
	all := map[[2]bool]made{}
	rigs := func(ask, insecure bool) (*rig, map[access.Scope]string) {
		m, ok := all[[2]bool{ask, insecure}]
		if !ok {
			m.g = newRig(t, func(o *Options) {
				o.Insecure, o.Hosts = insecure, []string{"shelf.lan"}
				if ask {
					m.tokens = keys(t, o)
				}
			})
			all[[2]bool{ask, insecure}] = m
		}
		return m.g, m.tokens
	}
	for _, c := range []struct {
		name     string
		keys     bool
		insecure bool
		ask      ask
		token    access.Scope // of the token that is sent
		status   int
	}{
		{name: "loopback, no tokens are asked for", status: 200},
		{name: "unix socket, no tokens are asked for", ask: ask{to: socket, from: "@", host: "edge"}, status: 200},
		{name: "unix socket, tokens are asked for", keys: true, ask: ask{to: socket, from: "@", host: "edge"}, status: 200},

		{name: "from the network", ask: ask{to: beyond, from: "192.0.2.9:1"}, status: 401},
		{name: "from the network, insecure", insecure: true, ask: ask{to: beyond, from: "192.0.2.9:1", host: "192.0.2.1:8080"}, status: 200},
		{name: "through somebody else's handler, which says nothing of addresses", ask: ask{to: &net.IPAddr{}}, status: 401},
		{name: "loopback, without the token", keys: true, status: 401},
		{name: "with a wrong token", keys: true, ask: ask{header: bearer("edge_aaaaaaaa_" + strings.Repeat("a", 43))}, status: 401},
		{name: "with a wrong token, though none is asked for", ask: ask{header: bearer("edge_aaaaaaaa_x")}, status: 401},
		{name: "with an empty token", keys: true, ask: ask{header: bearer("")}, status: 401},
		{name: "with a password", keys: true, ask: ask{header: map[string]string{"Authorization": "Basic YWRtaW46YWRtaW4="}}, status: 401},
		{name: "with the scope read", keys: true, token: access.Read, status: 403},
		{name: "with the scope label", keys: true, token: access.Label, status: 403},
		{name: "with the scope admin", keys: true, token: access.Admin, status: 200},
		{name: "with the scope admin, from the network, by any name", keys: true, token: access.Admin, ask: ask{to: beyond, from: "192.0.2.9:1", host: "edge.example.com"}, status: 200},
		{name: "with the token in the address", keys: true, token: "query", status: 401},

		{name: "a page of another site, new browser", ask: ask{header: map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": page}}, status: 403},
		{name: "a page of the same site, another origin", ask: ask{header: map[string]string{"Sec-Fetch-Site": "same-site"}}, status: 403},
		{name: "a page of another site, old browser", ask: ask{header: map[string]string{"Origin": page}}, status: 403},
		{name: "a sandboxed page", ask: ask{header: map[string]string{"Origin": "null"}}, status: 403},
		{name: "a page of another site that knows a token", keys: true, token: access.Admin, ask: ask{header: map[string]string{"Sec-Fetch-Site": "cross-site"}}, status: 403},
		{name: "a page of another site, unix socket", ask: ask{to: socket, header: map[string]string{"Origin": page}}, status: 403},
		{name: "a page of this server", ask: ask{header: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8080"}}, status: 200},

		{name: "a rebound name", ask: ask{host: "evil.example:8080", header: map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example:8080"}}, status: 421},
		{name: "a rebound name that looks like an address", ask: ask{host: "127.0.0.1.evil.example"}, status: 421},
		{name: "a rebound name, insecure", insecure: true, ask: ask{to: beyond, from: "192.0.2.9:1", host: "evil.example"}, status: 421},
		{name: "localhost", ask: ask{host: "LOCALHOST.:8080"}, status: 200},
		{name: "IPv6", ask: ask{host: "[::1]:8080", from: "[::1]:1", to: &net.TCPAddr{IP: net.IPv6loopback}}, status: 200},
		{name: "a name that was allowed", ask: ask{host: "Shelf.lan:8080"}, status: 200},
		{name: "no name", ask: ask{host: " "}, status: 421},

		{name: "through a proxy", ask: ask{header: map[string]string{"X-Forwarded-For": "203.0.113.5"}}, status: 401},
		{name: "through a proxy that says Forwarded", ask: ask{header: map[string]string{"Forwarded": "for=203.0.113.5"}}, status: 401},
		{name: "through a proxy to the unix socket", ask: ask{to: socket, header: map[string]string{"X-Forwarded-For": "203.0.113.5"}}, status: 401},
		{name: "through a proxy, with a token", keys: true, token: access.Admin, ask: ask{header: map[string]string{"X-Forwarded-For": "203.0.113.5"}}, status: 200},
		{name: "says it comes from here", ask: ask{to: beyond, from: "192.0.2.9:1", header: map[string]string{"X-Real-Ip": "127.0.0.1"}}, status: 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			g, tokens := rigs(c.keys, c.insecure)
			g.tb = t
			a := c.ask
			a.method, a.path = "POST", "/api/tasks/lamps/generations/2/activate"
			switch token := tokens[c.token]; {
			case c.token == "query":
				a.path += "?token=" + tokens[access.Admin] + "&access_token=" + tokens[access.Admin]
			case token != "":
				a.header = with(a.header, "Authorization", "Bearer "+token)
			}
			res := g.do(a)
			g.want(res, c.status, "")
			active, err := g.store.Store.Active("lamps")
			if err != nil || (active.Current == 2) != (c.status == 200) {
				t.Errorf("generation %d is active, %v", active.Current, err)
			}
			if task, err := g.rt.Task("lamps"); err != nil || task.Activate(t.Context(), 1, "as before") != nil {
				t.Fatal("it cannot be undone")
			}
			if (c.status == 401) != (res.header.Get("WWW-Authenticate") != "") {
				t.Errorf("%d with WWW-Authenticate %q", c.status, res.header.Get("WWW-Authenticate"))
			}
			if c.status != 200 && !bytes.Contains(res.body, []byte(`"hint"`)) {
				t.Errorf("no hint: %s", res.body)
			}
			if res.header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("other sites may read the answer")
			}
			for _, token := range tokens {
				if strings.Contains(g.log.String(), token) {
					t.Errorf("a token stands in the log:\n%s", &g.log)
				}
			}
		})
	}
}

// TestScopes asks for every route with every scope.
func TestScopes(t *testing.T) {
	var tokens map[access.Scope]string
	g := newRig(t, func(o *Options) { tokens, o.Pprof = keys(t, o), true })
	for _, r := range g.routes {
		path := strings.NewReplacer("{task}", "nobody", "{label}", "x", "{name}", "x", "{generation}", "1", "{version}", "1", "{profile}", "nothing").Replace(r.path)
		if r.path == "/api/events" {
			continue // goes on and on where it is allowed
		}
		for _, scope := range append(access.Scopes(), "") {
			a := ask{method: r.method, path: path, body: []byte(`{}`), from: "192.0.2.9:1", to: beyond}
			if scope != "" {
				a.header = map[string]string{"Authorization": "Bearer " + tokens[scope]}
			}
			status := g.do(a).status
			allowed := r.scope == "" || scope.Allows(r.scope)
			switch {
			case scope == "" && !allowed && status == 401, scope != "" && !allowed && status == 403, allowed && status != 401 && status != 403:
			default:
				t.Errorf("%s %s with the scope %q: %d", r.method, r.path, scope, status)
			}
		}
	}
	if a := g.do(ask{method: "GET", path: "/nothing", from: "192.0.2.9:1", to: beyond}); a.status != 401 {
		t.Errorf("a stranger is told what there is not: %d", a.status)
	}
	a := g.do(ask{method: "GET", path: "/readyz", from: "192.0.2.9:1", to: beyond})
	g.want(a, 200, `{"ready":true}`)
	g.addEmpty()
	a = g.do(ask{method: "GET", path: "/readyz", from: "192.0.2.9:1", to: beyond})
	if a.status != 503 || strings.Contains(string(a.body), "empty") {
		t.Errorf("a stranger is told why: %d %s", a.status, a.body)
	}
	a = g.do(ask{method: "GET", path: "/readyz", from: "192.0.2.9:1", to: beyond, header: map[string]string{"Authorization": "Bearer " + tokens[access.Read]}})
	g.want(a, 503, "empty")
}

func TestHeaders(t *testing.T) {
	g := newRig(t)
	for _, path := range []string{"/api/info", "/nothing", "/healthz", "/metrics"} {
		a := g.get(path)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Access-Control-Allow-Origin": "",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if !strings.HasPrefix(a.header.Get("Content-Security-Policy"), "default-src 'none'") || a.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", path, a.header)
		}
	}
	a := g.do(ask{method: "GET", path: "/healthz", header: map[string]string{"X-Request-Id": "mine-1"}})
	if got := a.header.Get("X-Request-Id"); got != "mine-1" || !strings.Contains(g.log.String(), "request=mine-1") {
		t.Errorf("%q", got)
	}
	for _, id := range []string{"a b", "a\"b", strings.Repeat("a", 65), "ü"} {
		a := g.do(ask{method: "GET", path: "/healthz", header: map[string]string{"X-Request-Id": id}})
		if got := a.header.Get("X-Request-Id"); got == id || got == "" {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	g := newRig(t)
	a := g.send("PUT", "/api/tasks/lamps/labels/x", []byte("{}"))
	g.want(a, 405, "use DELETE, PATCH")
	if a.header.Get("Allow") != "DELETE, PATCH" {
		t.Errorf("%v", a.header)
	}
	g.want(g.send("GET", "/api/image", nil), 405, "use POST")
	g.want(g.send("OPTIONS", "/api/image", nil), 405, "use POST")
	g.want(g.get("/api/nothing"), 404, "there is no /api/nothing")
	g.want(g.get("/"), 404, "/api/openapi.yaml")
	g.want(g.get("/debug/pprof/heap"), 404, "there is no")
	head := g.do(ask{method: "HEAD", path: "/api/info"})
	if head.status != 200 {
		t.Errorf("HEAD: %d", head.status)
	}
}

func TestPprof(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Pprof = true })
	if a := g.get("/debug/pprof/goroutine?debug=1"); a.status != 200 || !bytes.Contains(a.body, []byte("goroutine profile")) {
		t.Errorf("%d", a.status)
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	g := newRig(t)
	h := g.guard(route{method: "GET", path: "/x", handle: func(*call) error { panic("a bug") }})
	w := newRecorder()
	h.ServeHTTP(w, ask{method: "GET", path: "/x"}.request(t))
	if w.Code != http.StatusInternalServerError || !strings.Contains(g.log.String(), "a bug") || strings.Contains(w.Body.String(), "a bug") {
		t.Errorf("%d %s\n%s", w.Code, w.Body, &g.log)
	}
	if len(g.requests) != 0 {
		t.Error("its place was not given back")
	}
}

func TestRate(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Insecure, o.Limits.Rate, o.Limits.Burst = true, 0.001, 3 })
	from := func(addr string) answer {
		return g.do(ask{method: "GET", path: "/api/info", to: beyond, from: addr})
	}
	for i := range 5 {
		a := from(fmt.Sprintf("192.0.2.9:%d", i+1))
		if (a.status == 200) != (i < 3) {
			t.Errorf("request %d: %d", i, a.status)
		}
		if i >= 3 && (a.status != 429 || a.header.Get("Retry-After") == "") {
			t.Errorf("%d %v", a.status, a.header)
		}
	}
	if a := from("192.0.2.10:1"); a.status != 200 {
		t.Errorf("somebody else: %d", a.status)
	}
	for i := range 5 { // one network of IPv6 is one client
		if a := from(fmt.Sprintf("[2001:db8::%d]:1", i)); (a.status == 200) != (i < 3) {
			t.Errorf("IPv6 request %d: %d", i, a.status)
		}
	}
	if a := from("[::ffff:192.0.2.9]:1"); a.status != 429 {
		t.Errorf("the first, as IPv6: %d", a.status)
	}
	for range 9 {
		if a := g.get("/api/info"); a.status != 200 {
			t.Errorf("loopback: %d", a.status)
		}
	}
	for i := range 2 * maxClients {
		g.clients.wait(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), time.Now())
	}
	if n := len(g.clients.all); n != maxClients || n != g.clients.used.Len() {
		t.Errorf("%d clients are remembered", n)
	}
}
