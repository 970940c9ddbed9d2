// Package deploy_test runs the jobs of the manifests on this machine: their own
// arguments, with folders here in place of the volumes, and an object store on
// loopback in place of theirs.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
				Containers []container
			}
		}
	}
}

// container is what a pod starts.
type container struct {
	Args []string
	Env  []struct {
		Name, Value string
		ValueFrom   struct {
			SecretKeyRef struct{ Name, Key string } `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
}

func readJob(t *testing.T, file string) (c container, completions int) {
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
	return j.Spec.Template.Spec.Containers[0], j.Spec.Completions
}

// TestSweepHasAnIndexForEachRun compares the number of pods with the arguments.
func TestSweepHasAnIndexForEachRun(t *testing.T) {
	for _, file := range []string{"sweep.yaml", "sweep-s3.yaml"} {
		c, completions := readJob(t, file)
		runs := 1
		for _, arg := range c.Args {
			if name, list, _ := strings.Cut(arg, "="); name == "--unfreeze" || name == "--seeds" {
				runs *= len(strings.Split(list, ","))
			}
		}
		if runs < 2 || completions != runs {
			t.Errorf("%s: %d completions for %d runs", file, completions, runs)
		}
	}
}

// trainer is the program that the jobs start, and the folder that it may write to.
type trainer struct{ program, scratch string }

func newTrainer(t *testing.T) trainer {
	t.Helper()
	program := os.Getenv("EDGE_TRAINER")
	if program == "" {
		t.Skip("EDGE_TRAINER does not name a trainer: run `make test-deploy`")
	}
	return trainer{program, t.TempDir()}
}

// start runs a job's own arguments, with words of them replaced.
func (r trainer) start(t *testing.T, file string, env []string, words ...string) (string, error) {
	t.Helper()
	c, _ := readJob(t, file)
	for i, arg := range c.Args {
		c.Args[i] = strings.NewReplacer(words...).Replace(arg)
	}
	cmd := exec.CommandContext(t.Context(), r.program, c.Args...)
	cmd.Env = slices.Concat(env, []string{"HOME=" + r.scratch, "TMPDIR=" + r.scratch, "XDG_CACHE_HOME=" + r.scratch + "/cache", "XDG_DATA_HOME=" + r.scratch + "/data"})
	out, err := cmd.CombinedOutput()
	return string(out), err
}

const index = "$(JOB_COMPLETION_INDEX)"

// classes are the samples that the jobs get.
var classes = []string{"lamp_red", "lamp_green", "valve_open"}

// TestEntryPoints does one fine-tuning, does it again as a replaced pod would,
// and does the first and the last index of the sweep, and one too many.
func TestEntryPoints(t *testing.T) {
	trainer, data := newTrainer(t), t.TempDir()
	samples, err := filepath.Abs("../samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range classes {
		if err := os.MkdirAll(filepath.Join(data, "samples"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(samples, class), filepath.Join(data, "samples", class)); err != nil {
			t.Fatal(err)
		}
	}
	start := func(file, n string) (string, error) {
		return trainer.start(t, file, nil, index, n, "=/data/", "="+data+"/")
	}
	for range 2 {
		if out, err := start("job.yaml", ""); err != nil {
			t.Fatalf("job.yaml: %v\n%s", err, out)
		}
		if _, err := os.Stat(filepath.Join(data, "tuned", "base.tflite")); err != nil {
			t.Error(err)
		}
	}
	for n, folder := range map[string]string{"0": "unfreeze-0/seed-1", "11": "unfreeze-0.5/seed-3"} {
		if out, err := start("sweep.yaml", n); err != nil {
			t.Fatalf("sweep.yaml, index %s: %v\n%s", n, err, out)
		}
		if _, err := os.Stat(filepath.Join(data, "sweep", folder, "base.tflite")); err != nil {
			t.Error(err)
		}
	}
	if out, err := start("sweep.yaml", "12"); err == nil || !strings.Contains(out, "there are 12 runs") {
		t.Errorf("index 12: %v\n%s", err, out)
	}
}
