package edge_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/edge-adapt/edge/"

// allowed is the import tree: for each package, the project's own packages it
// may import. A package that is not listed fails the test, so that a new one
// finds its place here first. The leaf packages that anyone may use are in
// leaves.
var allowed = map[string][]string{
	"internal/hint":          {},
	"internal/digest":        {},
	"internal/clienttls":     {},
	"internal/shareddata":    {},
	"internal/teststore":     {"adapt/head", "camera/pixel", "models", "models/base"},
	"internal/badfiles":      {},
	"internal/float16":       {},
	"internal/notices":       {},
	"internal/fsops":         {},
	"internal/fixture":       {},
	"internal/ownmounts":     {},
	"internal/objectstore":   {},
	"internal/samplelinks":   {},
	"internal/insert":        {},
	"camera/pixel":           {"camera/pixel/internal/turbo"},
	"tflite/file":            {},
	"tflite/internal/capi":   {},
	"tflite":                 {"tflite/internal/capi"},
	"tflite/quantise":        {"tflite/file"},
	"tflite/delta":           {"tflite/file"},
	"adapt/internal/kernel":  {},
	"adapt/head":             {"adapt/internal/kernel", "tflite/file"},
	"adapt":                  {"adapt/head", "adapt/internal/kernel", "camera/pixel"},
	"adapt/augment":          {"adapt/head", "camera/pixel"},
	"adapt/finetune/network": {"tflite/file"},
	"adapt/finetune/rows":    {},
	"adapt/finetune/graph":   {"adapt/finetune/network", "adapt/head", "tflite/file"},
	"adapt/finetune/remote":  {},
	"adapt/finetune": {
		"adapt", "adapt/augment", "adapt/finetune/graph", "adapt/finetune/network", "adapt/finetune/rows",
		"adapt/head", "camera/pixel", "tflite/file", "tflite/quantise",
	},
	"adapt/featurecache":    {},
	"adapt/rebase":          {"adapt", "adapt/head"},
	"adapt/report":          {"adapt", "adapt/rebase"},
	"adapt/speed":           {"adapt", "adapt/head", "camera/pixel"},
	"adapt/tensorboard":     {},
	"models":                {"camera/pixel"},
	"models/bundle":         {"models"},
	"models/foreign":        {"adapt/head", "camera/pixel", "models", "tflite/file"},
	"models/export":         {"adapt/calibrate", "adapt/head", "camera/pixel", "models", "tflite/file"},
	"models/export/onnx":    {"adapt/finetune/network", "models/export/onnx/internal/schema", "tflite/file"},
	"models/nudge":          {},
	"models/release":        {"camera/pixel", "models"},
	"models/update":         {"models", "models/release", "tflite/delta"},
	"models/publish":        {"adapt/watch", "camera/pixel", "models", "models/bundle", "models/release", "tflite/delta"},
	"models/fleet":          {"models"},
	"models/fleet/records":  {"models/fleet"},
	"models/fleet/receiver": {"models/fleet", "models/fleet/records", "runtime/server/access"},
	"internal/postgres":     {},
	"models/base":           {"camera/pixel", "models", "models/base/keras", "tflite/file"},
	"models/base/proof":     {"models/base", "tflite"},
	"camera":                {"camera/pixel"},
	"camera/cameratest":     {"camera", "camera/pixel"},
	"camera/pattern":        {"camera", "camera/pixel"},
	"camera/pipe":           {"camera", "camera/live", "camera/pixel"},
	"camera/dir":            {"camera", "camera/pixel"},
	"camera/live":           {"camera", "camera/pixel"},
	"camera/child":          {"camera"},
	"camera/stream":         {"camera", "camera/child", "camera/live", "camera/pipe", "camera/pixel"},
	"camera/csi":            {"camera", "camera/child", "camera/live", "camera/pipe", "camera/pixel"},
	"camera/v4l2":           {"camera", "camera/live", "camera/pixel"},
	"camera/open": {
		"camera", "camera/csi", "camera/dir", "camera/pattern", "camera/pipe", "camera/pixel", "camera/stream", "camera/v4l2",
	},
	"camera/pixel/internal/turbo":        {},
	"models/export/onnx/internal/schema": {},
	"models/export/savedmodel":           {"adapt/finetune/graph", "adapt/finetune/network", "tflite/file"},
	"adapt/device": {
		"adapt", "adapt/calibrate", "adapt/featurecache", "adapt/head", "adapt/rebase", "adapt/report", "camera/pixel",
		"models", "models/base", "models/bundle", "models/release", "models/update", "runtime/engine", "tflite",
	},
	"models/base/keras": {
		"models/base/keras/hdf5", "tflite/file",
	},
	"models/base/keras/hdf5": {
		// reads bytes, knows nothing
	},
	"models/base/catalogue": {
		"models/base", "models/update",
	},
	"bench/bases": {
		"adapt", "adapt/featurecache", "camera/pixel", "models/base", "models/base/keras", "tflite",
	},
	"models/base/recipe/embed": {
		"camera/pixel", "tflite", "tflite/file", "tflite/quantise",
	},
	"adapt/watch":       {},
	"bench/fleet":       {"adapt/finetune/network", "camera/pixel", "models", "models/publish", "models/release", "models/update", "tflite/file"},
	"bench/guard":       {},
	"bench/profile":     {"adapt", "adapt/device", "adapt/speed", "models", "models/base", "runtime/engine"},
	"bench/rebase":      {"adapt", "adapt/featurecache", "adapt/head", "adapt/rebase", "models/base", "tflite"},
	"bench/table/alone": {"adapt", "models/base", "tflite"},
	"bench/roofline":    {"adapt", "adapt/featurecache", "adapt/head", "adapt/speed", "camera/pixel", "internal/insert", "models/base", "tflite", "tflite/file"},
	"bench/unknowns":    {"adapt", "adapt/calibrate", "adapt/featurecache", "adapt/head", "internal/insert", "models/base", "tflite"},
	"adapt/calibrate":   {"adapt", "adapt/head", "adapt/internal/kernel"},
	"runtime/decide":    {},
	"runtime/probation": {},
	"runtime/metrics":   {},
	"runtime": {
		"adapt/calibrate", "adapt/head", "adapt/watch", "camera", "camera/pixel", "models", "runtime/decide", "runtime/metrics", "runtime/probation",
	},
	"runtime/engine": {"models", "models/base", "runtime", "tflite"},
	"runtime/server": {
		"camera", "camera/pixel", "models", "runtime", "runtime/metrics",
		"runtime/server/access", "runtime/server/samples", "runtime/server/wire",
	},
	"runtime/server/access":  {},
	"runtime/server/samples": {"camera/pixel"},
	"runtime/server/wire":    {},
	"runtime/sink":           {"runtime"},
	"runtime/config":         {"camera/open", "models", "runtime", "runtime/decide", "runtime/probation"},
	"samples/generate":       {},
	"cmd/libedge": {
		"adapt", "adapt/device", "adapt/report", "camera/pixel", "models", "models/base", "runtime", "runtime/engine", "tflite",
	},
	"cmd/edge": {
		"adapt", "adapt/calibrate", "adapt/device", "adapt/featurecache", "adapt/finetune", "adapt/finetune/network", "adapt/finetune/remote", "adapt/head", "adapt/report", "adapt/speed", "adapt/tensorboard", "adapt/watch",
		"camera", "camera/open", "camera/pixel", "camera/v4l2", "models", "models/base", "models/base/catalogue", "models/base/proof", "models/bundle", "models/export", "models/export/onnx", "models/export/savedmodel", "models/fleet", "models/fleet/receiver", "models/fleet/records", "models/foreign", "models/nudge", "models/publish", "models/release", "models/update", "runtime", "runtime/config", "runtime/engine",
		"runtime/server", "runtime/server/access", "runtime/sink", "tflite", "tflite/delta", "tflite/file",
	},
}

