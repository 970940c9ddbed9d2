package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/adrg/xdg"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/tflite"
)

// openOptions are the options of edge_open.
type openOptions struct {
	Store   string `json:"store"`
	Task    string `json:"task"`
	Workers int    `json:"workers"`
	Program string `json:"program"`
}

// task is what a handle stands for: a runtime with one task, which follows the
// store.
type task struct {
	*runtime.Task
	store   *models.Store
	engine  *engine.Engine
	runtime *runtime.Runtime
	stop    context.CancelFunc
	stopped chan error
}

func open(o openOptions) (*task, error) {
	o.Task = cmp.Or(o.Task, "default")
	if err := models.CheckTask(o.Task); err != nil {
		return nil, usage(err)
	}
	store, err := models.Open(cmp.Or(o.Store, filepath.Join(xdg.DataHome, "edge", "store")))
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Options{Tried: filepath.Join(cacheDir(), "tried"), Trial: trial(o.Program)})
	if err != nil {
		return nil, err
	}
	r, err := runtime.New(runtime.Options{Store: store, Engine: e, Workers: o.Workers})
	if err != nil {
		return nil, usage(err)
	}
	if err := r.SetTasks(context.Background(), []runtime.TaskConfig{{Name: o.Task}}); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	of, err := r.Task(o.Task)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	t := &task{Task: of, store: store, engine: e, runtime: r, stop: stop, stopped: make(chan error, 1)}
	go func() { t.stopped <- r.Run(ctx) }()
	return t, nil
}

func cacheDir() string { return filepath.Join(xdg.CacheHome, "edge") }

// trial tries bases in a process of the edge command: this process cannot be
// started anew, nobody knows what its main does.
func trial(program string) func(context.Context, string) error {
	if program == "" {
		return func(_ context.Context, path string) error {
			return hint.Wrap(fmt.Errorf("base %s was never run here", path),
				`give "program", the path of the edge command, to edge_open, or run edge classify with it once`)
		}
	}
	o := tflite.TrialOptions{Program: program}
	return func(ctx context.Context, path string) error { return tflite.Trial(ctx, path, o) }
}

// info is a part of runtime.TaskStatus.
type info struct {
	Task    string           `json:"task"`
	Serving bool             `json:"serving"`
	Model   *runtime.Model   `json:"model,omitempty"`
	Problem *runtime.Problem `json:"problem,omitempty"`
}

func (t *task) info() info {
	s := t.Status()
	return info{s.Task, s.Serving, s.Model, s.Problem}
}

func (t *task) classify(image []byte) (runtime.Answer, error) {
	picture, err := pixel.Decode(image, pixel.Limits{})
	if err != nil {
		return runtime.Answer{}, device.InputError{Err: hint.Wrap(err, "give a JPEG, PNG or WebP")}
	}
	return t.Classify(context.Background(), picture)
}

func (t *task) classifyRGB(pixels []byte, width, height int) (runtime.Answer, error) {
	return t.Classify(context.Background(), &pixel.RGB{Width: width, Height: height, Pix: pixels})
}

// adaptOptions are the options of edge_adapt.
type adaptOptions struct {
	Dir        string `json:"dir"`
	Base       string `json:"base"`
	Seed       uint64 `json:"seed"`
	NoActivate bool   `json:"no_activate"`
}

// adapt trains a head and, unless told otherwise, serves it when it returns.
func (t *task) adapt(ctx context.Context, o adaptOptions, progress func(stage string, done, total int)) (*report.Run, error) {
	if o.Dir == "" {
		return nil, usage(errors.New(`edge_adapt: "dir" is missing: the folder of images, a folder a class`))
	}
	library, err := base.OpenLibrary(filepath.Join(t.store.Dir(), base.LibraryFolder), nil)
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	source, err := library.Prepare(ctx, o.Base, filepath.Join(cacheDir(), "bases"))
	if err != nil {
		return nil, device.InputError{Err: err}
	}
	b, err := device.OpenBase(ctx, t.engine, source, device.Cache{File: filepath.Join(cacheDir(), "features.db"), Limit: cacheBytes}, nil)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	recipe := adapt.DefaultRecipe()
	recipe.Seed = cmp.Or(o.Seed, 1)
	run, err := device.Adapt(ctx, device.Config{
		Store: t.store, Task: t.Name(), Dir: o.Dir, Base: b, Recipe: recipe,
		Split: adapt.SplitOptions{Seed: recipe.Seed, ValFraction: 0.2}, NoActivate: true, Version: version,
		Progress: func(p adapt.Progress) { progress(string(p.Stage), p.Done, p.Total) },
	})
	if err != nil || o.NoActivate {
		return run, err
	}
	return run, t.Activate(ctx, run.Generation, "adapted")
}

// cacheBytes is what the cache of features may take, as with the command.
const cacheBytes = 1 << 30

// close waits until everything of the task has ended.
func (t *task) close() error {
	t.stop()
	return errors.Join(<-t.stopped, t.runtime.Close())
}
