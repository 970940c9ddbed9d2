//go:build !tensorflow

package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestFinetuneWithoutTensorFlow asks the program of the devices to fine-tune:
// it says how to get the one that can, and touches nothing.
func TestFinetuneWithoutTensorFlow(t *testing.T) {
	for _, args := range [][]string{
		{"finetune", "--dir", "nowhere"},
		{"finetune", "sweep", "--dir", "nowhere"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), append(args, "--store", t.TempDir()), nil, &stdout, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), "built without TensorFlow") || !strings.Contains(stderr.String(), "make trainer") || stdout.Len() > 0 {
			t.Errorf("%v ended with %d: %s%s", args, code, stdout.Bytes(), stderr.Bytes())
		}
	}
}
