package dir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tellsWriters reports whether the file system that a folder lies on is one whose
// files are written by nobody but this machine, and which knows who writes. Network
// file systems answer the question as well, but about something else.
func tellsWriters(folder string) bool {
	var s unix.Statfs_t
	if unix.Statfs(folder, &s) != nil {
		return false
	}
	const exfat = 0x2011bab0
	switch uint32(s.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.MSDOS_SUPER_MAGIC, exfat:
		return true
	}
	return false
}

// writers reports whether anybody has a file open for writing. The kernel grants a
// read lease only if nobody has (fcntl(2), F_SETLEASE); it is given back at once.
// It grants one on our own files alone, unless we have CAP_LEASE.
func writers(f *os.File) writing {
	conn, err := f.SyscallConn()
	if err != nil {
		return unknown
	}
	answer := unknown
	_ = conn.Control(func(fd uintptr) {
		// Somebody who opens the file in between makes the kernel send a signal:
		// one that is ignored by default, in place of SIGIO, which kills.
		if _, err := unix.FcntlInt(fd, unix.F_SETSIG, int(unix.SIGURG)); err != nil {
			return
		}
		_, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK)
		switch {
		case err == nil:
			answer = nobody
			_, _ = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK)
		case errors.Is(err, unix.EAGAIN):
			answer = somebody
		}
	})
	return answer
}
