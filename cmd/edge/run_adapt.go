package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
)

// adapter runs adaptations in children of the same program, so that training
// takes neither the daemon's memory nor its time, and a crash takes nobody along.
type adapter struct {
	program string // edge
	store   string
	memory  *memory
	// settings are the task's; they may change while the daemon runs.
	settings func(task string) config.Adapt
}

// leastAdapt is the memory below which adapting is not even tried.
const leastAdapt = 96 << 20

// adapt trains a head as r asks. It implements runtime.Options.Adapt.
func (a *adapter) adapt(ctx context.Context, r runtime.AdaptRequest) error {
	settings := a.settings(r.Task)
	if err := a.memory.busy(); err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	// Half of what is free, so that live requests have the other half.
	limit := settings.Memory.Of(memoryTotal())
	if limit == 0 {
		limit = a.memory.free() / 2
	}
	if limit < leastAdapt {
		return hint.Wrap(fmt.Errorf("adapt: %v of memory is too little", config.Size(limit>>20<<20)),
			"make room for 200MiB or more, or set tasks."+r.Task+".adapt.memory and try")
	}
	cmd := exec.Command(a.program, a.arguments(settings, r)...) //nolint:gosec,noctx // this program itself; ended below, with its store at rest
	cmd.Env = childEnvironment(os.Environ(), settings.Cores, limit)
	var answer, said limited
	cmd.Stdout = &answer
	lines, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	wait, err := startLow(cmd, func() { readProgress(lines, r.Progress, &said) })
	if err != nil {
		return fmt.Errorf("adapt: %w", err)
	}
	easyToKill(cmd.Process.Pid)
	over := watchChild(ctx, cmd.Process, limit)
	err = wait()
	tooMuch := over()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case tooMuch != nil:
		return tooMuch
	}
	return childError(err, answer.Bytes(), said.Bytes())
}

func (a *adapter) arguments(s config.Adapt, r runtime.AdaptRequest) []string {
	args := []string{
		"adapt", "--json", "--progress", "lines", "--store", a.store, "--task", r.Task, "--dir", r.Samples,
		"--base", currentBase, "--recipe", s.Recipe, "--threads", strconv.Itoa(s.Cores),
	}
	if !r.Activate {
		args = append(args, "--no-activate")
	}
	return args
}

// childEnvironment is environ with Go's limits, without what is the daemon's own:
// its settings, which may be secrets, and systemd's socket.
func childEnvironment(environ []string, cores int, memory int64) []string {
	var out []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case strings.HasPrefix(name, "EDGE_"), name == "GOMAXPROCS", name == "GOMEMLIMIT",
			name == "NOTIFY_SOCKET", strings.HasPrefix(name, "WATCHDOG_"), strings.HasPrefix(name, "LISTEN_"):
		default:
			out = append(out, entry)
		}
	}
	return append(out, "GOMAXPROCS="+strconv.Itoa(cores), "GOMEMLIMIT="+strconv.FormatInt(memory*3/4, 10))
}

// readProgress passes on the steps that the child reports, until it ends. What
// else it says is kept for its error.
func readProgress(from io.Reader, progress func(stage string, done, total int), said io.Writer) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var step progressLine
		if json.Unmarshal(lines.Bytes(), &step) == nil && step.Stage != "" {
			if progress != nil {
				progress(step.Stage, step.Done, step.Total)
			}
			continue
		}
		fmt.Fprintf(said, "%s\n", lines.Bytes())
	}
	io.Copy(io.Discard, from) //nolint:errcheck // a line too long: the child must not wait for us
}

// watchChild ends the child when ctx ends, first kindly, and when it takes more
// memory than limit. The returned function ends the watch and says whether it was
// that.
func watchChild(ctx context.Context, p *os.Process, limit int64) (over func() error) {
	ended := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		look := time.NewTicker(250 * time.Millisecond)
		defer look.Stop()
		cancelled := ctx.Done()
		for {
			select {
			case <-ended:
				result <- nil
				return
			case <-cancelled:
				cancelled = nil
				p.Signal(os.Interrupt)                                     //nolint:errcheck // it may have ended
				kill := time.AfterFunc(2*time.Second, func() { p.Kill() }) //nolint:errcheck // it may have ended
				defer kill.Stop()
			case <-look.C:
				if used, err := residentOf(strconv.Itoa(p.Pid)); err == nil && used > limit {
					p.Kill() //nolint:errcheck // it may have ended
					<-ended
					result <- hint.Wrap(fmt.Errorf("adapt: it took more than %v of memory and was ended", config.Size(limit>>20<<20)),
						"use fewer or smaller images, or raise adapt.memory of the task")
					return
				}
			}
		}
	}()
	return func() error {
		close(ended)
		return <-result
	}
}

// easyToKill has the kernel choose this process first when memory runs out.
func easyToKill(pid int) {
	os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("900"), 0) //nolint:errcheck // a wish
}

// childError is what the child says went wrong, or how it ended.
func childError(err error, answer, said []byte) error {
	var told struct{ Error, Hint string }
	if json.Unmarshal(bytes.TrimSpace(answer), &told) == nil && told.Error != "" {
		err = errors.New(told.Error)
		if told.Hint != "" {
			err = hint.Wrap(err, told.Hint)
		}
		return fmt.Errorf("adapt: %w", err)
	}
	if last := bytes.TrimSpace(said); len(last) > 0 {
		last = last[bytes.LastIndexByte(last, '\n')+1:]
		err = fmt.Errorf("%w: %s", err, last)
	}
	return fmt.Errorf("adapt: the child process failed: %w", err)
}

// limited keeps the last 64 KiB that are written to it.
type limited struct{ bytes.Buffer }

const keptOutput = 64 << 10

func (l *limited) Write(p []byte) (int, error) {
	n, err := l.Buffer.Write(p)
	if over := l.Len() - keptOutput; over > 0 {
		l.Next(over)
	}
	return n, err
}
