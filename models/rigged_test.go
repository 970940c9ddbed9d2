package models

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// rigged is a disk that counts its calls and lets one of them go wrong.
//
// It does not sync, which only a power cut could tell: see journal.
type rigged struct {
	osDisk
	calls   int
	at      int // the call that goes wrong, from 1; 0: none
	fault   fault
	dead    bool // crashed: no call has an effect any more
	failed  string
	journal *journal // nil: none is kept
}

// fault is how a call goes wrong.
type fault struct {
	name    string
	err     error // returned; of a write, nil makes it short without a word
	effect  bool  // the call does its work first; of a write, half of it
	lasting bool  // later calls that take space fail as well
	crash   bool  // the process ends here
}

var errDead = errors.New("the process has ended")

// step counts a call. It reports whether the call shall take place, and whether
// it goes wrong, with what error.
func (r *rigged) step(op, path string, takesSpace bool) (act, wrong bool, err error) {
	if r.dead {
		return false, true, errDead
	}
	r.calls++
	if r.calls == r.at {
		r.failed = fmt.Sprintf("%s %s", op, filepath.Base(path))
		r.dead = r.fault.crash
		return r.fault.effect, true, r.fault.err
	}
	if r.fault.lasting && r.at > 0 && r.calls > r.at && takesSpace {
		return false, true, r.fault.err
	}
	return true, false, nil
}

// call is step for everything but a write.
func (r *rigged) call(op, path string, takesSpace bool, do func() error) error {
	act, wrong, err := r.step(op, path, takesSpace)
	if wrong && err == nil {
		act, wrong = true, false // only a write can be short
	}
	if act {
		if err := do(); err != nil {
			return err
		}
	}
	if wrong {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

func (r *rigged) Mkdir(path string, mode fs.FileMode) error {
	return r.call("mkdir", path, true, func() error {
		err := r.osDisk.Mkdir(path, mode)
		if err == nil && r.journal != nil {
			r.journal.made(path)
		}
		return err
	})
}

func (r *rigged) Create(path string, mode fs.FileMode) (file, error) {
	return r.openWith("create", path, mode, r.osDisk.Create)
}

func (r *rigged) Append(path string, mode fs.FileMode) (file, error) {
	return r.openWith("append", path, mode, r.osDisk.Append)
}

func (r *rigged) openWith(op, path string, mode fs.FileMode, open func(string, fs.FileMode) (file, error)) (file, error) {
	var f file
	err := r.call(op, path, true, func() (err error) {
		if r.journal != nil {
			r.journal.opening(path)
		}
		f, err = open(path, mode)
		if err == nil && r.journal != nil {
			err = r.journal.watch(path)
		}
		return err
	})
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, err
	}
	return &riggedFile{r, path, f}, nil
}

func (r *rigged) Rename(from, to string) error {
	return r.call("rename to", to, false, func() error {
		if r.journal != nil {
			r.journal.renaming(from, to)
		}
		return r.osDisk.Rename(from, to)
	})
}

func (r *rigged) Remove(path string) error {
	return r.call("remove", path, false, func() error {
		if r.journal != nil {
			return r.journal.remove(path)
		}
		return r.osDisk.Remove(path)
	})
}

func (r *rigged) SyncDir(path string) error {
	return r.call("sync folder", path, false, func() error {
		if r.journal != nil {
			r.journal.syncedDir(path)
		}
		return nil
	})
}

// riggedFile is a file on a rigged disk.
type riggedFile struct {
	disk *rigged
	path string
	file file
}

func (f *riggedFile) Write(p []byte) (int, error) {
	act, wrong, err := f.disk.step("write", f.path, true)
	if !wrong {
		return f.file.Write(p)
	}
	if !act {
		return 0, &fs.PathError{Op: "write", Path: f.path, Err: err}
	}
	n, _ := f.file.Write(p[:len(p)/2])
	if err != nil {
		err = &fs.PathError{Op: "write", Path: f.path, Err: err}
	}
	return n, err
}

func (f *riggedFile) Sync() error {
	return f.disk.call("sync", f.path, true, func() error {
		if f.disk.journal != nil {
			f.disk.journal.synced(f.file)
		}
		return nil
	})
}

// Close closes the file whatever goes wrong, as close(2) does.
func (f *riggedFile) Close() error {
	f.file.Close()
	return f.disk.call("close", f.path, true, func() error { return nil })
}
