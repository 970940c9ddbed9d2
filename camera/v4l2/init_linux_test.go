package v4l2

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestMain runs the tests. As the first process of a machine, which testdata/vm.py
// starts, it makes that machine usable before, and switches it off afterwards.
func TestMain(m *testing.M) {
	if os.Getpid() != 1 {
		goleak.VerifyTestMain(m)
		return
	}
	code := 1
	if err := bootUp(); err != nil {
		fmt.Println("the machine does not start:", err)
	} else {
		code = m.Run()
	}
	fmt.Println("the tests end with", code)
	unix.Sync()
	time.Sleep(100 * time.Millisecond) // for the serial line
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

// bootUp mounts what programs expect and loads the modules in /modules by name.
func bootUp() error {
	for _, m := range [][2]string{{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := unix.Mount(m[0], m[1], m[0], 0, ""); err != nil && err != unix.EBUSY {
			return fmt.Errorf("%s: %w", m[1], err)
		}
	}
	console, err := os.OpenFile("/dev/console", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	for fd := range 3 {
		if err := unix.Dup2(int(console.Fd()), fd); err != nil {
			return err
		}
	}
	modules, err := filepath.Glob("/modules/*.ko")
	if err != nil {
		return err
	}
	slices.Sort(modules)
	for _, path := range modules {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		if err := unix.FinitModule(int(f.Fd()), moduleOptions[filepath.Base(path)[3:]], 0); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		f.Close()
	}
	return nil
}

// moduleOptions: one made-up webcam with frames in one plane, as webcams have them,
// and nothing else.
var moduleOptions = map[string]string{
	"vivid.ko": "n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0 multiplanar=1 no_error_inj=0",
}
