package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// copyClass is `class DIR LABEL FROM TO`: it copies the sorted samples FROM to
// TO (exclusive) of a class into DIR/LABEL.
func copyClass(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: class DIR LABEL FROM TO")
	}
	from, err := strconv.Atoi(args[2])
	ts.Check(err)
	to, err := strconv.Atoi(args[3])
	ts.Check(err)
	files, err := filepath.Glob(filepath.Join(ts.Getenv("SAMPLES"), args[1], "*.jpg"))
	ts.Check(err)
	slices.Sort(files)
	dir := ts.MkAbs(filepath.Join(args[0], args[1]))
	ts.Check(os.MkdirAll(dir, 0o755))
	for _, file := range files[from:to] {
		data, err := os.ReadFile(file)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o644))
	}
}

// patience is how long eventually waits on a machine that is busy.
const patience = time.Minute

// eventually is `eventually PATTERN PROGRAM ARGS…`: it runs the program again and
// again, however it ends, until the pattern is in what it prints. `! eventually` is
// an error.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually PATTERN PROGRAM ARGS…")
	}
	pattern, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		var stdout, stderr bytes.Buffer
		cmd := exec.Command(args[1], args[2:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = ts.MkAbs("."), &stdout, &stderr
		for _, name := range []string{"PATH", "HOME", "WORK", "LD_LIBRARY_PATH", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"} {
			cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
		}
		cmd.Run() // what it prints counts
		found := pattern.MatchString(stdout.String() + stderr.String())
		if found || time.Now().After(deadline) {
			stdout.WriteTo(ts.Stdout())
			stderr.WriteTo(ts.Stderr())
			if !found {
				ts.Fatalf("%q never came", args[0])
			}
			return
		}
	}
}

// jsonIs is `jsonis PATH VALUE`: standard output is one JSON object in which
// the value at PATH (keys and indexes joined by dots; "len" is a length; empty
// is the whole) prints as VALUE. A VALUE of * asks only that it is there.
func jsonIs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: jsonis PATH VALUE")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("standard output is not one JSON value: %v", err)
	}
	got, err := follow(v, strings.Split(args[0], "."))
	equal := err == nil && (args[1] == "*" || got == args[1])
	if equal == neg {
		ts.Fatalf("%s is %s (%v), compared with %s", args[0], got, err, args[1])
	}
}

// follow walks v along keys and prints what it finds.
func follow(v any, keys []string) (string, error) {
	for _, key := range keys {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				return "", fmt.Errorf("no key %q", key)
			}
			v = next
		case []any:
			if key == "len" {
				v = len(at)
				continue
			}
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				return "", fmt.Errorf("no index %q", key)
			}
			v = at[i]
		default:
			return "", fmt.Errorf("nothing below %v at %q", v, key)
		}
	}
	return fmt.Sprint(v), nil
}
