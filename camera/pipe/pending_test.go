package pipe_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// pending returns how many bytes wait in a pipe.
func pending(r *os.File) (n int, err error) {
	conn, err := r.SyscallConn()
	if err != nil {
		return 0, err
	}
	if failed := conn.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); failed != nil {
		return 0, failed
	}
	return n, err
}
