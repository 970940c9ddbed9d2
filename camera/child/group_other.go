//go:build !linux

package child

import (
	"os"
	"os/exec"
	"syscall"
)

// Where there are no process groups that we know of, the program alone is ended.
func attributes() *syscall.SysProcAttr { return nil }

func ask(cmd *exec.Cmd) { _ = cmd.Process.Signal(os.Interrupt) }
func end(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// awaitExit cannot look without taking. Process knows by itself whom not to signal.
func awaitExit(*exec.Cmd) bool { return false }
