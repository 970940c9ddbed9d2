package fleet

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"net/http"
	"testing"
	"time"
)

// key is an Identity for tests, made from a word.
type key struct{ ed25519.PrivateKey }

func keyOf(word string) key {
	seed := sha256.Sum256([]byte(word))
	return key{ed25519.NewKeyFromSeed(seed[:])}
}

func (k key) ID() string                 { return ID(k.Public()) }
func (k key) Public() ed25519.PublicKey  { return k.PrivateKey.Public().(ed25519.PublicKey) }
func (k key) Sign(payload []byte) []byte { return ed25519.Sign(k.PrivateKey, payload) }

func signed(t *testing.T, k key, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://fleet.example/folder"+ReportsRoute, nil)
	if err != nil {
		t.Fatal(err)
	}
	Sign(req, k, ReportsRoute, []byte(body), noon)
	return req
}

func TestVerify(t *testing.T) {
	a, b := keyOf("a"), keyOf("b")
	const body = "{}"
	for _, c := range []struct {
		name   string
		change func(h http.Header)
		public ed25519.PublicKey
		method string
		route  string
		body   string
		at     time.Duration
		want   error
	}{
		{name: "as it is"},
		{name: "nine minutes late", at: 9 * time.Minute},
		{name: "eleven minutes late", at: 11 * time.Minute, want: ErrDate},
		{name: "eleven minutes early", at: -11 * time.Minute, want: ErrDate},
		{name: "ten years late", at: 87600 * time.Hour, want: ErrDate},
		{name: "another body", body: "{ }", want: ErrSignature},
		{name: "another route", route: EnrolRoute, want: ErrSignature},
		{name: "another method", method: http.MethodPut, want: ErrSignature},
		{name: "another key", public: b.Public(), want: ErrSignature},
		{name: "no key", public: ed25519.PublicKey{}, want: ErrSignature},
		{name: "another device", change: func(h http.Header) { h.Set(headerDevice, b.ID()) }, want: ErrSignature},
		{name: "another date", change: func(h http.Header) { h.Set(headerDate, noon.Add(time.Second).Format(time.RFC3339Nano)) }, want: ErrSignature},
		{name: "the same date, written otherwise", change: func(h http.Header) { h.Set(headerDate, "2026-05-01T12:00:00.0Z") }, want: ErrSignature},
		{name: "no headers", change: func(h http.Header) { clear(h) }, want: ErrUnsigned},
		{name: "no signature", change: func(h http.Header) { h.Del(headerSignature) }, want: ErrUnsigned},
		{name: "half a signature", change: func(h http.Header) { h.Set(headerSignature, h.Get(headerSignature)[:44]) }, want: ErrUnsigned},
		{name: "two signatures", change: func(h http.Header) { h.Add(headerSignature, "x") }, want: ErrUnsigned},
		{name: "an ID that is none", change: func(h http.Header) { h.Set(headerDevice, "../../etc") }, want: ErrUnsigned},
		{name: "a date that is none", change: func(h http.Header) { h.Set(headerDate, "today") }, want: ErrUnsigned},
	} {
		req := signed(t, a, body)
		if c.change != nil {
			c.change(req.Header)
		}
		p, err := ParseProof(req.Header)
		if err == nil {
			public, method, route, sent := c.public, c.method, c.route, c.body
			if public == nil {
				public = a.Public()
			}
			if method == "" {
				method = http.MethodPost
			}
			if route == "" {
				route = ReportsRoute
			}
			if sent == "" {
				sent = body
			}
			err = p.Verify(public, method, route, []byte(sent), noon.Add(c.at), 10*time.Minute)
		}
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// An ID is for life, so it must never come out otherwise.
func TestID(t *testing.T) {
	if got, want := keyOf("a").ID(), "2c4e4d1de6fbfc05d950fc7e6461be30"; got != want {
		t.Errorf("ID is %s, was %s: devices would change their names", got, want)
	}
	for _, bad := range []string{"", "abc", keyOf("a").ID() + "0", "2C4e4d1de6fbfc05d950fc7e6461be30", "../../../../../../etc/passwd0000"} {
		if CheckID(bad) == nil {
			t.Errorf("%q is an ID", bad)
		}
	}
}

// FuzzProof reads any headers.
func FuzzProof(f *testing.F) {
	req, err := http.NewRequest(http.MethodPost, "/", nil)
	if err != nil {
		f.Fatal(err)
	}
	k := keyOf("f")
	Sign(req, k, ReportsRoute, []byte("x"), noon)
	f.Add(req.Header.Get(headerDevice), req.Header.Get(headerDate), req.Header.Get(headerSignature), "x")
	f.Add("", "2026-05-01T12:00:00Z", "====", "")
	f.Fuzz(func(t *testing.T, device, date, signature, body string) {
		h := http.Header{headerDevice: {device}, headerDate: {date}, headerSignature: {signature}}
		p, err := ParseProof(h)
		if err != nil {
			return
		}
		genuine := h.Get(headerDevice) == req.Header.Get(headerDevice) && date == req.Header.Get(headerDate) && body == "x"
		if err := p.Verify(k.Public(), http.MethodPost, ReportsRoute, []byte(body), noon, time.Minute); err == nil && !genuine {
			t.Fatalf("a signature over something else holds: %q %q %q", device, date, body)
		}
	})
}
