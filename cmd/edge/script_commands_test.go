package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
