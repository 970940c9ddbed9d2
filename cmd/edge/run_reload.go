package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/notices"
	"github.com/edge-adapt/edge/runtime/config"
)

// settle is how long the files must have been the same before they are read: an
// editor writes in several steps.
const settle = 250 * time.Millisecond

// reload takes a changed configuration until ctx ends: on SIGHUP, when a file
// of it changed, and, if it names no tasks, when the store has others.
func (d *daemon) reload(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	watch := newFileWatch(d.config().Files)
	defer watch.close()
	poll := time.NewTicker(d.config().Poll.D())
	defer poll.Stop()
	files := d.config().Files
	seen := fingerprint(files)
	settled := time.NewTimer(0) // runs while the files are changing
	settled.Stop()
	for {
		due := false
		select {
		case <-ctx.Done():
			settled.Stop()
			return
		case <-hangup:
			due = true
		case <-settled.C:
			due = true
		case <-watch.events():
		case <-poll.C:
			d.followStore(ctx)
		}
		now := fingerprint(files)
		switch {
		case now != seen: // it changed just now: read it once it has been still
			seen = now
			settled.Reset(settle)
		case due:
			d.reloadNow(ctx)
			if next := d.config().Files; !slices.Equal(files, next) {
				files, seen = next, fingerprint(next)
				watch.add(files)
			}
		}
	}
}

// fingerprint changes when one of the files does.
func fingerprint(files []string) string {
	var b strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			inode := uint64(0)
			if s, ok := info.Sys().(*syscall.Stat_t); ok {
				inode = s.Ino
			}
			fmt.Fprintf(&b, "%s %d %d %d\n", f, info.Size(), info.ModTime().UnixNano(), inode)
		} else {
			fmt.Fprintf(&b, "%s is not there\n", f)
		}
	}
	return b.String()
}

// reloadNow reads the configuration again. One that cannot be used leaves the old
// one in force.
func (d *daemon) reloadNow(ctx context.Context) {
	d.notify.reloading()
	defer d.notify.ready()
	next, err := config.Load(d.in)
	if err == nil {
		err = d.apply(ctx, next)
	}
	if err != nil {
		d.refused(err)
		return
	}
	for _, w := range next.Warnings {
		d.log.Warn(w)
	}
}

// refused says why a new configuration is not taken: each reason on a line of
// its own.
func (d *daemon) refused(err error) {
	var problems config.Problems
	if !errors.As(err, &problems) {
		problems = config.Problems{{Reason: err.Error()}}
	}
	for _, p := range problems {
		d.log.Error("the new configuration is refused, the old one stays", "reason", p.Error())
	}
	d.log.Error("the new configuration is refused, the old one stays", "problems", len(problems), "hint", hint.Of(err))
	d.notify.status("new configuration refused: " + problems[0].Error())
}

// apply makes next what holds. What cannot change while the daemon runs is named
// and stays.
func (d *daemon) apply(ctx context.Context, next *config.Loaded) error {
	old := d.config()
	if reflect.DeepEqual(old.Config, next.Config) {
		d.log.Info("the configuration was read again: nothing has changed")
		return nil
	}
	if keys := needRestart(old.Config, next.Config); len(keys) > 0 {
		d.log.Warn("some settings hold after a restart only", "keys", keys)
	}
	if err := d.setTasks(ctx, next); err != nil {
		return err
	}
	// The tasks are taken: from here on next holds, whatever a sink says.
	d.mu.Lock()
	d.loaded = next
	d.mu.Unlock()
	d.level.Set(next.Log.SlogLevel())
	d.memory.set(next.Memory)
	if err := d.sinks.set(next.Events); err != nil {
		d.hinted("events do not go where they should", err)
	}
	d.log.Info("the new configuration holds", "changed", changedKeys(old, next))
	return nil
}

// needRestart are the settings that differ and that a running daemon keeps.
func needRestart(old, next config.Config) []string {
	var keys []string
	differ := func(key string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			keys = append(keys, key)
		}
	}
	differ("store", old.Store, next.Store)
	differ("listen", old.Listen, next.Listen)
	differ("tls", old.TLS, next.TLS)
	differ("token_file", old.TokenFile, next.TokenFile)
	differ("insecure", old.Insecure, next.Insecure)
	differ("hosts", old.Hosts, next.Hosts)
	differ("limits", old.Limits, next.Limits)
	differ("log.format", old.Log.Format, next.Log.Format)
	differ("workers", old.Workers, next.Workers)
	differ("threads", old.Threads, next.Threads)
	differ("poll", old.Poll, next.Poll)
	differ("pprof", old.Pprof, next.Pprof)
	differ("update.nudge", old.Update.Nudge, next.Update.Nudge)
	differ("report", old.Report, next.Report)
	return keys
}

// changedKeys are the keys that have other values; only the first few.
func changedKeys(old, next *config.Loaded) []string {
	before := map[string]string{}
	for _, s := range old.Show() {
		before[s.Key] = fmt.Sprint(s.Value)
	}
	var keys []string
	for _, s := range next.Show() {
		if was, ok := before[s.Key]; !ok || was != fmt.Sprint(s.Value) {
			keys = append(keys, s.Key)
		}
		delete(before, s.Key)
	}
	for key := range before {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	const few = 12
	if len(keys) > few {
		keys = append(keys[:few], fmt.Sprintf("and %d more", len(keys)-few))
	}
	return keys
}

// followStore serves the tasks of the store where the configuration names none.
func (d *daemon) followStore(ctx context.Context) {
	c := d.config()
	if c.TasksNamed() {
		return
	}
	names, err := d.store.Tasks()
	d.mu.Lock()
	same := slices.Equal(names, d.named)
	d.mu.Unlock()
	if err != nil || same || len(names) == 0 {
		return
	}
	if err := d.setTasks(ctx, c); err != nil {
		d.hinted("a new task of the store is not served", err)
		return
	}
	d.log.Info("the store has other tasks", "tasks", names)
}

// fileWatch tells of changes in the folders of files, where the system can.
type fileWatch struct {
	w    *notices.Watcher // nil: only polling
	none chan fsnotify.Event
}

func newFileWatch(files []string) *fileWatch {
	w, err := notices.New()
	if err != nil {
		return &fileWatch{} // no inotify left: the poll will do
	}
	fw := &fileWatch{w: w}
	fw.add(files)
	return fw
}

// add watches the folders of files too. A folder, since editors and Kubernetes
// put another file in the place of the old one.
func (f *fileWatch) add(files []string) {
	if f.w == nil {
		return
	}
	for _, file := range files {
		f.w.Add(filepath.Dir(file)) //nolint:errcheck // the poll will do
	}
}

func (f *fileWatch) events() <-chan fsnotify.Event {
	if f.w == nil {
		return f.none
	}
	return f.w.Events
}

func (f *fileWatch) close() {
	if f.w != nil {
		f.w.Close() //nolint:errcheck // nothing to lose
	}
}
