package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/finetune"
)

// serverOnly begins the names of packages that the trainer has and the device
// must not: TensorFlow's binding and the client of object stores.
var serverOnly = []string{
	"github.com/wamuir/graft/tensorflow",
	"github.com/minio/minio-go/v7",
}

// TestDeviceDependencies lists what the command is made of, as a device has it
// and as the trainer does.
func TestDeviceDependencies(t *testing.T) {
	device, trainer := dependencies(t), dependencies(t, "-tags=tensorflow")
	if !slices.Contains(device, "github.com/mattn/go-tflite") {
		t.Fatalf("%d packages without TensorFlow Lite: the list is not the command's", len(device))
	}
	for _, name := range serverOnly {
		with := func(pkg string) bool { return strings.HasPrefix(pkg, name) }
		if i := slices.IndexFunc(device, with); i >= 0 {
			t.Errorf("the device's program has %s: import it in files tagged tensorflow", device[i])
		}
	}
	if !slices.Contains(trainer, serverOnly[0]) {
		t.Errorf("the trainer has no %s: the test looks for the wrong name", serverOnly[0])
	}
	if i := slices.IndexFunc(device, func(pkg string) bool { return strings.Contains(pkg, "tensorflow") }); i >= 0 {
		t.Errorf("the device's program has %s", device[i])
	}
}

// dependencies returns the import paths of all packages in the command.
func dependencies(t *testing.T, flags ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append(append([]string{"list", "-deps"}, flags...), ".")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	return strings.Fields(string(out))
}

// TestDeviceLinksNoTensorFlow reads which libraries this very test binary, which
// is linked as the command is, asks the system for.
func TestDeviceLinksNoTensorFlow(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	libraries, err := binary.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(libraries, "libtensorflowlite_c.so") {
		t.Fatalf("it is linked to %v, without TensorFlow Lite: not the command", libraries)
	}
	isTrainer := finetune.Available() == nil
	for _, name := range []string{"libtensorflow_cc.so.2", "libtensorflow_framework.so.2"} {
		if slices.Contains(libraries, name) != isTrainer {
			t.Errorf("it is linked to %v; fine-tuning is in it: %v", libraries, isTrainer)
		}
	}
}
