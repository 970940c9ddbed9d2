package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/featurecache"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
)

// tolerance is how far features, weights and scores of the two architectures
// may be apart.
const tolerance = 1e-5

// TestArm64 does the main job with this machine's build and with the arm64
// build, both named by the environment (make test-arm64 does it), and compares
// every feature and every weight.
func TestArm64(t *testing.T) {
	arm, amd := os.Getenv("EDGE_ARM64"), os.Getenv("EDGE_AMD64")
	if arm == "" || amd == "" {
		t.Skip("EDGE_ARM64 and EDGE_AMD64 name no commands; run make test-arm64")
	}
	a := mainJob(t, strings.Fields(amd))
	b := mainJob(t, strings.Fields(arm))

	compare(t, "features", a.features, b.features)
	for i, name := range []string{"hidden weights", "hidden biases", "class weights", "class biases"} {
		compare(t, name, a.head.Params()[i], b.head.Params()[i])
	}
	t.Logf("validation accuracy %.4f and %.4f", a.accuracy, b.accuracy)
	if a.accuracy != b.accuracy {
		t.Errorf("validation accuracy %v here, %v on arm64", a.accuracy, b.accuracy)
	}
}

// job is what one build made of the samples.
type job struct {
	features []float32
	head     *head.Head
	accuracy float64
}

func mainJob(t *testing.T, command []string) job {
	t.Helper()
	sameDecoder(t, command)
	dir := t.TempDir()
	samples := filepath.Join("..", "..", "samples")
	cmd := exec.CommandContext(t.Context(), command[0], append(slices.Clone(command[1:]),
		"adapt", "--dir", samples, "--recipe", "seed", "--json", "--quiet")...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CACHE_HOME="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	var result struct {
		Val struct{ Accuracy float64 }
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatal(err)
	}
	j := job{accuracy: result.Val.Accuracy}

	store, err := models.Open(filepath.Join(dir, "edge", "store"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := store.Current("default")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(g.HeadPath())
	if err != nil {
		t.Fatal(err)
	}
	if j.head, err = head.Decode(data); err != nil {
		t.Fatal(err)
	}

	cache, err := featurecache.Open(filepath.Join(dir, "edge", "features.db"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	view := cache.View(device.Space(base.Source{Digest: g.Base.Digest, Preprocessing: g.Preprocessing}))
	files, err := filepath.Glob(filepath.Join(samples, "*", "*.jpg"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	row := make([]float32, g.Features)
	for _, file := range files {
		image, _, err := digest.OfFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := view.Get(image, row); !ok || err != nil {
			t.Fatalf("%s has no features: %v", file, err)
		}
		j.features = append(j.features, row...)
	}
	return j
}

// sameDecoder skips the test where the command decodes JPEGs with other numbers
// than this process: their features lie elsewhere in the cache, and differ.
func sameDecoder(t *testing.T, command []string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], append(slices.Clone(command[1:]), "version", "--json")...).Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	var v versions
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	if here := pixel.JPEG(); v.JPEG.Numbers() != here.Numbers() {
		t.Skipf("%v decodes JPEGs with %v, this test with %v", command, v.JPEG, here)
	}
}

func compare(t *testing.T, what string, a, b []float32) {
	t.Helper()
	worst := distance(t, a, b)
	t.Logf("%d %s differ by at most %.2g", len(a), what, worst)
	if !(worst <= tolerance) {
		t.Errorf("%s differ by %.2g, more than %.0e", what, worst, float64(tolerance))
	}
}
