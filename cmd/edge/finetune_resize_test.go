//go:build tensorflow

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/adapt/report"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
)

// TestFinetuneResize holds that a recipe of one name is one recipe: phase 1 of
// `edge finetune` is what `edge adapt --recipe seed` does, with the rule of
// resizing of the recipe and with any that is given.
func TestFinetuneResize(t *testing.T) {
	photos := fewPhotos(t, "lamp_green", "lamp_red", "valve_open")
	for name, c := range map[string]struct {
		flags []string
		rule  pixel.Resize
	}{
		"the recipe's": {nil, pixel.BilinearAliased},
		"given":        {[]string{"--resize", "bilinear"}, pixel.Bilinear},
	} {
		t.Run(name, func(t *testing.T) {
			store := t.TempDir()
			var stdout bytes.Buffer
			args := append([]string{"adapt", "--json", "--quiet", "--no-cache", "--store", store, "--dir", photos, "--recipe", "seed", "--batch", "8", "--epochs", "3"}, c.flags...)
			if code := run(t.Context(), args, nil, &stdout, os.Stderr); code != 0 {
				t.Fatalf("%v ended with %d: %s", args, code, stdout.Bytes())
			}
			var adapted report.Run
			if err := json.Unmarshal(stdout.Bytes(), &adapted); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(t.TempDir(), "out")
			f := finetuneOnce(t, t.TempDir(), append([]string{"--dir", photos, "--out", out, "--epochs", "3,1"}, c.flags...)...)
			for _, s := range []struct {
				of    string
				a, b  float64
				exact bool
			}{
				{"training accuracy", adapted.Train.Accuracy, f.Before.Train.Accuracy, true},
				{"training loss", adapted.Train.Loss, f.Before.Train.Loss, false},
				{"validation loss", adapted.Val.Loss, f.Before.Val.Loss, false},
			} {
				if s.a != s.b && (s.exact || math.Abs(s.a-s.b) > 1e-9) {
					t.Errorf("%s %v on a device, %v on a server", s.of, s.a, s.b)
				}
			}
			var m models.Manifest
			if err := json.Unmarshal(contents(t, filepath.Join(out, "default", models.ManifestName)), &m); err != nil {
				t.Fatal(err)
			}
			if m.Preprocessing.Resize != c.rule {
				t.Errorf("the generation resizes by %s, want %s", m.Preprocessing.Resize, c.rule)
			}
		})
	}
}
