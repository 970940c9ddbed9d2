package update

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/ownmounts"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if url := os.Getenv("EDGE_TEST_UPDATE_URL"); url != "" {
		if err := child(url, os.Getenv("EDGE_TEST_UPDATE_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child takes every release of a channel, one after the other, until it is killed.
// When it has all it forgets them and begins anew.
func child(url, dir string) error {
	ctx := context.Background()
	root, err := os.ReadFile(filepath.Join(dir, "root.json"))
	if err != nil {
		return err
	}
	source, err := HTTP(HTTPConfig{URL: url})
	if err != nil {
		return err
	}
	c, err := New(Config{
		Dir: filepath.Join(dir, "state"), Root: root, Channel: "stable", Source: source, Reserve: -1,
		Clock: NewClock(ClockConfig{Dir: filepath.Join(dir, "state"), System: func() time.Time { return start }, Synchronised: func() bool { return true }}),
	})
	if err != nil {
		return err
	}
	store, err := models.Open(filepath.Join(dir, "store"))
	if err != nil {
		return err
	}
	fmt.Println("begun")
	for {
		if _, err := OpenIdentity(ctx, c.at.dir); err != nil {
			return err
		}
		ch, err := c.Check(ctx)
		if err != nil {
			return err
		}
		st, err := ReadState(c.at.dir)
		if err != nil {
			return err
		}
		n := st.Tasks["lamps"].Release
		if n == len(ch.Releases) {
			if err := c.at.changeState(ctx, func(s *State) { s.Tasks["lamps"] = TaskState{} }); err != nil {
				return err
			}
			if err := os.RemoveAll(filepath.Join(dir, "store", "blobs")); err != nil {
				return err
			}
			fmt.Println("round")
			continue
		}
		next := ch.Releases[n]
		if err := c.Base(ctx, store, next.Base, nil); err != nil {
			return err
		}
		if err := c.at.changeState(ctx, func(s *State) {
			s.Tasks["lamps"] = TaskState{Release: next.Number, Base: next.Base.Digest, When: start}
		}); err != nil {
			return err
		}
	}
}

// slow serves a repository at about 60 MB/s, and notes where downloads of targets
// begin.
type slow struct {
	dir string
	mu  sync.Mutex
	// begun is the first byte that was asked for of each target since the last life.
	begun map[string]int64
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if strings.HasPrefix(name, "targets/bases/") {
		from := firstByte(r.Header.Get("Range"))
		s.mu.Lock()
		if _, again := s.begun[name]; !again {
			s.begun[name] = from
		}
		s.mu.Unlock()
	}
	http.ServeFile(&slowWriter{w}, r, filepath.Join(s.dir, name))
}

// life returns where downloads began in the life that has ended.
func (s *slow) life() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := s.begun
	s.begun = map[string]int64{}
	return begun
}

type slowWriter struct{ http.ResponseWriter }

func (w *slowWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = w.ResponseWriter.Write(p[n:min(n+64<<10, len(p))])
		n += m
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// kills is how often the child is killed; EDGE_UPDATE_KILLS sets another number.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("EDGE_UPDATE_KILLS")); err == nil {
		return n
	}
	return 40
}

// TestCrashKilledAtRandomInstants kills a device through check, download,
// verification, the store and the note of it.
func TestCrashKilledAtRandomInstants(t *testing.T) {
	r := newRepo(t)
	var bases []release.Base
	for i := range 4 {
		bases = append(bases, r.addBase(fmt.Sprint("base ", i), noise(5<<20+i)))
	}
	r.addChannel("stable", start, bases...)
	r.publish()
	web := &slow{dir: r.dir, begun: map[string]int64{}}
	server := serve(t, r.dir)
	server.Config.Handler = web

	dir := memoryDir(t)
	must(t, os.WriteFile(filepath.Join(dir, "root.json"), r.pinned(), 0o600))
	state := filepath.Join(dir, "state")
	store, err := models.Open(filepath.Join(dir, "store"))
	must(t, err)
	random := rand.New(rand.NewPCG(3, 500))
	identity, resumed, rounds := "", 0, 0
	parts := map[string]int64{}
	for range kills() {
		rounds += kill(t, server.URL, dir, time.Duration(random.IntN(150_000))*time.Microsecond)
		for name, from := range web.life() {
			if have := parts[name]; from < have {
				t.Fatalf("%s: %d bytes were here, and it began with %d", name, have, from)
			}
			if from > 0 {
				resumed++
			}
		}
		whole(t, state, store, bases...)
		if i, err := (folder{dir: state}).readIdentity(); err == nil {
			if identity != "" && i.ID() != identity {
				t.Fatal("the device has become another")
			}
			identity = i.ID()
		}
		parts = map[string]int64{}
		for _, b := range bases {
			if info, err := os.Stat(filepath.Join(state, "parts", b.Digest.Hex()+".part")); err == nil {
				parts[targetName(b.Full.Target, b.Digest, true)] = info.Size()
			}
		}
	}
	t.Logf("%d kills, %d downloads went on, %d rounds of %d releases", kills(), resumed, rounds, len(bases))
	if resumed == 0 {
		t.Error("no kill came in the middle of a download")
	}
}

