package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// played is a receiver that answers what it is told to, one answer a request.
type played struct {
	*httptest.Server
	mu      sync.Mutex
	answers []Answer
	asked   []asked
}

type asked struct {
	route, token string
	report       Report
	proof        Proof
}

func play(t *testing.T, answers ...Answer) *played {
	t.Helper()
	p := &played{answers: answers}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		a := asked{route: r.URL.Path, token: r.Header.Get("Authorization")}
		var err error
		if a.proof, err = ParseProof(r.Header); err != nil {
			t.Error(err)
		}
		if r.URL.Path == ReportsRoute {
			if a.report, err = Parse(body); err != nil {
				t.Error(err)
			}
		} else if _, err := ParseEnrolment(body); err != nil {
			t.Error(err)
		}
		p.asked = append(p.asked, a)
		if len(p.answers) == 0 {
			t.Error("asked too often")
			return
		}
		answer := p.answers[0]
		p.answers = p.answers[1:]
		if answer.Error != "" {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusForbidden)
		}
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *played) client(t *testing.T, o ClientOptions) *Client {
	t.Helper()
	o.URL, o.Identity = p.URL, keyOf("a")
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var no = Answer{Error: "no"}

func coded(c Code, a Answer) Answer { a.Error, a.Code = "no", c; return a }

// The receiver knows neither the device nor its clock, and then has a higher
// sequence: one Send gets through.
func TestSendLearns(t *testing.T) {
	theirs := noon.Add(240 * time.Hour)
	p := play(t,
		coded(CodeUnknown, Answer{}), coded(CodeDate, Answer{Now: theirs}), Answer{},
		coded(CodeSequence, Answer{Sequence: 41}), Answer{Sequence: 42}, Answer{Sequence: 43})
	c := p.client(t, ClientOptions{Token: func() (string, error) { return "edge_token", nil }, Now: func() time.Time { return noon }})
	for range 2 {
		if err := c.Send(t.Context(), whole()); err != nil {
			t.Fatal(err)
		}
	}
	var routes []string
	for _, a := range p.asked {
		routes = append(routes, a.route)
		if (a.token == "Bearer edge_token") != (a.route == EnrolRoute) {
			t.Errorf("%s with the token %q", a.route, a.token)
		}
	}
	if got := strings.Join(routes, " "); got != "/v1/reports /v1/enrol /v1/enrol /v1/reports /v1/reports /v1/reports" {
		t.Error(got)
	}
	last := p.asked[len(p.asked)-1]
	if last.report.Sequence != 43 || !last.proof.Date.Equal(theirs) || !last.report.Sent.Equal(noon) || last.report.Tasks[0].Labels != nil {
		t.Errorf("%+v, signed %v", last.report, last.proof.Date)
	}
}

// What teaches nothing new ends it.
func TestSendGivesUp(t *testing.T) {
	for name, answers := range map[string][]Answer{
		"blocked":             {coded(CodeBlocked, Answer{})},
		"a plain no":          {no},
		"the same twice":      {coded(CodeSequence, Answer{Sequence: 4}), coded(CodeSequence, Answer{Sequence: 5})},
		"not enrolled":        {coded(CodeUnknown, Answer{}), no},
		"a sequence too high": {coded(CodeSequence, Answer{Sequence: maxWhole})},
	} {
		p := play(t, answers...)
		err := p.client(t, ClientOptions{}).Send(t.Context(), whole())
		var refused *Refused
		if !errors.As(err, &refused) || refused.Status != http.StatusForbidden || refused.After != 7*time.Second || len(p.answers) > 0 {
			t.Errorf("%s: %v, %d answers left", name, err, len(p.answers))
		}
	}
}

func TestSendToNobody(t *testing.T) {
	p := play(t)
	c := p.client(t, ClientOptions{})
	p.Close()
	err := c.Send(t.Context(), whole())
	var refused *Refused
	if err == nil || errors.As(err, &refused) {
		t.Error(err)
	}
	for name, handler := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"error":"`+strings.Repeat("x", 1<<20))
		},
	} {
		s := httptest.NewServer(handler)
		c, err := NewClient(ClientOptions{URL: s.URL, Identity: keyOf("a")})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Send(t.Context(), whole()); !errors.As(err, &refused) || len(err.Error()) > 1000 {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
		s.Close()
	}
}

func TestNewClientRefuses(t *testing.T) {
	for address, hinted := range map[string]string{
		"":                              "",
		"fleet.example":                 "",
		"ftp://fleet.example":           "",
		"https://user:pw@fleet.example": "",
		"https://fleet.example?x=1":     "",
		"http://fleet.example":          "use https",
		"http://192.0.2.1":              "use https",
		"http://localhost.evil.example": "use https",
	} {
		_, err := NewClient(ClientOptions{URL: address, Identity: keyOf("a")})
		if err == nil || hint.Of(err) != hinted || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v (%s)", address, err, hint.Of(err))
		}
	}
	for _, address := range []string{"https://fleet.example/folder/", "http://localhost:8090", "http://[::1]:1", "http://127.3.2.1"} {
		if _, err := NewClient(ClientOptions{URL: address, Identity: keyOf("a")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := NewClient(ClientOptions{URL: "http://fleet.example", Identity: keyOf("a"), Insecure: true}); err != nil {
		t.Error(err)
	}
	if _, err := NewClient(ClientOptions{URL: "https://fleet.example"}); err == nil {
		t.Error("without an identity")
	}
}

// A reporter sends at its time and when it is woken, goes on after failures, and
// ends with its context.
func TestReporter(t *testing.T) {
	made := make(chan struct{})
	soon := make(chan struct{}, 1)
	p := play(t, Answer{}, no, Answer{}, Answer{})
	r := Reporter{Client: p.client(t, ClientOptions{}), Every: 20 * time.Millisecond, Soon: soon, Make: func(context.Context) (Report, error) {
		made <- struct{}{}
		return whole(), nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { r.Run(ctx); close(ended) }()
	for i := range 3 {
		if i == 2 {
			soon <- struct{}{}
		}
		<-made
	}
	cancel()
	for {
		select {
		case <-made:
			continue
		case <-ended:
		}
		break
	}
}
