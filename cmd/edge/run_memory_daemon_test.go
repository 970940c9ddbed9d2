package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// memoryAnswer is what the daemon says to a request that takes memory.
type memoryAnswer struct {
	status int
	retry  string // Retry-After
	body   string
}

// show sends a picture.
func (d *runningDaemon) show(ctx context.Context, picture []byte) (memoryAnswer, error) {
	return d.post(ctx, "/api/image?task=default", picture)
}

func (d *runningDaemon) post(ctx context.Context, path string, picture []byte) (memoryAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, bytes.NewReader(picture))
	if err != nil {
		return memoryAnswer{}, err
	}
	req.Header.Set("Content-Type", "image/jpeg")
	// As most clients are: one that wants the connection closed may not get to see an
	// answer that comes before its body has been read.
	kept := d.client.Transport.(*http.Transport).Clone()
	kept.DisableKeepAlives = false
	defer kept.CloseIdleConnections()
	client := http.Client{Transport: kept}
	resp, err := client.Do(req)
	if err != nil {
		return memoryAnswer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return memoryAnswer{resp.StatusCode, resp.Header.Get("Retry-After"), string(data)}, err
}

// want asks that a is the refusal for want of memory, with the next step.
func (a memoryAnswer) want(t *testing.T) {
	t.Helper()
	if a.status != http.StatusServiceUnavailable || a.retry == "" ||
		!strings.Contains(a.body, "memory is short") || !strings.Contains(a.body, `"hint":"try again later, or give the daemon more memory`) {
		t.Errorf("refused with %+v", a)
	}
}

// photo is one of the samples.
func photo(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "photos", "lamp_red", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no photo", err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// large is a picture that takes about 150 MB to decode and almost none to send.
func large(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewYCbCr(image.Rect(0, 0, 5600, 5600), image.YCbCrSubsampleRatio420), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDaemonMemory shows a daemon with little memory pictures that are too much
// for it, until it refuses them. It must live, say why, answer what costs
// nothing meanwhile, and take pictures again when there is memory again.
func TestDaemonMemory(t *testing.T) {
	dir := shortDir(t)
	adaptOnce(t, dir)
	small, big := photo(t, dir), large(t)
	d := startDaemon(t, dir, "--samples", filepath.Join(dir, "photos"), "--source", "test://?rate=10", "--set", "memory=192MiB")
	if a, err := d.show(t.Context(), small); err != nil || a.status != http.StatusOK {
		t.Fatalf("at first: %+v, %v", a, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	var refused memoryAnswer
	var clients sync.WaitGroup
	defer clients.Wait()
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if a, err := d.show(ctx, big); err == nil && a.status != http.StatusOK {
					mu.Lock()
					refused = a
					mu.Unlock()
					return
				}
			}
		})
	}
	until(t, "a refusal", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return refused.status != 0
	})
	stop()
	refused.want(t)
	for _, path := range []string{"/healthz", "/readyz", "/api/tasks", "/metrics"} {
		if _, err := d.ask(http.MethodGet, path); err != nil {
			t.Errorf("while memory is short: %v", err)
		}
	}
	until(t, "a small picture is taken again", func() bool {
		a, err := d.show(t.Context(), small)
		return err == nil && a.status == http.StatusOK
	})
	until(t, "there is memory again", func() bool { return !d.short(t) })
	d.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-d.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"memory is short: requests are refused, nothing adapts", "there is memory again"} {
		if !strings.Contains(d.log.String(), want) {
			t.Errorf("%q was not logged:\n%s", want, d.log.String())
		}
	}
}

// TestDaemonCeiling starts a daemon above its ceiling: nothing that takes memory
// is done, the camera is watched on, and a higher ceiling is taken at once.
func TestDaemonCeiling(t *testing.T) {
	dir := shortDir(t)
	adaptOnce(t, dir)
	small := photo(t, dir)
	file := filepath.Join(dir, "edge.yaml")
	write := func(ceiling string) {
		t.Helper()
		text := "memory: " + ceiling + "\ntasks: {default: {source: 'test://?rate=20', samples: photos}}\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("0.01%")
	d := startDaemon(t, dir, "--config", file)
	until(t, "memory is short", func() bool { return d.short(t) })
	for _, path := range []string{"/api/image?task=default", "/api/tasks/default/adapt", "/v1/models/default:predict"} {
		a, err := d.post(t.Context(), path, small)
		if err != nil {
			t.Fatal(path, err)
		}
		if strings.HasPrefix(path, "/api") {
			a.want(t)
		} else if a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "memory is short (try again later") {
			t.Errorf("%s: %+v", path, a)
		}
	}
	seen := d.tasks(t)[0].Counts.Frames
	until(t, "more frames", func() bool { return d.tasks(t)[0].Counts.Frames > seen+10 })
	if _, err := d.ask(http.MethodGet, "/readyz"); err != nil {
		t.Errorf("its cameras are watched, and it is not ready: %v", err)
	}

	write("90%")
	d.cmd.Process.Signal(syscall.SIGHUP)
	until(t, "there is memory again", func() bool { return !d.short(t) })
	if a, err := d.show(t.Context(), small); err != nil || a.status != http.StatusOK {
		t.Errorf("with more memory: %+v, %v", a, err)
	}
	d.adapt(t, "default")
	d.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-d.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// short reports whether the daemon says that it refuses work.
func (d *runningDaemon) short(t *testing.T) bool {
	t.Helper()
	data, err := d.ask(http.MethodGet, "/api/info")
	var info daemonInfo
	if err == nil {
		err = json.Unmarshal(data, &info)
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.Machine.Memory.Short
}
