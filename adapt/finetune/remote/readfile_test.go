package remote

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestReadFile(t *testing.T) {
	g := startGateway(t)
	f := open(t, "s3://"+testBucket+"/runs/1", g.config)
	if _, err := f.ReadFile(t.Context(), "result.json", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a folder that is not there: %v", err)
	}
	dir := t.TempDir()
	writeTree(t, dir, tree{"result.json": `{"right":9}`, "deep/er.txt": "x"})
	upload(t, f, dir)
	reader := open(t, "s3://"+testBucket+"/runs/1", g.config)
	for name, want := range map[string]string{"result.json": `{"right":9}`, "deep/er.txt": "x"} {
		if got, err := reader.ReadFile(t.Context(), name, 11); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := reader.ReadFile(t.Context(), "other", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := reader.ReadFile(t.Context(), "result.json", 10); err == nil {
		t.Error("more than the limit was read")
	}
	// What is not in the manifest is not there; what is must be as it says.
	g.put(t, "runs/1/foreign", "x")
	if _, err := reader.ReadFile(t.Context(), "foreign", 100); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a foreign file: %v", err)
	}
	g.put(t, "runs/1/result.json", `{"right":8}`)
	if got, err := reader.ReadFile(t.Context(), "result.json", 100); !errors.Is(err, errChanged) {
		t.Errorf("an exchanged file: %q, %v", got, err)
	}
	// The next upload, of another result, is what is read from then on.
	if err := os.WriteFile(filepath.Join(dir, "result.json"), []byte(`{"right":7}`), 0o644); err != nil {
		t.Fatal(err)
	}
	upload(t, f, dir)
	if got, err := reader.ReadFile(t.Context(), "result.json", 100); err != nil || string(got) != `{"right":7}` {
		t.Errorf("%q, %v", got, err)
	}
	wrong := g.config
	wrong.SecretKey = "another"
	if _, err := open(t, "s3://"+testBucket+"/runs/1", wrong).ReadFile(t.Context(), "result.json", 100); err == nil || hint.Of(err) == "" {
		t.Errorf("with another key: %v", err)
	}
}
