package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"

	"github.com/edge-adapt/edge/runtime/config"
)

// A daemon hears what edge publish nudge sends through a real broker, and each
// release once.
func TestNudgeReachesTheDaemon(t *testing.T) {
	broker := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.AddHook(new(auth.AllowHook), nil); err != nil {
		t.Fatal(err)
	}
	if err := broker.AddListener(listeners.NewNet("test", l)); err != nil {
		t.Fatal(err)
	}
	if err := broker.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { broker.Close() })
	address := "mqtt://" + l.Addr().String()

	dir := t.TempDir()
	repository, store := filepath.Join(dir, "repository"), filepath.Join(dir, "store")
	env := []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "EDGE_PUBLISH_PASSPHRASE=correct-horse", "EDGE_REPOSITORY=" + repository}
	edgeWith(t, env, "publish", "init", repository, "--quiet")
	edgeWith(t, env, "publish", "add", filepath.Join("..", "..", "models", "base", "mobilenet_v2_0.35_128.tflite"), "--quiet")
	edgeWith(t, env, "update", "enrol", "file://"+repository, "--root", filepath.Join(repository, "public", "metadata", "root.json"), "--store", store)

	u := &updates{
		dir: filepath.Join(store, "update"), log: slog.New(slog.NewTextHandler(os.Stderr, nil)), wake: make(chan struct{}, 1),
		settings: func() config.Update { return config.Update{Nudge: config.Nudge{Broker: address}} },
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { u.listen(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	woken := func() bool {
		select {
		case <-u.wake:
			return true
		case <-time.After(20 * time.Second):
			return false
		}
	}
	edgeWith(t, env, "publish", "nudge", "--broker", address)
	if !woken() {
		t.Fatal("it was not woken")
	}
	edgeWith(t, env, "publish", "nudge", "--broker", address) // of the same release
	edgeWith(t, env, "publish", "add", filepath.Join("..", "..", "models", "base", "mobilenet_v2_0.35_128.tflite"), "--quiet", "--task", "lamps")
	edgeWith(t, env, "publish", "nudge", "--broker", address)
	if !woken() {
		t.Fatal("it was not woken by the second release")
	}
	select {
	case <-u.wake:
		t.Error("it was woken twice by one release")
	default:
	}
}