// kill starts the child, and ends it after a while. It returns how many rounds the
// child made.
func kill(t *testing.T, url, dir string, after time.Duration) (rounds int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "EDGE_TEST_UPDATE_URL="+url, "EDGE_TEST_UPDATE_DIR="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		cmd.Wait() //nolint:errcheck // the next line tells
		t.Fatalf("the child does not begin: %s", stderr.String())
	}
	time.Sleep(after)
	must(t, cmd.Process.Kill())
	for lines.Scan() {
		rounds++
	}
	cmd.Wait() //nolint:errcheck // it was killed
	if stderr.Len() > 0 {
		t.Fatalf("the child says: %s", stderr.String())
	}
	return rounds
}

// TestCrashFullDisk fills a real file system: of each size up to one that
// suffices, and in the middle of a download. Then there is room again, and nothing
// was lost.
func TestCrashFullDisk(t *testing.T) {
	dir := ownmounts.Dir()
	if dir == "" {
		ownmounts.InChild(t)
		return
	}
	data := noise(3 << 20)
	r, s, _, f := offered(t, data)
	base := r.addBase("big", data)
	full := map[string]int{}
	for pages := 1; ; pages += 1 + pages/12 {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", 4*pages)); err != nil {
			t.Skip(ownmounts.Skipped, err)
		}
		d := newDevice(t, r.pinned(), over(t, s))
		d.dir = filepath.Join(dir, "state")
		d.open(r.pinned(), over(t, s))
		store, err := models.Open(filepath.Join(dir, "store"))
		must(t, err)
		err = live(t.Context(), d, store, nil)
		if err != nil {
			if Reason(err) != "space" {
				t.Fatalf("%d pages: %v", pages, err)
			}
			full[map[bool]string{true: "foreseen", false: "met"}[errors.Is(err, ErrSpace)]]++
			whole(t, d.dir, store, base)
			grow(t, dir)
			must(t, live(t.Context(), d, store, nil))
		}
		whole(t, d.dir, store, base)
		must(t, unix.Unmount(dir, unix.MNT_DETACH))
		if err == nil {
			break
		}
	}
	for at := int64(0); at < f.Bytes; at += 500_000 {
		must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"))
		d := newDevice(t, r.pinned(), over(t, s))
		d.dir = filepath.Join(dir, "state")
		d.open(r.pinned(), over(t, s))
		d.finds(1)
		_, err := d.Fetch(t.Context(), f, func(done, _ int64) {
			if done >= at {
				fill(filepath.Join(dir, "filler"))
			}
		})
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("full at byte %d: %v", at, err)
		}
		info, err := os.Stat(d.at.path("parts/" + f.Digest.Hex() + ".part"))
		must(t, err)
		must(t, os.Remove(filepath.Join(dir, "filler")))
		s.requests()
		d.gets(f, data)
		if from := s.begins(targetName(f.Target, f.Digest, true)); from != info.Size() || from < at {
			t.Errorf("full at byte %d: %d were here, it went on from %d", at, info.Size(), from)
		}
		full["in a download"]++
		must(t, unix.Unmount(dir, unix.MNT_DETACH))
	}
	t.Logf("full: %v", full)
	if full["met"] < 5 || full["foreseen"] < 1 || full["in a download"] < 5 {
		t.Errorf("full too seldom: %v", full)
	}
}

// grow gives the file system room.
func grow(t *testing.T, dir string) {
	t.Helper()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=64m"))
}

// fill takes all the room that is left.
func fill(path string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	for _, n := range []int{64 << 10, 1} {
		for err == nil {
			_, err = io.CopyN(f, endless{"full"}, int64(n))
		}
		err = nil
	}
}
