package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/edge-adapt/edge/tflite"
)

func TestMain(m *testing.M) {
	tflite.TrialChild()
	testscript.Main(m, map[string]func(){"edge": func() { os.Exit(untilSignal()) }})
}

// TestScript holds conversations with the command: testdata/script/*.txtar.
// Each runs in an empty folder with data and cache folders of its own;
// $SAMPLES is the repository's samples, $MODELS the tiny models of tflite/file.
func TestScript(t *testing.T) {
	samples, err := filepath.Abs(filepath.Join("..", "..", "samples"))
	if err != nil {
		t.Fatal(err)
	}
	models, err := filepath.Abs(filepath.Join("..", "..", "tflite", "file", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SAMPLES", samples)
			env.Setenv("MODELS", models)
			env.Setenv("LD_LIBRARY_PATH", os.Getenv("LD_LIBRARY_PATH")) // where the native library is
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "data"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			env.Setenv("XDG_RUNTIME_DIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"class":      copyClass,
			"eventually": eventually,
			"jsonis":     jsonIs,
		},
	})
}
