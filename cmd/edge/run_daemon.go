package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/camera/open"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/config"
	"github.com/edge-adapt/edge/runtime/engine"
	"github.com/edge-adapt/edge/runtime/server"
)

// daemon is `edge run`: everything it joins.
type daemon struct {
	in    config.Input
	stdin io.Reader

	log    *slog.Logger
	level  slog.LevelVar
	dir    string // of the store
	store  *models.Store
	rt     *runtime.Runtime
	memory *memory
	keeper keeper
	sinks  sinks
	notify notifier
	server *server.Server

	updates *updates
	reports *reports

	machineReader machineReader

	mu     sync.Mutex
	loaded *config.Loaded
	named  []string // the tasks that are served
}

// runDaemon runs until ctx ends, and then stops within the time for it.
func (a *app) runDaemon(ctx context.Context, in config.Input, loaded *config.Loaded) error {
	d := &daemon{in: in, stdin: a.stdin, loaded: loaded}
	journal := os.Getenv("JOURNAL_STREAM") != ""
	d.log = newLog(a.stderr, loaded.Log, &d.level, a.quiet, journal)
	done := make(chan error, 1)
	working, finish := context.WithCancelCause(context.WithoutCancel(ctx))
	defer finish(nil)
	go func() { done <- d.run(working) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// A second signal has its usual effect, before anything shows that the first came.
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	finish(context.Cause(ctx))
	grace := d.config().Grace.D()
	select {
	case err := <-done:
		return err
	case <-time.After(grace):
		return fmt.Errorf("it did not stop within %v and was cut off", config.Duration(grace))
	}
}

// config is the configuration that holds now.
func (d *daemon) config() *config.Loaded {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.loaded
}

// run joins the parts, runs them until ctx ends, and takes them apart in turn.
func (d *daemon) run(ctx context.Context) (err error) {
	c := d.config()
	d.memory = newMemory(c.Memory, d.log)
	if err := d.open(c); err != nil {
		return err
	}
	defer d.keeper.close() // when nothing of the runtime touches the store any more
	defer func() { err = errors.Join(err, d.rt.Close()) }()
	d.keeper.try()
	d.notify = notifier{log: d.log}
	d.sinks = sinks{rt: d.rt, log: d.log, now: map[string]any{}}
	if err := d.sinks.set(c.Events); err != nil {
		return err
	}
	listeners, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	if d.server, err = d.newServer(c); err != nil {
		closeAll(listeners)
		return err
	}
	if err := d.setTasks(ctx, c); err != nil {
		closeAll(listeners)
		return err
	}
	return d.serve(ctx, listeners)
}

// open makes the runtime on the store.
func (d *daemon) open(c *config.Loaded) (err error) {
	if d.dir, err = storeOf(c.Config); err != nil {
		return err
	}
	if d.store, err = models.Open(d.dir); err != nil {
		return err
	}
	e, err := engine.New(engine.Options{Threads: c.Threads, Tried: filepath.Join(cacheDir(), "tried"), Log: d.log})
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("which program am I: %w", err)
	}
	adapts := &adapter{program: program, store: d.dir, memory: d.memory, settings: d.adaptSettings}
	o := runtime.Options{
		Store: d.store, Engine: e, Log: d.log, Workers: c.Workers, Poll: c.Poll.D(),
		OpenSource: open.New(open.Options{Stdin: d.stdin}).Open, Adapt: adapts.adapt,
	}
	if d.rt, err = runtime.New(o); err != nil {
		return err
	}
	d.keeper = keeper{dir: d.dir, log: d.log, standBy: d.rt.StandBy}
	d.reports = &reports{d: d, dir: updateDir(d.store), soon: make(chan struct{}, 1), began: time.Now()}
	d.updates = &updates{
		program: program, store: d.dir, dir: updateDir(d.store), memory: d.memory, log: d.log, wake: make(chan struct{}, 1),
		settings: func() config.Update { return d.config().Update }, tasks: d.updateTasks, standBy: d.rt.StandingBy, changed: d.reports.changed,
		spread: nudgeSpread,
	}
	return nil
}

// updateTasks are the tasks that follow the channel.
func (d *daemon) updateTasks() []device.UpdateTask {
	var tasks []device.UpdateTask
	for _, t := range d.tasksOf(d.config()) {
		tasks = append(tasks, device.UpdateTask{Name: t.Name, Samples: t.Samples})
	}
	return tasks
}

