//go:build tensorflow

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/internal/objectstore"
)

// objectStore runs an object store with an empty bucket "fleet", and points the
// environment at it.
func objectStore(t *testing.T) {
	t.Helper()
	address := objectstore.Start(t, "fleet")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_REGION": objectstore.Region,
		"AWS_ACCESS_KEY_ID": objectstore.Key, "AWS_SECRET_ACCESS_KEY": objectstore.Secret,
	} {
		t.Setenv(name, value)
	}
}

// mirrorOf opens a folder of the test's object store, whose copy here is gone
// when the test ends.
func mirrorOf(t *testing.T, url string) place {
	t.Helper()
	p, err := placeOf(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
	return p
}

// Images come from an object store and everything goes back into it, so that a
// run finds its checkpoints on a machine that has seen neither.
func TestFinetuneRemote(t *testing.T) {
	objectStore(t)
	photos, tuned := mirrorOf(t, "s3://fleet/photos"), mirrorOf(t, "s3://fleet/tuned")
	filled := t.TempDir()
	for _, class := range []string{"lamp_red", "valve_open"} {
		if err := os.CopyFS(filepath.Join(filled, class), os.DirFS(filepath.Join("..", "..", "samples", class))); err != nil {
			t.Fatal(err)
		}
	}
	if err := photos.mirror.send(t.Context(), filled); err != nil {
		t.Fatal(err)
	}
	args := []string{"--dir", photos.name, "--out", tuned.name, "--epochs", "1,1"}
	first := finetuneOnce(t, t.TempDir(), args...)

	away := filepath.Join(t.TempDir(), "away")
	if _, err := tuned.mirror.fetch(t.Context(), away, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{tunedName, resultName, filepath.Join(checkpointsName, "epoch-0001", "state.json")} {
		if info, err := os.Stat(filepath.Join(away, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s did not arrive: %v", name, err)
		}
	}
	for _, p := range []place{photos, tuned} { // as on another machine
		if err := os.RemoveAll(p.dir); err != nil {
			t.Fatal(err)
		}
	}
	again := finetuneOnce(t, t.TempDir(), append(args, "--resume")...)
	if again.Files.Base != first.Files.Base || again.After.Val.Loss != first.After.Val.Loss {
		t.Errorf("went on to another result: %v, %v", again.After.Val, first.After.Val)
	}
}

// A sweep in an object store: machines that share nothing else do a run each,
// and whoever comes last compares them without repeating any.
func TestFinetuneSweepRemote(t *testing.T) {
	objectStore(t)
	photos, filled := mirrorOf(t, "s3://fleet/photos"), t.TempDir()
	for _, class := range []string{"lamp_red", "valve_open"} {
		if err := os.CopyFS(filepath.Join(filled, class), os.DirFS(filepath.Join("..", "..", "samples", class))); err != nil {
			t.Fatal(err)
		}
	}
	if err := photos.mirror.send(t.Context(), filled); err != nil {
		t.Fatal(err)
	}
	sweep := func(cache string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "edge", append([]string{"finetune", "sweep", "--json", "--quiet", "--dir", photos.name,
			"--epochs", "1,1", "--batch", "8", "--unfreeze", "0,0.1", "--seeds", "1", "--out", "s3://fleet/sweep/"}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+cache, "XDG_DATA_HOME="+cache, "XDG_CACHE_HOME="+cache)
		return cmd
	}
	// Two machines at once.
	here, there := t.TempDir(), t.TempDir()
	pods := []*exec.Cmd{sweep(here, "--only", "0"), sweep(there, "--only", "1")}
	said := make([]bytes.Buffer, len(pods))
	for i, pod := range pods {
		pod.Stdout, pod.Stderr = &said[i], &said[i]
		if err := pod.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, pod := range pods {
		if err := pod.Wait(); err != nil {
			t.Fatalf("run %d: %v: %s", i, err, &said[i])
		}
	}
	run := mirrorOf(t, "s3://fleet/sweep/unfreeze-0.1/seed-1")
	before, err := run.mirror.read(t.Context(), resultName, maxResult)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{tunedName, deltaName, filepath.Join("default", bundleName)} {
		if _, err := run.mirror.read(t.Context(), name, 1<<30); err != nil {
			t.Error(err)
		}
	}
	if copies, _ := filepath.Glob(filepath.Join(there, "edge", "s3", "*", tunedName)); len(copies) > 0 {
		t.Errorf("the copy of a run that has ended stays: %v", copies)
	}

	data, err := sweep(t.TempDir()).Output()
	var s report.Sweep
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil || len(s.Runs) != 2 || s.Runs[1].Path != run.name || s.Report != "s3://fleet/sweep/"+device.ReportName {
		t.Fatalf("%v: %s", err, data)
	}
	if after, err := run.mirror.read(t.Context(), resultName, maxResult); err != nil || !bytes.Equal(before, after) {
		t.Errorf("a run that had ended was repeated: %v", err)
	}
	compared := mirrorOf(t, "s3://fleet/sweep")
	for _, name := range []string{device.ReportName, sweepName} {
		if _, err := compared.mirror.read(t.Context(), name, maxResult); err != nil {
			t.Errorf("the comparison is not in the store: %v", err)
		}
	}

	data, err = sweep(here, "--dropout", "0.1").Output()
	if err == nil || !strings.Contains(string(data), "other settings") {
		t.Errorf("other settings: %v %s", err, data)
	}
	// What the input caused is told apart from a store that is away.
	exit := func(cmd *exec.Cmd) int {
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	if code := exit(sweep(here, "--dir", "s3://fleet/nothing", "--out", "s3://fleet/other", "--only", "0")); code != exitInput {
		t.Errorf("no images: exit %d", code)
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	if code := exit(sweep(here, "--only", "0")); code != exitFailed {
		t.Errorf("no object store: exit %d", code)
	}
}
