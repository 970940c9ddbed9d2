package main

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// fakeDaemon answers as a daemon without tasks that wants a token.
func fakeDaemon(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Header.Get("Authorization") != "Bearer good":
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":"who are you?"}`))
	case r.URL.Path == "/api/info":
		w.Write([]byte(`{"version":"7","ready":true}`))
	case r.URL.Path == "/api/tasks":
		w.Write([]byte(`{"tasks":[]}`))
	}
}

func ask(t *testing.T, f clientFlags) (*daemonState, error) {
	t.Helper()
	c, err := f.connect(t.Context())
	if err != nil {
		return nil, err
	}
	return c.state(t.Context())
}

func TestClientReaches(t *testing.T) {
	dir := shortDir(t)
	tokens := filepath.Join(dir, "token")
	os.WriteFile(tokens, []byte("good\n"), 0o600)
	plain := httptest.NewServer(http.HandlerFunc(fakeDaemon))
	defer plain.Close()
	secret := httptest.NewTLSServer(http.HandlerFunc(fakeDaemon))
	defer secret.Close()
	ca := filepath.Join(dir, "ca.pem")
	os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secret.Certificate().Raw}), 0o600)
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(fakeDaemon)}}
	local.Start()
	defer local.Close()
	for _, f := range []clientFlags{
		{server: plain.URL, tokenFile: tokens},
		{server: strings.TrimPrefix(plain.URL, "http://"), tokenFile: tokens},
		{server: secret.URL, tokenFile: tokens, ca: ca},
		{server: "unix:" + socket, tokenFile: tokens},
	} {
		if s, err := ask(t, f); err != nil || s.Info.Version != "7" {
			t.Errorf("%+v: %+v, %v", f, s, err)
		}
	}
	// Where nobody says which, the usual socket; the token from a variable.
	t.Setenv("EDGE_TOKEN", "good")
	t.Setenv("RUNTIME_DIRECTORY", dir)
	os.Symlink(socket, filepath.Join(dir, "edge.sock"))
	if s, err := ask(t, clientFlags{}); err != nil || s.Server != "unix:"+filepath.Join(dir, "edge.sock") {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestClientErrors(t *testing.T) {
	daemon := httptest.NewServer(http.HandlerFunc(fakeDaemon))
	defer daemon.Close()
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
	defer foreign.Close()
	away := httptest.NewServer(http.RedirectHandler(daemon.URL, http.StatusFound))
	defer away.Close()
	for want, f := range map[string]clientFlags{
		"answers 401: who are you?": {server: daemon.URL},
		"is no edge":                {server: foreign.URL},
		"redirected":                {server: away.URL},
		"connection refused":        {server: "127.0.0.1:1"},
		"no such file":              {server: "unix:/nowhere/s"},
		"is no address":             {server: "nonsense"},
		"token: open /nowhere":      {server: daemon.URL, tokenFile: "/nowhere"},
		"no certificate in it":      {server: "https://localhost:1", ca: "status_client_test.go"},
	} {
		_, err := ask(t, f)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v gives %v; want %q", f, err, want)
		}
		if want == "answers 401: who are you?" && !strings.Contains(hint.Of(err), "edge token") {
			t.Errorf("hint: %s", hint.Of(err))
		}
	}
}
