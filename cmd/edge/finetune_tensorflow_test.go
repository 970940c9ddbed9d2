//go:build tensorflow

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/samplelinks"
)

// fewPhotos is a folder of a few samples.
func fewPhotos(t *testing.T, classes ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "photos")
	samplelinks.Make(t, dir, 12, classes...)
	return dir
}

// finetuneOnce runs `edge finetune` in this process.
func finetuneOnce(t *testing.T, store string, args ...string) *report.FineTune {
	t.Helper()
	var stdout bytes.Buffer
	args = append([]string{"finetune", "--json", "--quiet", "--no-cache", "--store", store, "--batch", "8"}, args...)
	if !slices.Contains(args, "--epochs") {
		args = append(args, "--epochs", "2,3")
	}
	if code := run(t.Context(), args, nil, &stdout, os.Stderr); code != 0 {
		t.Fatalf("%v ended with %d: %s", args, code, stdout.Bytes())
	}
	var f report.FineTune
	if err := json.Unmarshal(stdout.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	return &f
}

func TestFinetune(t *testing.T) {
	store, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	photos := fewPhotos(t, "lamp_green", "lamp_red", "valve_open")
	f := finetuneOnce(t, store, "--dir", photos, "--out", out, "--int8", "--tensorboard", filepath.Join(out, "tb"))
	if len(f.History) != 5 || f.Unfreeze.Layers != 30 || f.Unfreeze.Of != 154 || f.Unfreeze.Kernels != 10 || f.Unfreeze.Parameters == 0 {
		t.Errorf("history of %d, %+v", len(f.History), f.Unfreeze)
	}
	if f.After.Val.Accuracy < f.Before.Val.Accuracy || f.Before.Val.Images != 6 {
		t.Errorf("validation %+v after %+v", f.After.Val, f.Before.Val)
	}
	if f.Int8 == nil || f.Int8.Bytes == 0 || f.PeakRSSMiB == 0 || f.Seconds.Train == 0 {
		t.Errorf("int8 %+v, %v MiB, %+v", f.Int8, f.PeakRSSMiB, f.Seconds)
	}
	for _, path := range []string{f.Files.Base, f.Files.Int8, f.Files.Head, f.Files.Report, f.Files.Result, filepath.Join(out, "default", "manifest.json")} {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	checkPacked(t, f)
	if events, _ := filepath.Glob(filepath.Join(out, "tb", "*", "events*")); len(events) != 2 {
		t.Errorf("%d event files", len(events))
	}

	// What the run says of its result is what the stored generation does.
	var stdout bytes.Buffer
	if code := run(t.Context(), []string{"eval", "--json", "--quiet", "--no-cache", "--store", store, "--dir", photos, "--split", "all"}, nil, &stdout, os.Stderr); code != 0 {
		t.Fatalf("eval ended with %d: %s", code, stdout.Bytes())
	}
	var e evaluation
	if err := json.Unmarshal(stdout.Bytes(), &e); err != nil {
		t.Fatal(err)
	}
	right := f.After.Train.Accuracy*float64(f.After.Train.Images) + f.After.Val.Accuracy*float64(f.After.Val.Images)
	if d := e.Measures.Accuracy*float64(e.Measures.Images) - right; d > 1e-9 || d < -1e-9 {
		t.Errorf("eval has %v of %d right, the run %v", e.Measures.Accuracy, e.Measures.Images, right)
	}

	again := finetuneOnce(t, store, "--dir", photos, "--out", filepath.Join(t.TempDir(), "again"), "--against", out)
	if again.Base.Digest != f.Base.Digest || again.Against == nil || again.Against.Run.Val != f.After.Val {
		t.Errorf("the same run made base %s and %s, compared with %+v", f.Base.Digest, again.Base.Digest, again.Against)
	}
}

// TestFinetuneWays walks the options that change the training.
func TestFinetuneWays(t *testing.T) {
	photos := fewPhotos(t, "lamp_green", "lamp_red", "valve_open")
	others := filepath.Join(filepath.Dir(fewPhotos(t, "valve_open", "valve_closed")), "photos")
	valves := filepath.Join(t.TempDir(), "valves")
	if err := os.Symlink(others, valves); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"batch norm":     {"--dir", photos, "--bn", "batch", "--bn-calibrate", filepath.Join("..", "..", "samples", "lamp_off")},
		"generalise":     {"--dir", photos, "--recipe", "generalise"},
		"several tasks":  {"--dir", photos, "--dir", valves},
		"from the start": {"--dir", photos, "--unfreeze", "1", "--epochs", "0,2"},
		"head alone":     {"--dir", photos, "--unfreeze", "0"},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			f := finetuneOnce(t, t.TempDir(), append(args, "--out", out)...)
			if f.After.Val.Accuracy < f.Before.Val.Accuracy && len(f.Tasks) == 1 {
				t.Errorf("validation %+v after %+v", f.After.Val, f.Before.Val)
			}
			for _, task := range f.Tasks {
				if _, err := os.Stat(task.Head); err != nil || task.Generation != 1 {
					t.Errorf("%+v: %v", task, err)
				}
			}
		})
	}
}

