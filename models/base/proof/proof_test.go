package proof_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/base/proof"
	"github.com/edge-adapt/edge/tflite"
	"github.com/edge-adapt/edge/tflite/file"
)

func TestMain(m *testing.M) {
	tflite.TrialChild()
	os.Exit(m.Run())
}

func options() tflite.TrialOptions {
	return tflite.TrialOptions{Launcher: strings.Fields(os.Getenv("EDGE_TEST_LAUNCHER"))}
}

// prove proves the base at path, changed by change if that is not nil.
func prove(t *testing.T, path string, change func(*file.Model)) ([]string, error) {
	t.Helper()
	s, err := base.Prepare(t.Context(), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		data, err := os.ReadFile(s.Path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := file.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		if data, err = m.Encode(); err != nil {
			t.Fatal(err)
		}
		s.Path = filepath.Join(t.TempDir(), "changed.tflite")
		if err := os.WriteFile(s.Path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return proof.Prover(options())(t.Context(), s)
}

func tiny(name string) string {
	return filepath.Join("..", "..", "..", "tflite", "file", "testdata", name+".tflite")
}

func TestProver(t *testing.T) {
	for _, path := range []string{"", tiny("pooled"), tiny("pooled_int8"), tiny("pooled_uint8"), tiny("map"), tiny("pooled_float16"), tiny("hidden")} {
		checks, err := prove(t, path, nil)
		if err != nil || len(checks) != 3 || !strings.Contains(checks[1], "finite") {
			t.Errorf("%s: %q, %v", path, checks, err)
		}
	}
}

func TestProverRefuses(t *testing.T) {
	// weights sets all weights of the first convolution.
	weights := func(bits byte) func(*file.Model) {
		return func(m *file.Model) {
			g := m.Main()
			for i := range g.Operators {
				if o := &g.Operators[i]; o.Code == file.OpConv2D {
					w := &g.Tensors[o.Inputs[1]]
					w.Data = make([]byte, len(w.Data))
					for j := range w.Data {
						w.Data[j] = bits
					}
					return
				}
			}
		}
	}
	for _, c := range []struct {
		name, want, hint string
		change           func(*file.Model)
	}{
		{"blind", "are 0", "--normalise", weights(0)},
		{"not a number", "not finite", "weights", weights(0xff)},
	} {
		_, err := prove(t, tiny("vector"), c.change)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), c.hint) {
			t.Errorf("%s: %v, hint %q", c.name, err, hint.Of(err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := base.Prepare(t.Context(), "", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := proof.Prover(options())(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	s.Features = 7
	if _, err := proof.Prover(options())(t.Context(), s); err == nil || !strings.Contains(err.Error(), "no whole number of 7") {
		t.Errorf("another count of features: %v", err)
	}
}
