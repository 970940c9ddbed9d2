// Package deploy_test runs the jobs of the manifests on this machine: their own
// arguments, with folders here in place of the volumes.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// job is what the test wants of a manifest.
type job struct {
	Spec struct {
		Completions int
		Template    struct {
			Spec struct {
				Containers []struct{ Args []string }
			}
		}
	}
}

func readJob(t *testing.T, file string) (args []string, completions int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var j job
	if err := yaml.Unmarshal(data, &j); err != nil {
		t.Fatal(err)
	}
	if n := len(j.Spec.Template.Spec.Containers); n != 1 {
		t.Fatalf("%s has %d containers", file, n)
	}
	return j.Spec.Template.Spec.Containers[0].Args, j.Spec.Completions
}

// TestSweepHasAnIndexForEachRun compares the number of pods with the arguments.
func TestSweepHasAnIndexForEachRun(t *testing.T) {
	args, completions := readJob(t, "sweep.yaml")
	runs := 1
	for _, arg := range args {
		if name, list, _ := strings.Cut(arg, "="); name == "--unfreeze" || name == "--seeds" {
			runs *= len(strings.Split(list, ","))
		}
	}
	if runs < 2 || completions != runs {
		t.Errorf("%d completions for %d runs", completions, runs)
	}
}

// TestEntryPoints does one fine-tuning, does it again as a replaced pod would,
// and does the first and the last index of the sweep, and one too many.
func TestEntryPoints(t *testing.T) {
	trainer := os.Getenv("EDGE_TRAINER")
	if trainer == "" {
		t.Skip("EDGE_TRAINER does not name a trainer: run `make test-deploy`")
	}
	data, scratch := t.TempDir(), t.TempDir()
	samples, err := filepath.Abs("../samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"lamp_red", "lamp_green", "valve_open"} {
		if err := os.MkdirAll(filepath.Join(data, "samples"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(samples, class), filepath.Join(data, "samples", class)); err != nil {
			t.Fatal(err)
		}
	}
	start := func(file, index string) (string, error) {
		args, _ := readJob(t, file)
		for i, arg := range args {
			args[i] = strings.NewReplacer("$(JOB_COMPLETION_INDEX)", index, "=/data/", "="+data+"/").Replace(arg)
		}
		cmd := exec.Command(trainer, args...)
		cmd.Env = []string{"HOME=" + scratch, "TMPDIR=" + scratch, "XDG_CACHE_HOME=" + scratch + "/cache", "XDG_DATA_HOME=" + scratch + "/data"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for range 2 {
		if out, err := start("job.yaml", ""); err != nil {
			t.Fatalf("job.yaml: %v\n%s", err, out)
		}
		if _, err := os.Stat(filepath.Join(data, "tuned", "base.tflite")); err != nil {
			t.Error(err)
		}
	}
	for index, folder := range map[string]string{"0": "unfreeze-0/seed-1", "11": "unfreeze-0.5/seed-3"} {
		if out, err := start("sweep.yaml", index); err != nil {
			t.Fatalf("sweep.yaml, index %s: %v\n%s", index, err, out)
		}
		if _, err := os.Stat(filepath.Join(data, "sweep", folder, "base.tflite")); err != nil {
			t.Error(err)
		}
	}
	if out, err := start("sweep.yaml", "12"); err == nil || !strings.Contains(out, "there are 12 runs") {
		t.Errorf("index 12: %v\n%s", err, out)
	}
}
