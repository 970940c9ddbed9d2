package models

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/ownmounts"
)

// TestFullDisk fills a real file system, of each size up to one that suffices.
// It runs in a child with a mount table of its own.
func TestFullDisk(t *testing.T) {
	dir := ownmounts.Dir()
	if dir == "" {
		ownmounts.InChild(t)
		return
	}
	full := 0
	for pages := 12; ; pages++ {
		size := fmt.Sprintf("size=%dk", 4*pages)
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, size); err != nil {
			t.Skip(ownmounts.Skipped, err)
		}
		enough := func() bool {
			defer unix.Unmount(dir, unix.MNT_DETACH)
			s := open(t, dir+"/store")
			if _, err := learn(s, lamps, 1); err != nil {
				checkFull(t, err)
				return false
			}
			if _, err := learn(s, lamps, 3); err != nil {
				checkFull(t, err)
				active, err := checkWhole(s, lamps, 0)
				if err != nil || active.Current != 1 {
					t.Fatalf("%s: %d is active, %v", size, active.Current, err)
				}
				if left := leftovers(t, s); len(left) > 0 {
					t.Fatalf("%s: garbage fills the disk: %v", size, left)
				}
				full++
				return false
			}
			return true
		}()
		if enough {
			break
		}
	}
	if full < 5 {
		t.Errorf("the disk was full in the second round only %d times", full)
	}
	t.Logf("full %d times", full)
}

func checkFull(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(hint.Of(err), "free some space") {
		t.Fatalf("a full disk gave %v (hint: %s)", err, hint.Of(err))
	}
}
