package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/runtime/server/access"
)

// TestTritonClient has NVIDIA's own client ask everything.
func TestTritonClient(t *testing.T) {
	packages := os.Getenv("EDGE_TEST_TRITON")
	if packages == "" {
		t.Skip("EDGE_TEST_TRITON is not set: no tritonclient to ask with (make test sets it)")
	}
	var token string
	g := newRig(t, func(o *Options) { token = keys(t, o)[access.Read] })
	l := loopback(t)
	g.serveOnListeners(l)
	dir := t.TempDir()
	for _, label := range rgbLabels {
		if err := os.WriteFile(filepath.Join(dir, label+".png"), shot(label, 1), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/triton.py", l.Addr().String(), token, dir)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+packages)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &g.log)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	for name, want := range map[string]string{
		"live": "true", "ready": "true", "model": "true", "version": "true", "nobody": "false",
		"binary": "[[red blue] [red blue]]", "json": "[[green] [green]]", "image": "[[blue] [blue]]", "encoded": "[[red green blue] [red green blue]]",
		"outputs binary": "[[blue green] [blue green]]", "outputs json": "[[blue green] [blue green]]", "async": "[[red] [red]]",
		"response": "map[id:mine model_name:lamps model_version:1]", "no token": "401",
	} {
		if fmt.Sprint(got[name]) != want {
			t.Errorf("%s: %v, want %s", name, got[name], want)
		}
	}
	for name, parts := range map[string][]string{
		"server": {"name:edge", "binary_tensor_data"}, "metadata": {"name:pixels", "datatype:FP32", "shape:[-1 8 8 3]", "name:scores"},
		"error": {"400", "the shape is [1 4 4 3]: want [n,8,8,3]"}, "classes": {":1:green", ":0:red"},
	} {
		for _, part := range parts {
			if !strings.Contains(fmt.Sprint(got[name]), part) {
				t.Errorf("%s: %v has no %q", name, got[name], part)
			}
		}
	}
}
