package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

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
	child := lowChild{program: a.program, arguments: a.arguments(settings, r), cores: settings.Cores, memory: limit, progress: r.Progress}
	_, err := child.run(ctx)
	switch {
	case errors.Is(err, errMemory):
		return hint.Wrap(fmt.Errorf("adapt: %w", err), "use fewer or smaller images, or raise adapt.memory of the task")
	case err != nil && ctx.Err() == nil:
		return fmt.Errorf("adapt: %w", err)
	}
	return err
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
