//go:build tensorflow

package graph

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestQuiet starts this test binary, to which TensorFlow is linked, as a program
// that uses it, and looks at its standard error.
func TestQuiet(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var without []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TF_CPP_MIN_LOG_LEVEL=") {
			without = append(without, v)
		}
	}
	start := func(env []string) string {
		var stderr bytes.Buffer
		cmd := exec.CommandContext(t.Context(), program, "-test.run", "^TestSaysSomething$")
		cmd.Env, cmd.Stderr = append(slices.Clone(env), "EDGE_TEST_SAY=something of its own"), &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		return stderr.String()
	}
	for _, level := range []string{"", "1", "2"} {
		env := without
		if level != "" {
			env = append(slices.Clone(without), "TF_CPP_MIN_LOG_LEVEL="+level)
		}
		if said := start(env); said != "something of its own" {
			t.Errorf("at level %q it says %q", level, said)
		}
	}
	if said := start(append(slices.Clone(without), "TF_CPP_MIN_LOG_LEVEL=0")); !strings.Contains(said, "oneDNN") || !strings.HasSuffix(said, "something of its own") {
		t.Errorf("asked for the log, it says %q", said)
	}
}

// TestSaysSomething is the program of TestQuiet.
func TestSaysSomething(t *testing.T) {
	say := os.Getenv("EDGE_TEST_SAY")
	if say == "" {
		t.Skip("it is run by TestQuiet")
	}
	os.Stderr.WriteString(say)
}
