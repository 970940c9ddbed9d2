package dir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// mover moves one file into another folder. It goes by open folders and not by
// paths, so that nobody who may write to the watched folder can make it reach
// outside by putting a link in its way.
type mover struct {
	inside *os.Root // the watched folder
	name   string   // of the file in it
	from   *os.File // the folder that the file lies in
	to     *os.File // the folder it goes to
}

func newMover(root, name, to string) (*mover, error) {
	inside, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	m := &mover{inside: inside, name: name}
	if m.from, err = inside.Open(filepath.Dir(name)); err == nil {
		m.to, err = os.Open(to)
	}
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *mover) close() {
	for _, c := range []io.Closer{m.inside, m.from, m.to} {
		_ = c.Close() // a nil *os.File says so and does nothing
	}
}

// maxNames is how many names are tried where one is taken.
const maxNames = 100

// named calls try with one name after the other until one is not taken.
func (m *mover) named(try func(name string) error) error {
	base := filepath.Base(m.name)
	ending := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ending) + time.Now().UTC().Format("-20060102T150405.000")
	name := base
	for n := 1; ; n++ {
		err := try(name)
		if !errors.Is(err, fs.ErrExist) || n == maxNames {
			return err
		}
		name = stem + ending
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, n, ending)
		}
	}
}

// rename moves the file within its file system.
func (m *mover) rename() error {
	return m.named(func(name string) error {
		return renameNew(m.from, filepath.Base(m.name), m.to, name)
	})
}

// copy moves the file by copying it: whole and on the disk before it has its name
// there, and before it is gone here.
func (m *mover) copy() (err error) {
	in, err := os.Open(filepath.Join(m.inside.Name(), m.name)) // through a link too
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(m.to.Name(), ".edge-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = out.Close()
		if err != nil {
			_ = os.Remove(out.Name())
		}
	}()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := out.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := os.Chtimes(out.Name(), time.Now(), info.ModTime()); err != nil {
		return err
	}
	now, err := in.Stat()
	if err != nil {
		return err
	}
	if stampOf(now) != stampOf(info) {
		return errChanged
	}
	err = m.named(func(name string) error {
		return renameNew(m.to, filepath.Base(out.Name()), m.to, name)
	})
	if err != nil {
		return err
	}
	if err := m.to.Sync(); err != nil {
		return err
	}
	return m.inside.Remove(m.name)
}
