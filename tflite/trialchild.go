package tflite

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/internal/capi"
)

const (
	trialExitOrphaned   = 64 // the parent is gone
	trialExitBadRequest = 65
)

// TrialChild must be the first call of main, and of TestMain in packages that
// use Trial. It returns at once in an ordinary process. In a child of Trial it
// tries the models it is asked to and ends the process.
func TrialChild() {
	if os.Getenv(trialMark) == "" {
		return
	}
	os.Exit(trialChild(os.Stdin, os.Stdout, os.Stderr))
}

func trialChild(stdin io.Reader, stdout, stderr io.Writer) int {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	var request trialRequest
	if err == nil {
		err = json.Unmarshal(line, &request)
	}
	if err != nil {
		fmt.Fprintf(stderr, "read the request: %v\n", err)
		return trialExitBadRequest
	}
	go func() {
		// The pipe closes when the parent has enough, or is gone.
		_, _ = io.Copy(io.Discard, in)
		os.Exit(trialExitOrphaned)
	}()
	if err := confine(request.Memory); err != nil {
		fmt.Fprintf(stderr, "set limits: %v\n", err)
		return trialExitBadRequest
	}
	capi.DieOfSignals()
	out := json.NewEncoder(stdout)
	if err := out.Encode(trialReply{Path: trialReady}); err != nil {
		return trialExitOrphaned
	}
	for i, path := range request.Paths {
		reply := trialReply{Path: i}
		err := try(path, Options{Threads: request.Threads, NoXNNPACK: request.NoXNNPACK, NativeLog: true})
		if err == nil {
			reply.Outputs, err = probe(path, request)
		}
		if err != nil {
			reply.Error, reply.Hint = err.Error(), hint.Of(err)
		}
		if err := out.Encode(reply); err != nil {
			return trialExitOrphaned
		}
	}
	return 0
}

// confine keeps a runaway child from harming the machine: bounded memory, first
// in line when memory is short, no core dump.
func confine(memory int64) error {
	size, err := addressSpace()
	if err != nil {
		return err
	}
	limit := uint64(size + memory)
	if err := unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		return fmt.Errorf("limit memory: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switch core dumps off: %w", err)
	}
	// Where this is not permitted, the trial works all the same.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	return nil
}

// addressSpace returns the bytes of address space in use.
func addressSpace() (int64, error) {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(data), " ")
	pages, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}

// try opens the model at path and runs it twice.
func try(path string, o Options) error {
	it, err := Open(path, o)
	if err != nil {
		return err
	}
	defer it.Close()
	if it.unfit != nil {
		return fmt.Errorf("model %s: %w", path, it.unfit)
	}
	src := make([]float32, it.declared*it.in.per)
	dst := make([][]float32, len(it.outs))
	for i, out := range it.outs {
		dst[i] = make([]float32, it.declared*out.per)
	}
	for _, value := range []float32{0, it.in.middle()} {
		for i := range src {
			src[i] = value
		}
		if err := it.RunAll(dst, src); err != nil {
			return err
		}
		for _, output := range dst {
			if !finite(output) {
				return hint.Wrap(fmt.Errorf("model %s: its output is not finite", path), "the weights are damaged, or training diverged")
			}
		}
	}
	return nil
}

func finite(values []float32) bool {
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