// TestFinetuneKilled kills `edge finetune` at random instants and resumes it
// until it is done: the result is the one of a run left alone.
func TestFinetuneKilled(t *testing.T) {
	dir := t.TempDir()
	photos := fewPhotos(t, "lamp_green", "lamp_red", "valve_open")
	env := append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "TF_CPP_MIN_LOG_LEVEL=2")
	finetune := func(ctx context.Context, out string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "edge", "finetune", "--quiet", "--dir", photos, "--batch", "8", "--epochs", "1,6", "--resume", "--out", out)
		cmd.Env = env
		return cmd
	}
	alone := filepath.Join(dir, "alone")
	start := time.Now()
	if out, err := finetune(t.Context(), alone).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	whole := time.Since(start)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a whole run takes %v", seed, whole)
	rng := rand.New(rand.NewPCG(seed, 0))
	kills := 20
	if testing.Short() {
		kills = 5
	}
	killed, out := 0, ""
	for round := 0; killed < kills; round++ {
		out = filepath.Join(dir, "killed", string(rune('a'+round)))
		for done := false; !done; {
			// Late enough to get somewhere: a run that is killed before its first
			// new checkpoint has gained nothing.
			ctx, cancel := context.WithTimeout(t.Context(), whole/4+time.Duration(rng.Int64N(int64(whole))))
			message, err := finetune(ctx, out).CombinedOutput()
			if done = err == nil; !done {
				if ctx.Err() == nil {
					t.Fatalf("a run failed by itself: %v\n%s", err, message)
				}
				killed++
			}
			cancel()
		}
		for _, name := range []string{tunedName, filepath.Join("default", "head.tflite")} {
			if a, b := contents(t, filepath.Join(alone, name)), contents(t, filepath.Join(out, name)); !bytes.Equal(a, b) {
				t.Errorf("%s differs from that of the run left alone", name)
			}
		}
		a, err := readResult(alone)
		if err != nil {
			t.Fatal(err)
		}
		b, err := readResult(out)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.History {
			if a.History[i] != b.History[i] {
				t.Errorf("epoch %d: %+v, left alone %+v", i+1, b.History[i], a.History[i])
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(out, checkpointsName, "tmp-*")); len(left) > 0 {
		t.Errorf("half written checkpoints are left: %v", left)
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestFinetuneInterrupted presses ctrl-C: the checkpoint stays, and the person
// is told how to go on.
func TestFinetuneInterrupted(t *testing.T) {
	photos, out := fewPhotos(t, "lamp_green", "lamp_red"), filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if found, _ := filepath.Glob(filepath.Join(out, checkpointsName, "epoch-0001")); len(found) > 0 {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	var stderr bytes.Buffer
	args := []string{"finetune", "--no-cache", "--store", t.TempDir(), "--dir", photos, "--out", out, "--batch", "4", "--epochs", "1,1000"}
	if code := run(ctx, args, nil, &stderr, &stderr); code != exitInterrupted {
		t.Fatalf("ended with %d: %s", code, stderr.Bytes())
	}
	if !strings.Contains(stderr.String(), "--resume goes on from there") {
		t.Errorf("it says %s", stderr.Bytes())
	}
}

func TestFinetuneSweep(t *testing.T) {
	photos, out := fewPhotos(t, "lamp_green", "lamp_red"), filepath.Join(t.TempDir(), "sweep")
	sweep := func(args ...string) (*report.Sweep, string, error) {
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), "edge", append([]string{"finetune", "sweep", "--json", "--quiet", "--dir", photos,
			"--epochs", "1,1", "--batch", "8", "--unfreeze", "0,0.1", "--seeds", "1,2", "--out", out}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+dir, "TF_CPP_MIN_LOG_LEVEL=2")
		data, err := cmd.Output()
		var s report.Sweep
		if err == nil && len(args) == 0 {
			err = json.Unmarshal(data, &s)
		}
		return &s, string(data), err
	}
	if _, text, err := sweep("--only", "3"); err != nil {
		t.Fatalf("%v %s", err, text)
	}
	first, err := os.Stat(filepath.Join(out, "unfreeze-0.1", "seed-2", resultName))
	if err != nil {
		t.Fatal(err)
	}
	s, text, err := sweep()
	if err != nil {
		t.Fatalf("%v %s", err, text)
	}
	if len(s.Runs) != 4 || s.Runs[0].Unfreeze.Layers != 0 || s.Runs[3].Unfreeze.Layers != 15 || s.Runs[3].Seed != 2 || s.Runs[0].PeakRSSMiB == 0 {
		t.Errorf("%+v", s.Runs)
	}
	if again, err := os.Stat(filepath.Join(out, "unfreeze-0.1", "seed-2", resultName)); err != nil || !again.ModTime().Equal(first.ModTime()) {
		t.Errorf("a run that had ended was repeated: %v", err)
	}
	if page := contents(t, s.Report); !bytes.Contains(page, []byte("<svg")) {
		t.Error("no plot in the page")
	}
	if _, text, err := sweep("--dropout", "0.1"); err == nil || !strings.Contains(text, "other settings") {
		t.Errorf("other settings: %v %s", err, text)
	}
}
