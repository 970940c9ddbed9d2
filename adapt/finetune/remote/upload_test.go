package remote

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

// checkpoint is what a run leaves after an epoch: a folder for each of two
// epochs, which stay as they are, and files that are written anew.
func checkpoint(epoch int) tree {
	files := tree{"history.json": fmt.Sprint("history up to ", epoch), "report.html": fmt.Sprint("report ", epoch)}
	for e := max(0, epoch-1); e <= epoch; e++ {
		files[fmt.Sprintf("checkpoints/epoch-%04d/state.json", e)] = fmt.Sprint("state ", e)
		files[fmt.Sprintf("checkpoints/epoch-%04d/top.data", e)] = strings.Repeat(fmt.Sprint("weights ", e, " "), 1000)
	}
	return files
}

// folderOf writes files into a new folder.
func folderOf(t *testing.T, files tree) string {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, files)
	return dir
}

func TestUploadAndBack(t *testing.T) {
	g := startGateway(t)
	g.put(t, "runs/a/by-hand.txt", "somebody's")
	f := open(t, "s3://"+testBucket+"/runs/a", g.config)
	for epoch := range 4 {
		want := checkpoint(epoch)
		dir := folderOf(t, want)
		s := upload(t, f, dir)
		if epoch > 1 && (s.Moved != 4 || s.Removed != 2) {
			t.Errorf("epoch %d: %+v", epoch, s)
		}
		if s := upload(t, f, dir); s.Moved != 0 || s.Removed != 0 || s.Files != len(want) {
			t.Errorf("nothing changed, yet %+v", s)
		}
		if got, _ := download(t, open(t, f.url.String(), g.config), t.TempDir()); !maps.Equal(got, want) {
			t.Errorf("epoch %d came back as %v", epoch, slices.Sorted(maps.Keys(got)))
		}
	}
	want := []string{"runs/a/by-hand.txt", "runs/a/" + manifestName}
	for name := range checkpoint(3) {
		want = append(want, "runs/a/"+name)
	}
	slices.Sort(want)
	if got := g.keys(t); !slices.Equal(got, want) {
		t.Errorf("the bucket holds %v", got)
	}
}

// TestUploadCutOff ends an upload at each of its requests. Whoever comes after
// finds every checkpoint of before whole, or the new state.
func TestUploadCutOff(t *testing.T) {
	g := startGateway(t)
	before, after := checkpoint(3), checkpoint(4)
	for requests := 0; ; requests++ {
		url := fmt.Sprintf("s3://%s/cut-%d", testBucket, requests)
		upload(t, open(t, url, g.config), folderOf(t, before))

		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		left := requests
		c := interceptor(t, g, func(r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Method != http.MethodGet {
				left--
			}
			if left < 0 {
				cancel()
			}
			return left >= 0
		})
		_, err := open(t, url, c).Upload(ctx, folderOf(t, after), Options{})
		cancel()
		got, _ := download(t, open(t, url, g.config), t.TempDir())
		if err == nil {
			if !maps.Equal(got, after) {
				t.Error("after a whole upload")
			}
			if requests < 7 {
				t.Errorf("only %d requests: the test proves little", requests)
			}
			break
		}
		switch {
		case maps.Equal(got, before), maps.Equal(got, after):
		default:
			for name, content := range before {
				if strings.HasPrefix(name, "checkpoints/") && got[name] != content {
					t.Errorf("cut off after %d requests, %s is lost", requests, name)
				}
			}
			for name, content := range got {
				if before[name] != content {
					t.Errorf("cut off after %d requests, %s is not what it was", requests, name)
				}
			}
		}
		// The same again, undisturbed, ends the matter.
		upload(t, open(t, url, g.config), folderOf(t, after))
		if got, _ := download(t, open(t, url, g.config), t.TempDir()); !maps.Equal(got, after) {
			t.Errorf("cut off after %d requests, then whole: %v", requests, slices.Sorted(maps.Keys(got)))
		}
	}
}

// TestReadersBesideAWriter reads all the time while states follow each other.
func TestReadersBesideAWriter(t *testing.T) {
	g := startGateway(t)
	const url = "s3://" + testBucket + "/run"
	upload(t, open(t, url, g.config), folderOf(t, checkpoint(0)))
	dirs := make([]string, 8)
	for epoch := range dirs {
		dirs[epoch] = folderOf(t, checkpoint(epoch))
	}
	done := make(chan error, 1)
	go func() {
		f := open(t, url, g.config)
		for _, dir := range dirs {
			if _, err := f.Upload(t.Context(), dir, Options{}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	seen := map[string]bool{}
	for dir, running := t.TempDir(), true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			running = false
		default:
		}
		_, err := open(t, url, g.config).Download(t.Context(), dir, Options{})
		if errors.Is(err, errChanged) {
			continue // states came faster than this reader could read
		}
		if err != nil {
			t.Fatal(err)
		}
		got := readTree(t, dir)
		for name, content := range got {
			state, found := strings.CutSuffix(name, "state.json")
			if data := got[state+"top.data"]; found && !strings.HasPrefix(data, strings.Replace(content, "state", "weights", 1)) {
				t.Errorf("%s says %q beside %.20q", name, content, data)
			}
			seen[name] = true
		}
	}
	if !seen["checkpoints/epoch-0007/state.json"] {
		t.Error("the last state was never seen")
	}
}

func TestTwoWriters(t *testing.T) {
	g := startGateway(t)
	const url = "s3://" + testBucket + "/run"
	a, b := open(t, url, g.config), open(t, url, g.config)
	upload(t, a, folderOf(t, checkpoint(1)))
	download(t, b, t.TempDir())
	upload(t, b, folderOf(t, checkpoint(2)))
	_, err := a.Upload(t.Context(), folderOf(t, checkpoint(3)), Options{})
	if !errors.Is(err, ErrOtherWriter) || hint.Of(err) == "" {
		t.Errorf("got %v", err)
	}
	upload(t, b, folderOf(t, checkpoint(3)))
}

func TestUploadTakesFilesOnly(t *testing.T) {
	g := startGateway(t)
	dir := folderOf(t, checkpoint(0))
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, "s3://"+testBucket, g.config).Upload(t.Context(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "link is neither a file nor a folder") {
		t.Errorf("got %v", err)
	}
	if keys := g.keys(t); len(keys) > 0 {
		t.Errorf("the bucket holds %v", keys)
	}
}
