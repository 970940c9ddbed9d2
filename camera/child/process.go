// Package child runs a program that a driver needs (ffmpeg, a camera program) as
// a child process whose standard output is frames.
//
// The child leads a process group of its own, so that a Ctrl-C at the terminal does
// not reach it before its owner, and so that helpers it starts can be ended with
// it. On Linux the kernel ends it when this process dies, however that happens.
// What it writes to standard error is kept for the error: its last lines say best
// what went wrong.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// grace is how long a program has between being asked to end and being ended. A
// camera program uses it to give its device back.
const grace = 2 * time.Second

// Options says what to run.
type Options struct {
	// Program is a name to be found on PATH, or a path.
	Program string
	Args    []string
	// Stdin opens a pipe to the program's standard input. Otherwise it reads
	// nothing.
	Stdin bool
	// Install is the next step where the program is missing: "apt-get install …".
	Install string
	// Hide lists texts that must not appear in errors, such as passwords.
	Hide []string
}

// Process is a running program. Read and Write are each for one goroutine; Close is
// for any.
type Process struct {
	name   string
	cmd    *exec.Cmd
	stdout io.ReadCloser
	stdin  io.WriteCloser
	stderr tail

	closing sync.Once
	closed  chan struct{} // Close was called
	drained chan struct{} // Read has met the end, or nobody reads any more
	drain   sync.Once
	ended   chan struct{} // the process is gone and err is set
	err     error

	mu   sync.Mutex
	gone bool // the process number may belong to somebody else from now on
}

// Find returns the path of a program, or an ErrUnsupported that says how it is
// installed.
func Find(program, install string) (string, error) {
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	cause := "is not on PATH"
	if filepath.Base(program) != program {
		cause = "cannot be run"
	}
	err = fmt.Errorf("%s %s: %w", program, cause, camera.ErrUnsupported)
	if install == "" {
		return "", err
	}
	return "", hint.Wrap(err, install)
}

// Start runs a program. It goes on until it ends by itself or Close is called.
func Start(o Options) (*Process, error) {
	path, err := Find(o.Program, o.Install)
	if err != nil {
		return nil, err
	}
	p := &Process{
		name:   filepath.Base(path),
		stderr: tail{hide: o.Hide},
		closed: make(chan struct{}), drained: make(chan struct{}), ended: make(chan struct{}),
	}
	// Not CommandContext: the process outlives the context of its opening.
	p.cmd = exec.Command(path, o.Args...) //nolint:gosec,noctx // the user's program and arguments of our own making
	p.cmd.Stderr = &p.stderr
	p.cmd.SysProcAttr = attributes()
	// A grandchild may hold standard error open; it is not waited for.
	p.cmd.WaitDelay = time.Second
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if o.Stdin {
		if p.stdin, err = p.cmd.StdinPipe(); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s does not start: %w", p.name, err)
	}
	return p, nil
}

// run starts the process and waits for it. The kernel ends a child when the thread
// that made it ends, so that thread is kept until the child is gone.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	known := awaitExit(p.cmd)
	if known {
		p.signal(end) // helpers that it left behind
	}
	// Wait closes the pipe that Read reads, so all must have been read before.
	<-p.drained
	p.mu.Lock()
	p.gone = known
	p.mu.Unlock()
	p.err = p.explain(p.cmd.Wait())
	close(p.ended)
}

// signal sends to the group, unless its number may have been given away.
func (p *Process) signal(send func(*exec.Cmd)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		send(p.cmd)
	}
}

// explain says why the process ended: nil if it did well.
func (p *Process) explain(err error) error {
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		return nil
	}
	cause := err.Error()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		cause = fmt.Sprintf("ended with exit code %d", exit.ExitCode())
	}
	if said := p.stderr.String(); said != "" {
		return fmt.Errorf("%s %s: %s", p.name, cause, said)
	}
	return fmt.Errorf("%s %s", p.name, cause)
}

// Read reads the program's standard output. At its end the error is io.EOF if the
// program ended well, camera.ErrClosed after Close, and otherwise what the program
// said.
func (p *Process) Read(b []byte) (int, error) {
	n, err := p.stdout.Read(b)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, p.end(err)
}

// end waits until the process is gone, after its output has come to an end.
func (p *Process) end(err error) error {
	select {
	case <-p.closed:
		return camera.ErrClosed
	default:
	}
	p.drain.Do(func() { close(p.drained) })
	// A program that closed its output and does not end is as good as ended.
	select {
	case <-p.ended:
	case <-p.closed:
		return camera.ErrClosed
	case <-time.After(grace):
		return fmt.Errorf("%s closed its output and goes on", p.name)
	}
	if p.err != nil {
		return p.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return io.EOF
	}
	return err
}

// Write writes to the program's standard input. The error is camera.ErrClosed after
// Close; where the program ended, the next Read says why.
func (p *Process) Write(b []byte) (int, error) {
	n, err := p.stdin.Write(b)
	if err != nil {
		select {
		case <-p.closed:
			return n, camera.ErrClosed
		default:
		}
		return n, fmt.Errorf("%s reads no more: %w", p.name, err)
	}
	return n, nil
}

// CloseInput tells the program that nothing more comes.
func (p *Process) CloseInput() error { return p.stdin.Close() }

// Stderr returns the last lines that the program wrote to standard error.
func (p *Process) Stderr() string { return p.stderr.String() }

// Close ends the program and those that it started, politely at first, and waits
// until it is gone. It ends a Read and a Write that wait. Further calls wait, too.
func (p *Process) Close() error {
	p.closing.Do(func() {
		close(p.closed)
		if p.stdin != nil {
			_ = p.stdin.Close()
		}
		p.signal(ask)
		// A program in the middle of writing gets an error, not a wait.
		_ = p.stdout.Close()
		p.drain.Do(func() { close(p.drained) })
		select {
		case <-p.ended:
		case <-time.After(grace):
		}
		p.signal(end)
	})
	<-p.ended
	return nil
}

// Run runs a program to its end and returns what it wrote to standard output, at
// most limit bytes of it. The process is ended when ctx ends.
func Run(ctx context.Context, o Options, limit int64) ([]byte, error) {
	p, err := Start(o)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	defer stop()
	out, err := io.ReadAll(io.LimitReader(p, limit))
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return out, err
}
