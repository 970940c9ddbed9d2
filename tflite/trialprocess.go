package tflite

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
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// trialMark is the environment variable that makes this program the child.
const trialMark = "EDGE_TFLITE_TRIAL"

// trialKeeps are the variables a child inherits: those without which the
// program may not start, and none that could hold a secret.
var trialKeeps = [...]string{"LD_LIBRARY_PATH", "QEMU_LD_PREFIX", "QEMU_CPU", "GOCOVERDIR"}

// trialProcess is a running child.
type trialProcess struct {
	command *exec.Cmd
	stdin   io.Closer // the child ends when this closes
	stdout  io.Closer
	lines   chan []byte
	asked   chan struct{} // closed when the request is written, or cannot be
	stderr  lastWords
	stop    sync.Once
}

// errNoChild is the likely cause when the child says nothing it should.
var errNoChild = errors.New("does the program's main call tflite.TrialChild first?")

func startTrial(ctx context.Context, request trialRequest, o TrialOptions) (*trialProcess, error) {
	if os.Getenv(trialMark) != "" {
		return nil, errors.New("this process is itself the child of a trial: its main did not call tflite.TrialChild")
	}
	program := o.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	arguments := append(append([]string(nil), o.Launcher...), program)
	c := &trialProcess{lines: make(chan []byte), asked: make(chan struct{})}
	c.command = exec.CommandContext(ctx, arguments[0], arguments[1:]...) //nolint:gosec // this very program, or one that the caller trusts
	c.command.Env = []string{trialMark + "=1", "GOTRACEBACK=none"}
	for _, name := range trialKeeps {
		if value, ok := os.LookupEnv(name); ok {
			c.command.Env = append(c.command.Env, name+"="+value)
		}
	}
	c.command.Stderr = &c.stderr
	// Its own group, so that a launcher's children end with it.
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.command.WaitDelay = time.Second
	stdin, err := c.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.stdin = stdin
	stdout, err := c.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.stdout = stdout
	if err := c.command.Start(); err != nil {
		return nil, fmt.Errorf("start the child: %w", err)
	}
	go func() {
		defer close(c.asked)
		// A child that dies at once breaks this pipe; its exit says why. One that
		// does not read is given up by the clock.
		_ = json.NewEncoder(stdin).Encode(request)
	}()
	go c.listen(stdout)
	return c, nil
}

// maxReply bounds a line of the child's: what a Probe gives, in base64.
const maxReply = 64 << 20

// listen passes the child's answers on until it closes its output.
func (c *trialProcess) listen(stdout io.Reader) {
	defer close(c.lines)
	in := bufio.NewScanner(stdout)
	in.Buffer(nil, maxReply)
	for in.Scan() {
		c.lines <- bytes.Clone(in.Bytes())
	}
}

// kill ends the child and waits until it is gone. Further calls do nothing.
func (c *trialProcess) kill() {
	c.stop.Do(func() {
		_ = syscall.Kill(-c.command.Process.Pid, syscall.SIGKILL)
		c.stdin.Close()
		c.stdout.Close()
		for range c.lines {
		}
		<-c.asked
		_ = c.command.Wait()
	})
}

// bury waits for a child that has closed its output, and returns how it ended
// and the last thing it said.
func (c *trialProcess) bury() (state *os.ProcessState, said string) {
	// One that is dying already keeps the cause it dies of.
	c.kill()
	if said = c.stderr.String(); said != "" {
		said = ": " + said
	}
	return c.command.ProcessState, said
}

// neverBegan returns why the child ended before it opened any model.
func (c *trialProcess) neverBegan() error {
	state, said := c.bury()
	if state.ExitCode() == trialExitBadRequest {
		return fmt.Errorf("the child could not begin%s", said)
	}
	return fmt.Errorf("the child did not begin (%v)%s: %w", state, said, errNoChild)
}

// reason returns what the child died of while it had a model open.
func (c *trialProcess) reason() error {
	state, said := c.bury()
	how := state.String()
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		how = unix.SignalName(status.Signal())
		if status.Signal() == syscall.SIGKILL {
			how += ", out of memory?"
		}
	}
	return hint.Wrap(fmt.Errorf("%w (%s)%s", ErrCrash, how, said), hintHostile)
}
