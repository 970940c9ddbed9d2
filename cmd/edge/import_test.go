package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/models/foreign"
)

// foreignModel is a classifier of the form that others make, in package foreign's tests.
func foreignModel(t *testing.T, name string) []byte {
	t.Helper()
	return mustRead(t, filepath.Join("..", "..", "models", "foreign", "testdata", name+".tflite"))
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// zipFile writes a zip of names and contents, by turns.
func zipFile(t *testing.T, name string, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err == nil {
			_, err = w.Write([]byte(parts[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// edgeRun runs the command with --json and reads what it prints.
func edgeRun(t *testing.T, into any, args ...string) int {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), append(args, "--json"), nil, &stdout, &stderr)
	if err := json.Unmarshal(stdout.Bytes(), into); err != nil {
		t.Fatalf("edge %v: %v: %s%s", args, err, &stdout, &stderr)
	}
	return code
}

type failure struct {
	Error, Hint string
	Code        int
}

// TestImportClassifier: what Teachable Machine exports and Frigate trains becomes
// a generation that classifies, and that is packed and unpacked like any other.
func TestImportClassifier(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	folder := t.TempDir()
	for name, data := range map[string][]byte{"model.tflite": foreignModel(t, "frigate_uint8"), "labelmap.txt": []byte("none\nopen\nshut\n")} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	labels := filepath.Join(t.TempDir(), "labels.json")
	if err := os.WriteFile(labels, []byte(`["none","open","shut"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	alone := filepath.Join(t.TempDir(), "alone.tflite")
	if err := os.WriteFile(alone, foreignModel(t, "teachable_float"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "0 none\r\n1 open\r\n2 shut\r\n"
	photo, err := filepath.Glob("../../samples/valve_open/*.jpg")
	if err != nil || len(photo) == 0 {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args   []string
		hidden int
		within float64
	}{
		"float":     {[]string{zipFile(t, "converted_tflite.zip", "model_unquant.tflite", string(foreignModel(t, "teachable_float")), "labels.txt", text)}, 10, 1e-5},
		"quantised": {[]string{zipFile(t, "converted_tflite_quantized.zip", "model.tflite", string(foreignModel(t, "teachable_uint8")), "labels.txt", text)}, 10, 0.05},
		"frigate":   {[]string{folder}, 12, 0.05},
		"alone":     {[]string{alone, "--labels", labels}, 10, 1e-5},
	} {
		t.Run(name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "store")
			var got importedClassifier
			if code := edgeRun(t, &got, append([]string{"import", "--store", store, "--task", "doors", "--activate"}, test.args...)...); code != exitDone {
				t.Fatalf("code %d: %+v", code, got)
			}
			if !slices.Equal(got.Labels, []string{"none", "open", "shut"}) || got.Generation != 1 || !got.Active || got.Hidden != test.hidden || got.Kind != foreign.KindClassifier {
				t.Errorf("%+v", got)
			}
			if got.Agreement.Pictures == 0 || got.Agreement.Difference > test.within || len(got.Notes) == 0 {
				t.Errorf("agreement %+v", got.Agreement)
			}
			var answer struct {
				Generation int
				Label      string
				Score      float64
			}
			if code := edgeRun(t, &answer, "classify", photo[0], "--store", store, "--task", "doors"); code != exitDone || answer.Generation != 1 || !slices.Contains(got.Labels, answer.Label) {
				t.Errorf("classify: %d, %+v", code, answer)
			}
			var shown shownGeneration
			if code := edgeRun(t, &shown, "models", "show", "--store", store, "--task", "doors"); code != exitDone || !strings.HasPrefix(shown.Reason, "imported from ") {
				t.Errorf("show: %d, %+v", code, shown)
			}
			var of struct{ Imported provenance }
			if err := json.Unmarshal(shown.Recipe, &of); err != nil || of.Imported.Digest == "" || of.Imported.Model == "" {
				t.Errorf("recipe %s: %v", shown.Recipe, err)
			}
			packed := filepath.Join(t.TempDir(), "doors.tar")
			var b bundled
			if code := edgeRun(t, &b, "bundle", "--out", packed, "--store", store, "--task", "doors"); code != exitDone {
				t.Errorf("bundle: %d", code)
			}
			var u unbundled
			if code := edgeRun(t, &u, "unbundle", packed, "--store", store+"2"); code != exitDone || u.Base != got.Base {
				t.Errorf("unbundle: %d, %+v", code, u)
			}
		})
	}
}

// TestImportClassifierRefuses: what cannot become a generation is refused with the
// next step, and leaves nothing in the store; its base alone may be of use.
func TestImportClassifierRefuses(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	store := filepath.Join(t.TempDir(), "store")
	float := string(foreignModel(t, "teachable_float"))
	noHead := zipFile(t, "map.zip", "model.tflite", string(mustRead(t, "../../tflite/testdata/map.tflite")), "labels.txt", "0 a\n1 b")
	for name, test := range map[string]struct {
		path, text string
	}{
		"too few labels":    {zipFile(t, "x.zip", "model.tflite", float, "labels.txt", "0 a\n1 b"), "2 labels in labels.txt, and the model knows 3"},
		"no labels":         {zipFile(t, "x.zip", "model.tflite", float), "no labels"},
		"labels twice":      {zipFile(t, "x.zip", "model.tflite", float, "labels.txt", "0 a\n1 b\n2 a"), `"a" stands twice`},
		"a base":            {noHead, "no head of edge"},
		"TensorFlow.js":     {zipFile(t, "x.zip", "model.json", "{}", "metadata.json", "{}"), "TensorFlow.js"},
		"photos, no folder": {zipFile(t, "x.tm", "manifest.json", `{"type":"image"}`, "a-!-0.jpg", "x"), "--out"},
		"nothing":           {filepath.Join(t.TempDir(), "none"), "no such file"},
	} {
		var f failure
		if code := edgeRun(t, &f, "import", test.path, "--store", store, "--task", "doors"); code != exitInput || !strings.Contains(f.Error, test.text) || f.Hint == "" {
			t.Errorf("%s: code %d, %+v", name, code, f)
		}
	}
	if left, err := os.ReadDir(filepath.Join(store, "tasks")); err == nil && len(left) > 0 {
		t.Errorf("left in the store: %v", left)
	}
	var f failure
	if code := edgeRun(t, &f, "import", noHead, "--out", "x", "--store", store); code != exitUsage {
		t.Errorf("--out for a classifier: %d, %+v", code, f)
	}
	var entry struct {
		Name     string
		Features int
	}
	path := zipFile(t, "x.zip", "model.tflite", float, "labels.txt", "0 a\n1 b\n2 c")
	if code := edgeRun(t, &entry, "import", path, "--store", store, "--base-only", "doors-base"); code != exitDone || entry.Name != "doors-base" || entry.Features != 16 {
		t.Errorf("the base alone: %d, %+v", code, entry)
	}
}

// TestImportProject: the photos of a Teachable Machine project become a folder a
// class, and edge adapt takes the project as it is.
func TestImportProject(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	parts := []string{"manifest.json", `{"type":"image","version":"2.4.10"}`}
	for _, class := range []string{"lamp_red", "lamp_off"} {
		photos, err := filepath.Glob("../../samples/" + class + "/*.jpg")
		if err != nil || len(photos) < 8 {
			t.Fatal(photos, err)
		}
		for i, p := range photos[:8] {
			parts = append(parts, fmt.Sprintf("%s-!-%d.jpg", strings.ReplaceAll(class, "_", " "), i), string(mustRead(t, p)))
		}
	}
	project, store := zipFile(t, "lamps.tm", parts...), filepath.Join(t.TempDir(), "store")
	dir := filepath.Join(t.TempDir(), "photos")
	var got importedProject
	if code := edgeRun(t, &got, "import", project, "--out", dir); code != exitDone || got.Kind != foreign.KindProject || got.Pictures != 16 || len(got.Classes) != 2 {
		t.Fatalf("%d, %+v", code, got)
	}
	if n, _ := filepath.Glob(dir + "/lamp */*.jpg"); len(n) != 16 {
		t.Errorf("%d photos in %s", len(n), dir)
	}
	var f failure
	if code := edgeRun(t, &f, "import", project, "--out", dir); code != exitInput || f.Hint == "" {
		t.Errorf("into a folder that is full: %d, %+v", code, f)
	}
	var run struct {
		Generation int
		Labels     []string
	}
	if code := edgeRun(t, &run, "adapt", "--dir", project, "--recipe", "seed", "--store", store, "--quiet"); code != exitDone || run.Generation != 1 {
		t.Errorf("adapt: %d, %+v", code, run)
	}
	var e evaluation
	if code := edgeRun(t, &e, "eval", "--dir", project, "--store", store, "--quiet"); code != exitDone || e.Dir != project || !slices.Equal(e.Labels, []string{"lamp off", "lamp red"}) {
		t.Errorf("eval: %d, %+v", code, e)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
