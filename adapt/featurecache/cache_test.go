package featurecache

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
)

var (
	spaceA = digest.Of([]byte("base a"))
	spaceB = digest.Of([]byte("base b"))
)

func image(n int) digest.Digest { return digest.Of([]byte{byte(n), byte(n >> 8)}) }

func vector(n int) []float32 { return []float32{float32(n), -1.5, 0} }

func reopen(t *testing.T, path string, limit int64) *Cache {
	t.Helper()
	c, err := Open(path, limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func has(t *testing.T, c *Cache, space digest.Digest, n int) bool {
	t.Helper()
	dst := make([]float32, 3)
	ok, err := c.View(space).Get(image(n), dst)
	if err != nil {
		t.Fatal(err)
	}
	if ok && !slices.Equal(dst, vector(n)) {
		t.Errorf("image %d came back as %v", n, dst)
	}
	return ok
}

func fill(t *testing.T, c *Cache, space digest.Digest, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := c.View(space).Put(image(n), vector(n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRemembersAcrossRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?#%41", "features.db")
	c := reopen(t, path, 0)
	fill(t, c, spaceA, 0, flushRows+3) // once over the edge of a flush
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = reopen(t, path, 0)
	defer c.Close()
	for n := range flushRows + 3 {
		if !has(t, c, spaceA, n) {
			t.Fatalf("image %d is lost", n)
		}
	}
	if has(t, c, spaceB, 0) {
		t.Error("features of one base answered for another")
	}
	if ok, err := c.View(spaceA).Get(image(0), make([]float32, 4)); ok || err != nil {
		t.Errorf("a vector of another length was accepted: %v, %v", ok, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file is not where it was asked for: %v", err)
	}
}

func TestDamagedRowIsAMiss(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features.db")
	c := reopen(t, path, 0)
	fill(t, c, spaceA, 0, 2)
	c.Close()
	c = reopen(t, path, 0)
	defer c.Close()
	if _, err := c.db.Exec("UPDATE features SET features = zeroblob(12) WHERE key LIKE ?", "%"+image(0).Hex()); err != nil {
		t.Fatal(err)
	}
	if has(t, c, spaceA, 0) {
		t.Error("a damaged row was believed")
	}
	if !has(t, c, spaceA, 1) {
		t.Error("its neighbour is lost")
	}
}

func TestDamagedFileIsReplaced(t *testing.T) {
	for name, content := range map[string]string{
		"no database": strings.Repeat("this is not a database ", 400),
		"truncated":   "SQLite format 3\x00",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "features.db")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			c := reopen(t, path, 0)
			fill(t, c, spaceA, 0, 1)
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			c = reopen(t, path, 0)
			defer c.Close()
			if !has(t, c, spaceA, 0) {
				t.Error("the new file does not remember")
			}
		})
	}
}

func TestOtherLayoutIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features.db")
	c := reopen(t, path, 0)
	fill(t, c, spaceA, 0, 1)
	c.mu.Lock()
	if err := c.flush(); err != nil {
		t.Fatal(err)
	}
	c.mu.Unlock()
	if _, err := c.db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	c.Close()
	c = reopen(t, path, 0)
	defer c.Close()
	if has(t, c, spaceA, 0) {
		t.Error("a row of another layout was read")
	}
}

func TestEvictsLongestUnused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features.db")
	c := reopen(t, path, 0)
	fill(t, c, spaceA, 0, 10)
	c.Close()
	c = reopen(t, path, 4*12) // room for four vectors of 12 bytes
	if _, err := c.db.Exec("UPDATE features SET used = 1000"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 5} { // used again today
		if !has(t, c, spaceA, n) {
			t.Fatalf("image %d is lost before eviction", n)
		}
	}
	fill(t, c, spaceB, 0, 2)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = reopen(t, path, 0)
	defer c.Close()
	for n := range 10 {
		if got, want := has(t, c, spaceA, n), n == 2 || n == 5; got != want {
			t.Errorf("image %d kept: %v, want %v", n, got, want)
		}
	}
	if !has(t, c, spaceB, 0) || !has(t, c, spaceB, 1) {
		t.Error("the newest features were evicted")
	}
}

func TestTwoProcessesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "features.db")
	var wg sync.WaitGroup
	for p := range 2 {
		c := reopen(t, path, 0)
		wg.Add(1)
		go func() {
			defer wg.Done()
			v := c.View(spaceA)
			for n := p; n < 1200; n += 2 {
				if err := v.Put(image(n), vector(n)); err != nil {
					t.Error(err)
				}
				if _, err := v.Get(image(n-1), make([]float32, 3)); err != nil {
					t.Error(err)
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	c := reopen(t, path, 0)
	defer c.Close()
	for n := range 1200 {
		if !has(t, c, spaceA, n) {
			t.Fatalf("image %d is lost", n)
		}
	}
}

func TestReadOnlyFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "sub", "features.db"), 0); err == nil {
		t.Error("a cache below a file was opened")
	}
}
