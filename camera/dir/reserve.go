package dir

import (
	"os"

	"golang.org/x/sys/unix"
)

// renameReserved does the same where renaming overwrites: it takes the new name with
// an empty file first, which fails if it is taken, and overwrites that.
func renameReserved(from *os.File, name string, to *os.File, newName string) error {
	fd, err := unix.Openat(int(to.Fd()), newName, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_ = unix.Close(fd)
	err = unix.Renameat(int(from.Fd()), name, int(to.Fd()), newName)
	if err != nil {
		_ = unix.Unlinkat(int(to.Fd()), newName, 0)
	}
	return err
}
