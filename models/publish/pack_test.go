package publish_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/models/publish"
)

// unpack writes what is in an archive to a folder, which a device then reads.
func unpack(t testing.TB, data []byte) (dir string, names []string) {
	t.Helper()
	dir = t.TempDir()
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir, names
		}
		must(t, err)
		names = append(names, h.Name)
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		content, err := io.ReadAll(r)
		must(t, err)
		must(t, os.WriteFile(path, content, 0o600))
	}
}

func TestPack(t *testing.T) {
	r, k, c := newRepository(t)
	offline, online := newDevice(t, r, c.Now), newDevice(t, r, c.Now)
	addBase(t, r, 0, publish.AddOptions{})
	g := generation(t, baseFile(t, 1))
	_, err := r.Add(t.Context(), publish.AddOptions{Generation: &g})
	must(t, err)
	must(t, r.Rotate(t.Context(), publish.Timestamp, publish.Rotation{Add: []publish.KeySpec{k.make(t, "NEW")}, Remove: []string{status(t, r, publish.Timestamp).Keys[0].ID}}))
	var b bytes.Buffer
	last := int64(0)
	done, err := r.Pack(t.Context(), &b, publish.PackOptions{Valid: 60 * 24 * time.Hour, Progress: func(done, total int64) { last = total - done }})
	must(t, err)
	if !slices.Equal(done.Releases, []int{1, 2}) || !done.Expires.Equal(c.now.Add(60*24*time.Hour)) || last != 0 {
		t.Errorf("%+v, %d to go", done, last)
	}
	dir, names := unpack(t, b.Bytes())
	if len(names) != 6+done.Files || names[0] != "metadata/1.root.json" || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, "canary") }) {
		t.Errorf("%v", names)
	}
	public := offline.dir
	offline.dir = dir
	offline.sees("stable", 1, 2)
	c.forward(50 * 24 * time.Hour)
	offline.sees("stable", 1, 2)
	// Back on the network it goes on, and so does one that never saw the archive.
	must(t, r.Refresh(t.Context()))
	offline.dir = public
	offline.sees("stable", 1, 2)
	online.sees("stable", 1, 2)
	if left := status(t, r, publish.Timestamp).Expires.Sub(c.now); left != 7*24*time.Hour {
		t.Errorf("what devices see lives for %v", left)
	}
	// As it is now, and one release alone; its deltas come along.
	b.Reset()
	done, err = r.Pack(t.Context(), &b, publish.PackOptions{Numbers: []int{2}})
	if err != nil || done.Files != 4 || !done.Expires.Equal(c.now.Add(7*24*time.Hour)) {
		t.Errorf("%+v, %v", done, err)
	}
	must(t, r.Revoke(t.Context(), "", 1, "bad"))
	for name, o := range map[string]publish.PackOptions{
		"revoked": {Numbers: []int{1}}, "no release": {Numbers: []int{9}}, "no channel": {Channel: "none"},
	} {
		if _, err := r.Pack(t.Context(), io.Discard, o); err == nil {
			t.Errorf("%s: packed", name)
		}
	}
	if _, err := r.Pack(t.Context(), full{}, publish.PackOptions{}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full stick: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }
