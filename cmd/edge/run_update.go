package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/nudge"
	"github.com/edge-adapt/edge/models/update"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/server"
)

// updates looks for models over the air while the daemon runs: now and then, when
// nudged, and when a stick with a repository is plugged in. The work itself is done
// by children at the lowest priority, which change the store; the runtime sees that
// as it sees any new generation, and watches over it.
type updates struct {
	program string // edge
	store   string
	dir     string // of what the device knows of updates
	memory  *memory
	log     *slog.Logger
	// settings and tasks are those that hold now.
	settings func() config.Update
	tasks    func() []device.UpdateTask
	// standBy is why this daemon leaves it to another one; nil: it does not.
	standBy func() error
	// changed is told when something became of a task. It must not block.
	changed func()
	// spread is over how long the devices that one nudge reaches spread.
	spread time.Duration

	wake chan struct{} // has room for one

	mu     sync.Mutex
	status server.UpdateStatus
	stick  string // what the folder held when it was last looked at
}

const (
	// leastUpdate is the memory below which a look is not even tried.
	leastUpdate = 96 << 20
	// betweenLooks is the least time between two looks that somebody asked for: a
	// nudge is not signed.
	betweenLooks = time.Minute
	// nudgeSpread is for updates.spread.
	nudgeSpread = 10 * time.Minute
	// firstLook is within how long the first look comes: after a power cut all devices
	// start at once.
	firstLook = 10 * time.Minute
	// sooner is after how long a look that failed is repeated; doubled each time.
	sooner = 5 * time.Minute
	// stickEvery is how often the folder is looked at.
	stickEvery = 10 * time.Second
	// clockPatience is how long a board without a clock waits for the time.
	clockPatience = 5 * time.Minute
)

// Status implements server.Updates.
func (u *updates) Status() server.UpdateStatus {
	e, err := update.ReadEnrolment(u.dir)
	u.mu.Lock()
	defer u.mu.Unlock()
	s := u.status
	s.Enrolled, s.Channel = err == nil, e.Channel
	s.Tasks = append([]server.TaskUpdate(nil), s.Tasks...)
	return s
}

// Look implements server.Updates.
func (u *updates) Look() error {
	if _, err := update.ReadEnrolment(u.dir); err != nil {
		return err
	}
	if err := u.standBy(); err != nil {
		return err
	}
	u.nudge()
	return nil
}

// nudge wakes run.
func (u *updates) nudge() {
	select {
	case u.wake <- struct{}{}:
	default: // it is woken already
	}
}

// run looks for updates until ctx ends.
func (u *updates) run(ctx context.Context) {
	if _, err := update.ReadEnrolment(u.dir); err == nil {
		// What is signed for a time needs the time: boards without a clock get it from
		// the network. They go on serving meanwhile.
		update.NewClock(update.ClockConfig{Dir: u.dir}).WaitForSync(ctx, clockPatience) //nolint:errcheck // then by what is known
	}
	next := time.Now().Add(time.Duration(rand.Int64N(int64(firstLook)))) //nolint:gosec // jitter is no secret
	var last time.Time
	failed := 0
	for {
		wait, every := stickEvery, u.settings().Every.D()
		var shown time.Time
		if every > 0 {
			wait, shown = min(time.Until(next), stickEvery), next.UTC().Truncate(time.Second)
		}
		u.set(func(s *server.UpdateStatus) { s.Next = shown })
		look := time.NewTimer(wait)
		var from string
		asked := false
		select {
		case <-ctx.Done():
			look.Stop()
			return
		case <-u.wake:
			asked = true
		case <-look.C:
		}
		look.Stop()
		switch path, ok := u.plugged(); {
		case ok:
			from = path
		case asked:
			if !pause(ctx, betweenLooks-time.Since(last)) {
				return
			}
		case every == 0 || time.Now().Before(next):
			continue
		}
		if _, err := update.ReadEnrolment(u.dir); err == nil && u.standBy() == nil {
			failed++
			if u.look(ctx, from) {
				failed = 0
			}
			last = time.Now()
		}
		if failed > 0 {
			every = min(every, sooner<<min(failed-1, 16))
		}
		next = time.Now().Add(around(every))
	}
}

// around is d, give or take a quarter.
func around(d time.Duration) time.Duration {
	return d - d/4 + time.Duration(rand.Int64N(int64(d)/2+1)) //nolint:gosec // jitter is no secret
}

// pause waits; false when ctx has ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// plugged returns the folder with a repository, if it holds another state than the
// last time.
func (u *updates) plugged() (string, bool) {
	folder := u.settings().Folder
	if folder == "" {
		return "", false
	}
	info, err := os.Stat(filepath.Join(repositoryIn(folder), "metadata", "timestamp.json"))
	now := ""
	if err == nil {
		now = fmt.Sprint(folder, info.Size(), info.ModTime())
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	fresh := now != "" && now != u.stick
	u.stick = now
	return folder, fresh
}

// look runs one child, and notes what became of it. It reports whether all went
// well.
func (u *updates) look(ctx context.Context, from string) bool {
	u.set(func(s *server.UpdateStatus) { s.Running, s.Looked = true, time.Now().UTC().Truncate(time.Second) })
	done, err := u.child(ctx, from)
	if ctx.Err() != nil {
		return false
	}
	u.set(func(s *server.UpdateStatus) {
		s.Running, s.Stage, s.Done, s.Total, s.Error, s.Hint = false, "", 0, 0, "", ""
		if err != nil {
			s.Error, s.Hint = err.Error(), hint.Of(err)
			return
		}
		s.Tasks = nil
		for _, d := range done {
			s.Tasks = append(s.Tasks, server.TaskUpdate{Task: d.Task, Action: string(d.Action), Release: d.Release, Generation: d.Generation, Reason: d.Reason})
		}
	})
	if err != nil {
		u.log.Warn("looking for updates failed", "error", err, "hint", hint.Of(err))
	}
	for _, d := range done {
		if d.Action != device.ActionNone {
			u.log.Info("update", "task", d.Task, "action", d.Action, "release", d.Release, "generation", d.Generation, "reason", d.Reason)
			u.changed()
		}
	}
	return err == nil
}

// child has a child look, and apply if the settings say so.
func (u *updates) child(ctx context.Context, from string) ([]device.Update, error) {
	if err := u.memory.busy(); err != nil {
		return nil, err
	}
	limit := u.memory.free() / 2
	if limit < leastUpdate {
		return nil, hint.Wrap(fmt.Errorf("%v of memory is too little to take an update", config.Size(limit>>20<<20)), "make room for 200MiB or more")
	}
	arguments := []string{"update", "check", "--json", "--store", u.store}
	if u.settings().Apply {
		arguments = []string{"update", "apply", "--json", "--store", u.store, "--progress", "lines", "--threads", "1"}
		for _, t := range u.tasks() {
			if t.Samples != "" {
				arguments = append(arguments, "--samples", t.Name+"="+t.Samples)
			}
		}
	}
	if from != "" {
		arguments = append(arguments, "--from", from)
	}
	child := lowChild{program: u.program, arguments: arguments, cores: 1, memory: limit, progress: func(stage string, done, total int) {
		u.set(func(s *server.UpdateStatus) { s.Stage, s.Done, s.Total = stage, int64(done), int64(total) })
	}}
	output, err := child.run(ctx)
	if errors.Is(err, errMemory) {
		return nil, hint.Wrap(err, "give the daemon more memory, or apply the update while it is stopped: edge update apply")
	}
	if err != nil {
		return nil, err
	}
	var all []device.Update
	for line := range bytes.Lines(output) {
		var one device.Update
		if err := json.Unmarshal(line, &one); err != nil {
			return nil, fmt.Errorf("what the child says: %w", err)
		}
		all = append(all, one)
	}
	return all, nil
}

func (u *updates) set(change func(*server.UpdateStatus)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.status)
}

// listen hears nudges until ctx ends.
func (u *updates) listen(ctx context.Context) {
	n := u.settings().Nudge
	e, err := update.ReadEnrolment(u.dir)
	if n.Broker == "" || err != nil {
		return
	}
	b := nudge.Broker{URL: n.Broker, Username: n.Username, PasswordFile: n.PasswordFile, CAFile: n.CAFile, CertFile: n.CertFile, KeyFile: n.KeyFile}
	heard := 0 // the broker repeats the latest
	err = nudge.Listen(ctx, b, e.Channel, func(release int) {
		if release == heard {
			return
		}
		heard = release
		time.AfterFunc(time.Duration(rand.Int64N(int64(u.spread)+1)), u.nudge) //nolint:gosec // jitter is no secret
	}, func(err error) { u.log.Warn("no nudges for now", "error", err) })
	if err != nil {
		u.log.Error("no nudges", "error", err, "hint", hint.Of(err))
	}
}
