package tflite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/internal/hint"
)

// asChild is a launcher that runs a shell script in place of the real child.
// The script has said that it is ready when it goes on with what.
func asChild(what string) []string {
	return []string{"sh", "-c", `echo '{"Path":-1}'; ` + what}
}

func TestTrialOfGoodModels(t *testing.T) {
	for _, name := range []string{"float32", "int8", "uint8", "float16_io", "bytes", "map", "batch4", "computed_shape"} {
		if err := Trial(t.Context(), testModel(name), TrialOptions{Launcher: launcher()}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := TrialOptions{Options: Options{NoXNNPACK: true, Threads: 2}, Launcher: launcher()}
	if err := Trial(t.Context(), testModel("float32"), o); err != nil {
		t.Errorf("without XNNPACK: %v", err)
	}
}

func TestTrialOfBadModels(t *testing.T) {
	dir := t.TempDir()
	half := filepath.Join(dir, "half.tflite")
	data, err := os.ReadFile(testModel("float32"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(half, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "none"): "not exist",
		half:                       "cut short",
		testModel("unknown_op"):    "EdgeTestOp",
		testModel("two_inputs"):    "2 inputs",
		testModel("int64"):         "int64",
		testModel("not_finite"):    "not finite",
	} {
		err := Trial(t.Context(), path, TrialOptions{Launcher: launcher()})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want %q and the path in it", filepath.Base(path), err, want)
		}
		if errors.Is(err, ErrCrash) {
			t.Errorf("%s: an ordinary error is taken for a crash: %v", filepath.Base(path), err)
		}
	}
	err = Trial(t.Context(), testModel("not_finite"), TrialOptions{Launcher: launcher()})
	if hint.Of(err) == "" {
		t.Error("the child's hint does not arrive")
	}
}

// One byte is enough to make the library follow a pointer to nowhere.
func TestTrialOfCrashingModel(t *testing.T) {
	data, err := os.ReadFile(testModel("vector"))
	if err != nil {
		t.Fatal(err)
	}
	data[684] = 4
	path := filepath.Join(t.TempDir(), "crash.tflite")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	err = Trial(t.Context(), path, TrialOptions{Launcher: launcher()})
	if Version() != "2.21.0" {
		t.Skipf("TensorFlow Lite %s may refuse this model in time: %v", Version(), err)
	}
	if !errors.Is(err, ErrCrash) || !strings.Contains(err.Error(), "SIGSEGV") || hint.Of(err) == "" {
		t.Errorf("Trial = %v (hint %q), want ErrCrash by SIGSEGV", err, hint.Of(err))
	}
}

// Native code that loops for ever is stopped, and the child is gone afterwards.
func TestTrialOfEndlessModel(t *testing.T) {
	err := Trial(t.Context(), testModel("endless"), TrialOptions{Timeout: 2 * time.Second, Launcher: launcher()})
	if !errors.Is(err, ErrTimeout) || hint.Of(err) == "" {
		t.Errorf("Trial = %v (hint %q), want ErrTimeout", err, hint.Of(err))
	}
}

// A model that wants more memory than it may have fails alone.
func TestTrialOfHugeModel(t *testing.T) {
	if len(launcher()) > 0 {
		t.Skip("emulators do not enforce limits on memory")
	}
	err := Trial(t.Context(), testModel("huge"), TrialOptions{Memory: 512 << 20})
	if err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("two GiB in 512 MiB: %v", err)
	}
}

func TestTrialOfChildrenThatDie(t *testing.T) {
	for _, test := range []struct {
		name     string
		launcher []string
		want     string
		reason   error
	}{
		{"by SIGSEGV", asChild("echo 'ERROR: tensor 7' >&2; kill -SEGV $$"), "(SIGSEGV): tensor 7", ErrCrash},
		{"by SIGFPE", asChild("kill -FPE $$"), "(SIGFPE)", ErrCrash},
		{"by SIGABRT", asChild("kill -ABRT $$"), "(SIGABRT)", ErrCrash},
		{"by SIGKILL", asChild("kill -KILL $$"), "out of memory?", ErrCrash},
		{"by exit", asChild("echo 'fatal error: out of memory' >&2; exit 2"), "(exit status 2): fatal error", ErrCrash},
		{"in silence", asChild("exit 0"), "exit status 0", ErrCrash},
		{"before it began", []string{"sh", "-c", "kill -SEGV $$"}, "did not begin (signal: segmentation fault)", errNoChild},
		{"without a call of TrialChild", []string{"true"}, "main call tflite.TrialChild", errNoChild},
		{"by a wrong answer", asChild("echo usage: edge; sleep 100"), "usage: edge", errNoChild},
		{"out of turn", asChild(`echo '{"Path":3}'; sleep 100`), "answered", errNoChild},
		{"never started", []string{"/nonexistent/emulator"}, "start the child", nil},
		{"with its output closed", asChild("exec >&- 2>&-; sleep 100"), "crashes", ErrCrash},
	} {
		begin := time.Now()
		err := Trial(t.Context(), testModel("float32"), TrialOptions{Launcher: test.launcher})
		if err == nil || !strings.Contains(err.Error(), test.want) || test.reason != nil && !errors.Is(err, test.reason) {
			t.Errorf("%s: %v; want %q and %v", test.name, err, test.want, test.reason)
		}
		if errors.Is(err, ErrCrash) && hint.Of(err) == "" {
			t.Errorf("%s: no hint", test.name)
		}
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("%s: took %v", test.name, took)
		}
	}
}

