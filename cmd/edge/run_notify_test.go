package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// systemdSocket stands in for systemd: it returns what the notifier tells.
func systemdSocket(t *testing.T) <-chan string {
	t.Helper()
	path := filepath.Join(shortDir(t), "n")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	told := make(chan string, 100)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			told <- string(buf[:n])
		}
	}()
	return told
}

func TestNotify(t *testing.T) {
	told := systemdSocket(t)
	n := notifier{log: slog.New(slog.DiscardHandler)}
	n.ready()
	n.reloading()
	n.status("well")
	n.stopping()
	for _, want := range []string{"READY=1", "RELOADING=1\nMONOTONIC_USEC=", "STATUS=well", "STOPPING=1"} {
		if got := <-told; !strings.HasPrefix(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
}

func TestWatchdogTellsOnlyWhileAlive(t *testing.T) {
	told := systemdSocket(t)
	t.Setenv("WATCHDOG_USEC", "30000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	var hung atomic.Bool
	asked := make(chan bool, 1000)
	n := notifier{log: slog.New(slog.DiscardHandler), alive: func(context.Context) error {
		asked <- hung.Load()
		if hung.Load() {
			return errors.New("hung")
		}
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { n.watchdog(ctx); close(done) }()
	for range 3 {
		if got := <-told; got != "WATCHDOG=1" {
			t.Errorf("told %q", got)
		}
	}
	hung.Store(true)
	for !<-asked { // until it has been asked while it hung
		continue
	}
	for len(told) > 0 {
		<-told
	}
	for range 3 {
		<-asked
	}
	select {
	case got := <-told:
		t.Errorf("a daemon that hangs told %q", got)
	default:
	}
	cancel()
	<-done
}

// Without systemd nothing happens, and nothing waits.
func TestNotifyNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	n := notifier{log: slog.New(slog.DiscardHandler)}
	n.ready()
	n.watchdog(t.Context())
}
