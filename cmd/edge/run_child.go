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
	"github.com/edge-adapt/edge/runtime/config"
)

// lowChild is this same program in a child at the lowest priority, for work that
// takes neither the daemon's memory nor its time, and whose crash takes nobody
// along.
type lowChild struct {
	program   string // edge
	arguments []string
	cores     int
	memory    int64 // in bytes; a child that takes more is ended
	// progress is told the steps that it reports; nil: nobody asks.
	progress func(stage string, done, total int)
}

// errMemory is the end of a child that took more memory than it may.
var errMemory = errors.New("it took too much memory and was ended")

// run runs the child to its end and returns the last of what it printed. When ctx
// ends so does the child, and the error is the cause. Otherwise it is errMemory, or
// what the child says went wrong.
func (c lowChild) run(ctx context.Context) (output []byte, err error) {
	cmd := exec.Command(c.program, c.arguments...) //nolint:gosec,noctx // this program itself; ended below, with its store at rest
	cmd.Env = childEnvironment(os.Environ(), c.cores, c.memory)
	var answer, said limited
	cmd.Stdout = &answer
	lines, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	wait, err := startLow(cmd, func() { readProgress(lines, c.progress, &said) })
	if err != nil {
		return nil, err
	}
	easyToKill(cmd.Process.Pid)
	over := watchChild(ctx, cmd.Process, c.memory)
	err = wait()
	tooMuch := over()
	switch {
	case err == nil:
		return answer.Bytes(), nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case tooMuch != nil:
		return nil, tooMuch
	}
	return nil, childError(err, answer.Bytes(), said.Bytes())
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
					result <- fmt.Errorf("%w: more than %v", errMemory, config.Size(limit>>20<<20))
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
		return err
	}
	if last := bytes.TrimSpace(said); len(last) > 0 {
		last = last[bytes.LastIndexByte(last, '\n')+1:]
		err = fmt.Errorf("%w: %s", err, last)
	}
	return fmt.Errorf("the child process failed: %w", err)
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
