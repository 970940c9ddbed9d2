package dir_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The kernel keeps so many notices and drops the rest. What came with those that
// were dropped is found all the same.
func TestNoticesThatWereLost(t *testing.T) {
	t.Parallel()
	limit, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	if err != nil || most > 100_000 {
		t.Skipf("a queue of %s notices (%v)", limit, err)
	}
	path := t.TempDir()
	names := []string{filepath.Join(path, "a.txt"), filepath.Join(path, "b.txt")}
	for _, name := range names {
		write(t, name, nil)
	}
	o := quick(path)
	o.Poll = time.Hour
	w := open(t, o)
	for i := range most + 5000 { // in turn, because equal ones are put together
		if err := os.Chmod(names[i%2], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bring(t, filepath.Join(path, "a.jpg"), photo(t, 1))
	w.want("a.jpg")
}
