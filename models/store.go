// Package models keeps what a device has learned: bases, and the generations
// of every task, in one folder, the store.
//
//	STORE/blobs/sha256/<hex>                  bases, named by what is in them
//	STORE/tasks/<task>/generations/<n>/       head.tflite, labels.txt, manifest.json, perhaps more; never changed
//	STORE/tasks/<task>/active.json            which generation is in use, and which was before
//	STORE/tasks/<task>/activations.jsonl      every activation: who, when, why
//	STORE/tasks/<task>/marks.jsonl            which generations were found good or bad: who, when, why
//	STORE/tasks/<task>/pins.json              which generations are never collected: who, when, why
//	STORE/tasks/<task>/starts.json            how often the one in use was started in vain
//	STORE/tasks/<task>/counter                the highest generation number ever given
//	STORE/tasks/<task>/lock                   held while a task is being changed
//	STORE/lost/                               what Fsck found damaged and set aside
//	STORE/tmp/                                half-made things; swept when their maker is gone
//
// Whatever appears under its final name is whole: it was written under tmp/,
// synced, renamed, and its folder synced. A process killed at any instant, or a
// power cut, leaves the generation that was active or the one that was being
// activated. Readers take no lock and never wait.
package models

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/fsops"
	"github.com/edge-adapt/edge/internal/hint"
)

// Reasons that errors.Is finds in what the store returns.
var (
	ErrNotFound = errors.New("not in the store")     // no such task, generation or blob
	ErrDamaged  = errors.New("damaged")              // not what was once written
	ErrNewer    = errors.New("made by a newer edge") // a format this program does not know
	ErrLocked   = errors.New("in use")               // another process is changing the task
	ErrChanged  = errors.New("another generation is in use meanwhile")
)

// Store is a folder of bases and generations.
//
// It holds no open files between calls. Its methods may be called concurrently,
// by several goroutines and by several processes.
type Store struct {
	dir  string // absolute
	disk disk
}

// Open returns the store in the folder dir. It creates nothing: the folder
// appears with the first write (mode 0700, since reports may show pictures), so
// looking into a store that is not there, or that is read-only, changes nothing.
func Open(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open the store: no folder given")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("open the store: %w", err)
	case !info.IsDir():
		return nil, hint.Wrap(fmt.Errorf("open the store: %s is no folder", abs), "choose a folder with --store DIR")
	}
	return &Store{dir: abs, disk: osDisk{}}, nil
}

// Dir returns the store's folder as an absolute path.
func (s *Store) Dir() string { return s.dir }

func (s *Store) tmpDir() string                { return filepath.Join(s.dir, "tmp") }
func (s *Store) blobDir() string               { return filepath.Join(s.dir, "blobs", "sha256") }
func (s *Store) taskDir(task string) string    { return filepath.Join(s.dir, "tasks", task) }
func (s *Store) numbersDir(task string) string { return filepath.Join(s.taskDir(task), "generations") }
func (s *Store) generationDir(task string, n int) string {
	return filepath.Join(s.numbersDir(task), strconv.Itoa(n))
}

// mkdirs makes the folder path and those above it, each synced into its parent.
func (s *Store) mkdirs(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(path)
	if parent == path {
		return &fs.PathError{Op: "mkdir", Path: path, Err: fs.ErrNotExist}
	}
	if err := s.mkdirs(parent); err != nil {
		return err
	}
	mode := fs.FileMode(0o755)
	if path == s.dir {
		mode = 0o700
	}
	if err := s.disk.Mkdir(path, mode); err != nil {
		if info, statErr := os.Stat(path); statErr != nil || !info.IsDir() {
			return err
		} // else another process was faster
	}
	return s.syncDir(parent)
}

// syncDir syncs a folder in the store or above it. Of those above, some may be
// written to and not read, so not synced either.
func (s *Store) syncDir(path string) error {
	err := s.disk.SyncDir(path)
	if len(path) < len(s.dir) && errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// replace gives the file at path the content data, in one step for any reader.
func (s *Store) replace(path string, data []byte) error { return s.replaceAs(path, data, 0o644) }

func (s *Store) replaceAs(path string, data []byte, mode fs.FileMode) error {
	if err := s.mkdirs(filepath.Dir(path)); err != nil {
		return err
	}
	sc, err := s.newScratch("file")
	if err != nil {
		return err
	}
	defer sc.discard() //nolint:errcheck // what stays is swept later
	part := filepath.Join(sc.dir, filepath.Base(path))
	if err := fsops.WriteFile(s.disk, part, data, mode); err != nil {
		return err
	}
	return s.publish(part, path)
}

// publish gives a finished and synced file or folder its final name.
func (s *Store) publish(from, to string) error {
	if err := s.disk.Rename(from, to); err != nil {
		return err
	}
	return s.disk.SyncDir(filepath.Dir(to))
}

// syncUp syncs the folder dir and those above it, up to the one the store is in.
func (s *Store) syncUp(dir string) error {
	for {
		if err := s.syncDir(dir); err != nil || len(dir) < len(s.dir) || dir == "/" {
			return err
		}
		dir = filepath.Dir(dir)
	}
}

// explain adds the next step to an error of the disk.
func (s *Store) explain(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s is full: free some space and run the command again; what was stored before is untouched", s.dir))
	case errors.Is(err, unix.EROFS), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, fmt.Sprintf("%s cannot be written here: run as the user it belongs to, or choose another folder with --store DIR", s.dir))
	case errors.Is(err, unix.EIO):
		return hint.Wrap(err, fmt.Sprintf("the disk that holds %s reports faults (see dmesg): copy the folder to another disk", s.dir))
	}
	return err
}
