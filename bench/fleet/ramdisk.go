package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// What the folder of a device takes at most of a RAM disk: a page a file that is its
// own, and a part of a download that broke off now and then.
const (
	deviceBytes = 100 << 10
	deviceFiles = 28
)

// ramDisk returns a folder on a RAM disk with room for so many devices, else one
// for temporary files.
func ramDisk(devices int) string {
	const dir = "/dev/shm"
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil || s.Type != unix.TMPFS_MAGIC ||
		int64(s.Bavail)*s.Bsize < int64(devices)*deviceBytes || s.Files > 0 && int64(s.Ffree) < int64(devices)*deviceFiles { //nolint:gosec // not that many
		return os.TempDir()
	}
	return dir
}

// used is what is taken of the disk of a folder: bytes, and files of any kind.
func used(dir string) (bytes, files int64) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, 0
	}
	return int64(s.Blocks-s.Bfree) * s.Bsize, int64(s.Files - s.Ffree) //nolint:gosec // no disk has that many
}

// resident is the most memory that this process has had, without what is on a RAM
// disk; 0 if nothing says so.
func resident() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}

// processor names the machine's.
func processor() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
