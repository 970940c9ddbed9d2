package main

import (
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// startLow starts cmd at the lowest priority that the system has for it: nice 19,
// the processor and the disk only when nobody else wants them. The child ends with
// this process, however that ends.
//
// read is called once it has started, and returns when it has read the command's
// pipes to their end. The returned function waits for all.
//
// Priorities belong to threads and are inherited by children. Lowering one can
// not be taken back without privilege, so the child is started by a thread that
// ends with it; and since the kernel sends Pdeathsig when that very thread ends, it
// must not end before.
func startLow(cmd *exec.Cmd, read func()) (wait func() error, err error) {
	started, done := make(chan error, 1), make(chan error, 1)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		Setpgid:   true, // what a terminal interrupts is the daemon
	}
	go onThreadOfItsOwn(func() {
		lowerThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		read()
		done <- cmd.Wait()
	})
	if err := <-started; err != nil {
		return nil, err
	}
	return func() error { return <-done }, nil
}

// onThreadOfItsOwn runs do on a thread that runs nothing else and ends with it.
// The calling goroutine must end with it too.
func onThreadOfItsOwn(do func()) {
	runtime.LockOSThread() // and never unlocked: that is what ends the thread
	if unix.Gettid() != unix.Getpid() {
		do()
		return
	}
	// The process's first thread never ends. While this goroutine keeps it, another
	// one is on another thread.
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		do()
	}()
	<-done
	runtime.UnlockOSThread()
}

// lowerThread gives the calling thread the lowest priority. Each step may be
// refused; the others help all the same.
func lowerThread() {
	const (
		ioprioWhoProcess = 1
		ioprioIdle       = 3 << 13 // class idle
	)
	unix.Setpriority(unix.PRIO_PROCESS, 0, 19)                         //nolint:errcheck // see above
	unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle) //nolint:errcheck // see above
	idle := &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: 19}
	unix.SchedSetAttr(0, idle, 0) //nolint:errcheck // see above
}
