package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/edge-adapt/edge/internal/hint"
)

func (a *app) topCommand() *cobra.Command {
	f := &clientFlags{}
	every := time.Second
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Watch a running daemon: rates, latency, what it sees, memory, temperature",
		Long: `Show live how the daemon that edge run started is. Arrow keys choose the task that
is shown in full, space stops and goes on, q ends.

Where the output is no terminal, or with --json, one line a second is printed.`,
		Example: `  edge top
  edge top --server pi.local:8080 --token-file ~/.edge-token --every 500ms`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every < 100*time.Millisecond || every > time.Minute {
				return usageError{fmt.Errorf("--every %v: want 100ms to 1m", every), cmd.CommandPath()}
			}
			c, err := f.connect(cmd.Context())
			if err != nil {
				return err
			}
			return a.top(cmd.Context(), c, every)
		},
	}
	f.register(cmd)
	cmd.Flags().DurationVar(&every, "every", every, "how often the daemon is asked")
	return cmd
}

// topPatience is how long an answer may take before the screen says that there
// is none.
const topPatience = 3 * time.Second

// top shows the daemon until ctx ends or the person does.
func (a *app) top(ctx context.Context, c *daemonClient, every time.Duration) error {
	c.http.Timeout = topPatience
	first, err := c.state(ctx) // so that a wrong address is an error and no empty screen
	if err != nil {
		return err
	}
	out, isFile := a.stdout.(*os.File)
	in, isInput := a.stdin.(*os.File)
	if _, onTerminal := terminal(a.stdout); !onTerminal || a.json || !isFile {
		return a.topLines(ctx, c, every)
	}
	v := newTopView(textOptions(a.stdout).Colour)
	v.update(first, time.Now())
	keys := make(chan byte)
	if isInput && term.IsTerminal(int(in.Fd())) {
		restore, err := rawKeys(int(in.Fd()))
		if err != nil {
			return err
		}
		defer restore()
		go readKeys(ctx, in, keys)
	}
	// The alternate screen, so that the terminal is afterwards as it was before.
	fmt.Fprint(out, "\x1b[?1049h\x1b[?25l")
	defer fmt.Fprint(out, "\x1b[?25h\x1b[?1049l")
	return topLoop(ctx, c, every, v, out, keys)
}

// topLoop asks and draws until ctx ends or q is pressed.
func topLoop(ctx context.Context, c *daemonClient, every time.Duration, v *topView, out *os.File, keys <-chan byte) error {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tick := time.NewTicker(every)
	defer tick.Stop()
	answers := make(chan topAnswer, 1)
	asking := false
	for {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil {
			width, height = 80, 24
		}
		fmt.Fprint(out, v.screen(width, height, time.Now()))
		select {
		case <-ctx.Done():
			return nil
		case <-resized:
		case key := <-keys:
			if key == 'q' || key == 3 { // ^C
				return nil
			}
			v.press(key)
		case <-tick.C:
			if !asking && !v.paused {
				asking = true
				go func() { // one at a time; its place in answers is free
					s, err := c.state(ctx)
					answers <- topAnswer{s, err}
				}()
			}
		case got := <-answers:
			asking = false
			if got.err != nil {
				v.fail(got.err)
			} else {
				v.update(got.state, time.Now())
			}
		}
	}
}

type topAnswer struct {
	state *daemonState
	err   error
}

// topLines prints a line a task each time, for logs and other programs.
func (a *app) topLines(ctx context.Context, c *daemonClient, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s, err := c.state(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if a.json {
			if err := a.print(s); err != nil {
				return err
			}
		} else {
			now := time.Now()
			for _, t := range s.Tasks {
				l := taskView(t, now)
				if _, err := fmt.Fprintf(a.stdout, "%s %s generation %s, sees %s (%s) for %s, %s images/s, p50 %s ms, p99 %s ms, source %s\n",
					now.Format("15:04:05"), l.Task, l.Generation, l.Sees, l.Score, l.For, l.Rate, l.P50, l.P99, l.Source); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// rawKeys has the terminal pass on each key at once. Signals still come.
func rawKeys(fd int) (restore func(), err error) {
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("read keys: %w", err), "edge top --json needs no terminal")
	}
	return func() { term.Restore(fd, old) }, nil //nolint:errcheck // nothing to be done about it
}

// The keys that are more than a byte.
const (
	keyUp   = 'k'
	keyDown = 'j'
)

// readKeys passes keys on until ctx ends. The goroutine may wait for one more key
// than that, until the process ends.
func readKeys(ctx context.Context, in *os.File, keys chan<- byte) {
	buf := make([]byte, 16)
	for {
		n, err := in.Read(buf)
		if err != nil || errors.Is(ctx.Err(), context.Canceled) {
			return
		}
		for _, key := range parseKeys(buf[:n]) {
			select {
			case keys <- key:
			case <-ctx.Done():
				return
			}
		}
	}
}

// parseKeys turns what a terminal sends into keys: arrows are k and j.
func parseKeys(sent []byte) []byte {
	var keys []byte
	for i := 0; i < len(sent); i++ {
		if sent[i] != 0x1b {
			keys = append(keys, sent[i])
			continue
		}
		if i+2 < len(sent) && (sent[i+1] == '[' || sent[i+1] == 'O') {
			switch sent[i+2] {
			case 'A':
				keys = append(keys, keyUp)
			case 'B':
				keys = append(keys, keyDown)
			}
			i += 2
		}
	}
	return keys
}
