package base

import (
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestCheckName(t *testing.T) {
	for _, good := range []string{"a", "mobilenet_v2_1.0_224_quant", "0.35-128", strings.Repeat("x", 64), "current2", "defaults"} {
		if err := CheckName(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "A", "ä", "a b", "a/b", "..", ".", ".tmp", "-a", "_a", strings.Repeat("x", 65), "a\x00",
		"default", "int8", "current", Default(), Default() + "_int8", "model.tflite", "weights.h5", "m.keras",
	} {
		if err := CheckName(bad); err == nil || hint.Of(err) == "" {
			t.Errorf("%q: %v, hint %q", bad, err, hint.Of(err))
		}
	}
}

func TestNameFor(t *testing.T) {
	for path, want := range map[string]string{
		"/models/MobileNet V2 (quant).tflite": "mobilenet_v2__quant",
		"mobilenet_v1_0.25_224.tflite":        "mobilenet_v1_0.25_224",
		"mobilenet_v2.weights.h5":             "mobilenet_v2",
		"model.h5":                            "model",
		"noending":                            "noending",
		"two.tflite.tflite":                   "base", // nothing of it helps
		"default.tflite":                      "base-default",
		"./" + Default() + ".tflite":          "base-" + Default(),
		"übung.tflite":                        "bung",
		"…":                                   "base",
		"":                                    "base",
		strings.Repeat("y", 80):               strings.Repeat("y", 64),
	} {
		got := NameFor(path)
		if got != want || CheckName(got) != nil {
			t.Errorf("%q: %q (%v), want %q", path, got, CheckName(got), want)
		}
	}
}
