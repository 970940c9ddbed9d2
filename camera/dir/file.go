package dir

import (
	"container/heap"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// identity tells a folder or file from all others on this machine, whatever its
// name.
type identity struct{ device, number uint64 }

func identityOf(info fs.FileInfo) identity {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return identity{uint64(s.Dev), s.Ino} //nolint:unconvert // Dev has other types elsewhere
	}
	return identity{}
}

// stamp tells one version of a file from the next.
type stamp struct {
	identity
	size int64
	time int64 // nanoseconds
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{identityOf(info), info.Size(), info.ModTime().UnixNano()}
}

// file is a picture in the folder.
type file struct {
	name  string // relative to the folder
	stamp stamp
	since time.Time // when this version was first seen
	old   bool      // it had stood still for long when it was first seen
	done  bool      // delivered, or told of as not to be used
	round uint64    // of reading through in which it was seen last

	due   time.Time // when to look at it
	order uint64    // of those that are due at once
	at    int       // in the queue; -1: not in it
}

// queue holds the files that are to be looked at, the next one first.
type queue struct{ files waiting }

// put puts a file into the queue, or moves it there.
func (q *queue) put(f *file, due time.Time) {
	f.due = due
	if f.at < 0 {
		heap.Push(&q.files, f)
	} else {
		heap.Fix(&q.files, f.at)
	}
}

// remove takes a file out, if it is in.
func (q *queue) remove(f *file) {
	if f.at >= 0 {
		heap.Remove(&q.files, f.at)
	}
}

// take takes out the first file if it is due, or returns nil.
func (q *queue) take(now time.Time) *file {
	if due, ok := q.next(); !ok || due.After(now) {
		return nil
	}
	return heap.Pop(&q.files).(*file)
}

// next returns when the first file is due.
func (q *queue) next() (due time.Time, ok bool) {
	if len(q.files) == 0 {
		return due, false
	}
	return q.files[0].due, true
}

// waiting implements heap.Interface.
type waiting []*file

func (w waiting) Len() int { return len(w) }
func (w waiting) Less(i, j int) bool {
	if !w[i].due.Equal(w[j].due) {
		return w[i].due.Before(w[j].due)
	}
	return w[i].order < w[j].order
}
func (w waiting) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].at, w[j].at = i, j
}
func (w *waiting) Push(x any) {
	f := x.(*file)
	f.at = len(*w)
	*w = append(*w, f)
}
func (w *waiting) Pop() any {
	last := len(*w) - 1
	f := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	f.at = -1
	return f
}

// endings are those of pictures, in lower case: of kinds that are read, and of
// kinds that are only named in the reason why not.
var endings = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".apng": true, ".webp": true,
	".gif": true, ".bmp": true, ".tif": true, ".tiff": true, ".heic": true, ".heif": true, ".avif": true, ".jxl": true, ".jp2": true,
}

func isPicture(name string) bool { return endings[strings.ToLower(filepath.Ext(name))] }

func hidden(name string) bool { return strings.HasPrefix(name, ".") }
