package nudge_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/edge-adapt/edge/models/nudge"
)

// broker starts a real broker on address, and returns where it listens and how
// to end it. Only the user "edge" with the password "secret" is let in.
func broker(t *testing.T, address string) (string, func()) {
	t.Helper()
	s := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	rules := &auth.Ledger{Auth: auth.AuthRules{{Username: "edge", Password: "secret", Allow: true}}}
	if err := s.AddHook(new(auth.Hook), &auth.Options{Ledger: rules}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddListener(listeners.NewNet("test", l)); err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end := func() {
		if !ended {
			ended = true
			_ = s.Close()
		}
	}
	t.Cleanup(end)
	return l.Addr().String(), end
}

func settings(t *testing.T, address, password string) nudge.Broker {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return nudge.Broker{URL: "mqtt://" + address, Username: "edge", PasswordFile: file}
}

// listen listens until the test ends, and returns what was heard.
func listen(t *testing.T, b nudge.Broker, channel string, trouble func(error)) <-chan int {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	heard, done := make(chan int, 16), make(chan error, 1)
	go func() { done <- nudge.Listen(ctx, b, channel, func(n int) { heard <- n }, trouble) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Listen: %v", err)
		}
	})
	return heard
}

func want(t *testing.T, heard <-chan int, n int) {
	t.Helper()
	select {
	case got := <-heard:
		if got != n {
			t.Errorf("heard %d, want %d", got, n)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("heard nothing, want %d", n)
	}
}

func TestNudge(t *testing.T) {
	address, end := broker(t, "127.0.0.1:0")
	b := settings(t, address, "secret")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	stable, canary := listen(t, b, "stable", nil), listen(t, b, "canary", nil)
	if err := nudge.Send(ctx, b, "stable", 7); err != nil {
		t.Fatal(err)
	}
	want(t, stable, 7)
	if err := nudge.Send(ctx, b, "canary", 8); err != nil {
		t.Fatal(err)
	}
	want(t, canary, 8) // and not the 7 of another channel
	want(t, listen(t, b, "stable", nil), 7)

	// The broker goes away and comes back: nobody has to do anything.
	end()
	if err := nudge.Send(ctx, b, "stable", 9); err == nil {
		t.Error("nudged without a broker")
	}
	broker(t, address)
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if err := nudge.Send(ctx, b, "stable", 10); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-stable:
			if got != 10 {
				t.Errorf("heard %d, want 10", got)
			}
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
	t.Error("heard nothing after the broker came back")
}

func TestRefused(t *testing.T) {
	address, _ := broker(t, "127.0.0.1:0")
	b := settings(t, address, "guessed")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := nudge.Send(ctx, b, "stable", 7); err == nil {
		t.Error("let in with a wrong password")
	}
	troubles := make(chan error, 16)
	listen(t, b, "stable", func(err error) {
		select {
		case troubles <- err:
		default:
		}
	})
	select {
	case err := <-troubles:
		if !strings.Contains(err.Error(), address) || strings.Contains(err.Error(), "guessed") {
			t.Errorf("trouble: %v", err)
		}
	case <-ctx.Done():
		t.Error("no word of the wrong password")
	}
}

func TestConfiguration(t *testing.T) {
	password := settings(t, "127.0.0.1:1", "secret").PasswordFile
	for name, b := range map[string]nudge.Broker{
		"no scheme":          {URL: "localhost:1883"},
		"http":               {URL: "http://localhost"},
		"password in URL":    {URL: "mqtts://edge:secret@localhost"},
		"plain password":     {URL: "mqtt://broker.example", PasswordFile: password},
		"no password file":   {URL: "mqtts://broker.example", PasswordFile: password + "x"},
		"no certificates":    {URL: "mqtts://broker.example", CAFile: password},
		"half a certificate": {URL: "mqtts://broker.example", CertFile: password},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := nudge.Listen(ctx, b, "stable", func(int) {}, nil)
		if err == nil || errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "secret\n") {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
}
