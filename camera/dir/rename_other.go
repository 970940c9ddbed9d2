//go:build !linux

package dir

import "os"

// renameNew renames a file to a name that must not be taken, which is fs.ErrExist.
// The names are in the open folders.
func renameNew(from *os.File, name string, to *os.File, newName string) error {
	return renameReserved(from, name, to, newName)
}