var leaves = []string{"internal/hint", "internal/digest", "internal/float16", "internal/clienttls", "internal/notices", "internal/fsops"}

// homes lists where an outside package may be imported, for those that must
// not spread: each is a door to the world outside memory-safe, quiet Go.
var homes = map[string][]string{
	"C":                              {"camera/pixel/internal/turbo", "tflite/internal/capi", "cmd/libedge", "adapt/finetune/graph"},
	"unsafe":                         {"camera/pixel/internal/turbo", "tflite/internal/capi", "tflite", "cmd/libedge", "camera/v4l2", "runtime/server/wire", "models/export/onnx/internal/schema"},
	"github.com/mattn/go-tflite":     {"tflite", "tflite/internal/capi"},
	"github.com/mattn/go-sqlite3":    {"adapt/featurecache", "runtime/sink", "models/fleet/records"},
	"database/sql":                   {"adapt/featurecache", "runtime/sink", "models/fleet/records"},
	"github.com/spf13/cobra":         {"cmd/edge"},
	"net/http":                       {"cmd/edge", "camera/stream", "adapt/finetune/remote", "runtime/server", "runtime/sink", "models/fleet", "models/publish", "models/update", "models/fleet/receiver", "bench/profile"},
	"github.com/wamuir/graft":        {"adapt/finetune/graph", "models/export/savedmodel"},
	"github.com/minio/minio-go":      {"adapt/finetune/remote"},
	"github.com/eclipse/paho.golang": {"models/nudge"},
	"github.com/theupdateframework":  {"models/publish", "models/update"},
	"os/exec":                        {"tflite", "cmd/edge", "camera/child", "internal/fixture", "internal/ownmounts", "internal/objectstore", "internal/postgres", "models/publish"},
	"github.com/google/flatbuffers":  {"tflite/file"},
	"github.com/bluenviron":          {"camera/stream"},
	"github.com/jackc/pgx":           {"models/fleet/records"},
	"github.com/google/pprof":        {"bench/profile"},
	"gonum.org/v1/plot":              {"adapt/report", "bench/fleet"},
	"github.com/klauspost/compress":  {"tflite/delta"},
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && name != "." || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(path.Dir(filepath.ToSlash(name)))
		seen[pkg] = true
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, name, pkg, imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range seen {
		if _, ok := allowed[pkg]; !ok {
			t.Errorf("package %s has no place in the import tree: add it to allowed", pkg)
		}
	}
	if len(seen) == 0 {
		t.Error("no package was found: the test looks in the wrong folder")
	}
}

func checkImport(t *testing.T, file, pkg, imported string) {
	if own, ok := strings.CutPrefix(imported, module); ok {
		if !slices.Contains(leaves, own) && !slices.Contains(allowed[pkg], own) {
			t.Errorf("%s imports %s, which the import tree does not allow", file, own)
		}
		return
	}
	for door, rooms := range homes {
		if (imported == door || strings.HasPrefix(imported, door+"/")) && !slices.Contains(rooms, pkg) {
			t.Errorf("%s imports %s, whose only home is %v", file, imported, rooms)
		}
	}
}