// adaptSettings are the settings of a task that is served.
func (d *daemon) adaptSettings(task string) config.Adapt {
	if t, ok := d.config().Tasks[task]; ok {
		return t.Adapt
	}
	return config.DefaultTask().Adapt
}

// tasksOf are the tasks that c asks for: those it names, else those of the
// store, else the default one.
func (d *daemon) tasksOf(c *config.Loaded) []runtime.TaskConfig {
	if !c.TasksNamed() {
		names, err := d.store.Tasks()
		if err != nil {
			d.log.Warn("the store's tasks cannot be listed", "error", err, "hint", hint.Of(err))
		}
		if len(names) > 0 {
			all := config.Config{Tasks: map[string]config.Task{}}
			for _, name := range names {
				all.Tasks[name] = config.DefaultTask()
			}
			return all.TaskConfigs()
		}
	}
	return c.TaskConfigs()
}

// setTasks makes the runtime serve what c asks for.
func (d *daemon) setTasks(ctx context.Context, c *config.Loaded) error {
	tasks := d.tasksOf(c)
	if err := d.rt.SetTasks(ctx, tasks); err != nil {
		return err
	}
	var names []string
	for _, t := range tasks {
		names = append(names, t.Name)
	}
	d.mu.Lock()
	d.named = names
	d.mu.Unlock()
	for _, t := range d.rt.Tasks() {
		if p := t.Status().Problem; p != nil {
			next := p.Hint
			if next == "" {
				next = "train one: edge adapt --dir DIR --task " + t.Name()
			}
			d.log.Warn("a task does not serve", "task", t.Name(), "reason", p.Message, "hint", next)
		}
	}
	return nil
}

// serve runs everything until ctx ends or a part fails. The server goes first, so
// that what is in flight still finds the runtime.
func (d *daemon) serve(ctx context.Context, listeners []net.Listener) error {
	serving, stopServing := context.WithCancel(ctx)
	running, stopRunning := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRunning()
	defer stopServing()
	// Begun before anybody is answered: whoever is told that a task is ready may
	// have it adapt.
	wait, err := d.rt.Start(running)
	if err != nil {
		closeAll(listeners)
		return err
	}
	var jobs sync.WaitGroup
	run := make(chan error, 1)
	go func() { run <- wait() }()
	jobs.Go(func() { d.memory.run(running) })
	jobs.Go(func() { d.keeper.run(serving, d.config().Poll.D()) })
	d.notify.alive = d.alive
	jobs.Go(func() { d.notify.watchdog(running) })
	jobs.Go(func() { d.reload(serving) })
	jobs.Go(func() { d.summaries(running) })
	jobs.Go(func() { d.tidy(serving) })
	jobs.Go(func() { d.updates.run(serving) })
	jobs.Go(func() { d.updates.listen(serving) })
	jobs.Go(func() { d.reports.run(serving) })

	served := make(chan error, 1)
	go func() { served <- d.server.Serve(serving, listeners...) }()
	d.announce(listeners)
	d.notify.ready()
	var errs []error
	select {
	case <-ctx.Done():
		d.log.Info("edge stops", "grace", d.config().Grace)
		d.notify.stopping()
		stopServing()
		errs = append(errs, <-served)
	case err := <-served:
		errs = append(errs, fmt.Errorf("the server ended: %w", err))
		d.notify.stopping()
	case err := <-run:
		errs = append(errs, fmt.Errorf("the runtime ended: %w", err))
		d.notify.stopping()
		stopServing()
		errs = append(errs, <-served)
		run <- nil
	}
	stopServing()
	stopRunning()
	errs = append(errs, <-run)
	jobs.Wait()
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, context.Canceled) })...)
}

// announce says where the daemon can be reached.
func (d *daemon) announce(listeners []net.Listener) {
	var at []string
	for _, l := range listeners {
		at = append(at, l.Addr().String())
	}
	d.mu.Lock()
	named := d.named
	d.mu.Unlock()
	d.log.Info("edge runs", "version", version, "listen", at, "store", d.dir, "tasks", named)
}

// alive returns when every task has said how it is.
func (d *daemon) alive(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // ends with the process if a task hangs, which is what systemd then sees to
		defer close(done)
		for _, t := range d.rt.Tasks() {
			t.Status()
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("a task does not answer")
	}
}
