package tflite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// Reasons that errors.Is finds in what Trial returns.
var (
	ErrCrash   = errors.New("the model crashes the interpreter")
	ErrTimeout = errors.New("the model does not finish in time")
)

const (
	hintHostile  = "the file is damaged or was made to do harm: do not use it"
	hintTooSlow  = "the file may be damaged; on a slow device allow more time"
	trialTimeout = 20 * time.Second
	trialMemory  = 2 << 30
)

// TrialOptions says how a model is tried.
type TrialOptions struct {
	Options // as the model will be run

	// Timeout is for the whole trial, starting the child included. Zero: 20 s.
	Timeout time.Duration
	// Memory is how many bytes of address space the child may take beyond what
	// the program takes before it opens the model. Zero: 2 GiB.
	Memory int64
	// Launcher is a command to put in front of the program, such as an emulator
	// with its arguments. Zero: the program is started directly.
	Launcher []string
	// Program is a program whose main calls TrialChild. Zero: this one.
	Program string
}

// Trial opens the model at path in a child process, allocates its tensors, and
// runs it on zeros and on a middling value. The outputs must be finite. A crash
// or a hang of native code ends the child alone, and becomes an error like any
// other, with the reason: ErrCrash or ErrTimeout.
//
// The child is this program, started anew, or that of TrialOptions.Program: its
// main must call TrialChild before anything else. It gets no arguments and, of the environment, only what the
// dynamic linker needs. It is gone when Trial returns, also when ctx is done,
// and ends by itself if this process is killed.
//
// A trial says that a file is safe to load here, not that it is any good. It
// costs a process start and two runs. Trial may be called concurrently.
func Trial(ctx context.Context, path string, o TrialOptions) error {
	results, err := trials(ctx, []string{path}, o)
	if err != nil {
		return err
	}
	return results[0]
}

// withDefaults returns o with what its zeros mean.
func (o TrialOptions) withDefaults() TrialOptions {
	o.Timeout = cmp.Or(o.Timeout, trialTimeout)
	o.Memory = cmp.Or(o.Memory, trialMemory)
	return o
}

// trialRequest goes to the child as one line of JSON.
type trialRequest struct {
	Paths     []string
	Threads   int
	NoXNNPACK bool
	Memory    int64

	// What a Probe asks for besides.
	ProbeThreads []int
	ProbeInputs  [][]byte
}

func newTrialRequest(paths []string, o TrialOptions) (trialRequest, error) {
	request := trialRequest{Threads: o.Threads, NoXNNPACK: o.NoXNNPACK, Memory: o.Memory}
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return request, fmt.Errorf("try model %s: %w", path, err)
		}
		request.Paths = append(request.Paths, absolute)
	}
	return request, nil
}

// trialReply is what the child says of one path, in one line of JSON.
type trialReply struct {
	Path  int    // index, or trialReady before the first
	Error string // empty: it ran
	Hint  string

	Outputs [][]byte `json:",omitempty"` // of a Probe
}

// trialResult is what became of one path.
type trialResult struct {
	err     error
	outputs [][]byte
}

// trialReady is what the child says once it is about to open the first model.
const trialReady = -1

// trials tries many models, one after another, with a new child only when the
// last one died of its model. The first result is one error a path.
func trials(ctx context.Context, paths []string, o TrialOptions) ([]error, error) {
	o = o.withDefaults()
	request, err := newTrialRequest(paths, o)
	if err != nil {
		return nil, err
	}
	var results []error
	for len(results) < len(paths) {
		rest := request
		rest.Paths = request.Paths[len(results):]
		some, err := tryInChild(ctx, rest, o)
		if err != nil {
			return nil, fmt.Errorf("try model %s: %w", paths[len(results)], err)
		}
		for _, result := range some {
			results = append(results, result.err)
		}
	}
	return results, nil
}

// tryInChild starts one child and returns the results up to and including the
// first path that it died of, at least one.
func tryInChild(ctx context.Context, request trialRequest, o TrialOptions) ([]trialResult, error) {
	c, err := startTrial(ctx, request, o)
	if err != nil {
		return nil, err
	}
	defer c.kill()
	timer := time.NewTimer(o.Timeout)
	defer timer.Stop()
	var results []trialResult
	failed := func(err error) []trialResult {
		return append(results, trialResult{err: fmt.Errorf("try model %s: %w", request.Paths[len(results)], err)})
	}
	ready := false
	for {
		select {
		case line, more := <-c.lines:
			if !more {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				if !ready {
					return nil, c.neverBegan()
				}
				return failed(c.reason()), nil
			}
			var reply trialReply
			switch err := json.Unmarshal(line, &reply); {
			case err == nil && !ready && reply.Path == trialReady:
				ready = true
				continue
			case err != nil || !ready || reply.Path != len(results):
				return nil, fmt.Errorf("the child answered %.80q: %w", line, errNoChild)
			}
			results = append(results, trialResult{reply.err(), reply.Outputs})
			if len(results) == len(request.Paths) {
				return results, nil
			}
			timer.Reset(o.Timeout)
		case <-timer.C:
			err := hint.Wrap(fmt.Errorf("%w (%v)", ErrTimeout, o.Timeout), hintTooSlow)
			return failed(err), nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// err returns what the child said as an error, nil if the model ran.
func (r trialReply) err() error {
	if r.Error == "" {
		return nil
	}
	err := errors.New(r.Error)
	if r.Hint == "" {
		return err
	}
	return hint.Wrap(err, r.Hint)
}