func TestTrialTimeout(t *testing.T) {
	o := TrialOptions{Timeout: 100 * time.Millisecond, Launcher: asChild("exec sleep 100")}
	if err := Trial(t.Context(), testModel("float32"), o); !errors.Is(err, ErrTimeout) {
		t.Errorf("a child that hangs gives %v", err)
	}
}

func TestTrialCancelled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	o := TrialOptions{Launcher: asChild("exec sleep 100")}
	if err := Trial(ctx, testModel("float32"), o); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Trial = %v, want the context's error", err)
	}
}

// Nothing of the environment that could be a secret reaches the child.
func TestTrialEnvironment(t *testing.T) {
	out := filepath.Join(t.TempDir(), "env")
	t.Setenv("EDGE_TEST_SECRET", "s3cret")
	t.Setenv("LD_LIBRARY_PATH", "/some/where")
	_ = Trial(t.Context(), testModel("float32"), TrialOptions{Launcher: []string{"/bin/sh", "-c", "env > " + out}})
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		name, _, _ := strings.Cut(line, "=")
		if name != "PWD" && name != "_" && name != "SHLVL" && name != "GOCOVERDIR" && !strings.HasPrefix(name, "QEMU") {
			names = append(names, name) // without what the shell adds
		}
	}
	slices.Sort(names)
	if want := []string{trialMark, "GOTRACEBACK", "LD_LIBRARY_PATH"}; !slices.Equal(names, want) {
		t.Errorf("the child sees %q, want %q", names, want)
	}
}

// A program whose main forgets TrialChild must not start children for ever.
func TestTrialInsideATrial(t *testing.T) {
	t.Setenv(trialMark, "1")
	if err := Trial(t.Context(), testModel("float32"), TrialOptions{}); err == nil || !strings.Contains(err.Error(), "TrialChild") {
		t.Errorf("a trial inside a trial gives %v", err)
	}
}

// A child goes on with the next model after an error, and a new one after a crash.
func TestTrialsGoOn(t *testing.T) {
	paths := []string{testModel("float32"), testModel("unknown_op"), testModel("endless"), testModel("int8"), "none", testModel("map")}
	results, err := trials(t.Context(), paths, TrialOptions{Timeout: 4 * time.Second, Launcher: launcher()})
	if err != nil {
		t.Fatal(err)
	}
	for i, fails := range []bool{false, true, true, false, true, false} {
		if (results[i] != nil) != fails {
			t.Errorf("%s: %v", paths[i], results[i])
		}
	}
	if !errors.Is(results[2], ErrTimeout) {
		t.Errorf("the endless model gives %v", results[2])
	}
}
