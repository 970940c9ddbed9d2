package pattern_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pattern"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/samplelinks"
)

// folder makes a folder of two good pictures, bad ones and what is none.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	samplelinks.Make(t, dir, 1, "plug_in", "plug_out")
	for name, content := range map[string]string{
		"a_bad.jpg": "no picture", "plug_in/worse.PNG": "", "README.txt": "text", ".hidden.jpg": "x", ".git/x.jpg": "x", "zz.jpg/x.txt": "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFolderIsPlayedOverAndOver(t *testing.T) {
	dir := folder(t)
	first, _ := filepath.Glob(filepath.Join(dir, "plug_in", "*.jpg"))
	second, _ := filepath.Glob(filepath.Join(dir, "plug_out", "*.jpg"))
	names := []string{"plug_in/" + filepath.Base(first[0]), "plug_out/" + filepath.Base(second[0])}
	source := open(t, pattern.Options{Dir: dir, Hold: 2, Frames: 10})
	var shown, skipped []string
	var f camera.Frame
	for {
		err := source.Read(t.Context(), &f)
		var s *camera.Skipped
		if errors.As(err, &s) {
			skipped = append(skipped, s.Name)
			continue
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := pixel.Decode(data, pixel.Limits{})
		if err != nil || f.Image.Width != want.Width || !slices.Equal(f.Image.Pix, want.Pix) {
			t.Errorf("frame %d does not show %s (%v)", f.Number, f.Name, err)
		}
		shown = append(shown, f.Name)
	}
	a, b := names[0], names[1]
	if want := []string{a, a, b, b, a, a, b, b, a, a}; !slices.Equal(shown, want) {
		t.Errorf("shown: %q", shown)
	}
	if want := []string{"a_bad.jpg", "plug_in/worse.PNG"}; !slices.Equal(skipped, want) {
		t.Errorf("skipped: %q", skipped)
	}
}

// A folder in which nothing can be used ends in an error, not in a loop.
func TestFolderWithoutAGoodPicture(t *testing.T) {
	dir := t.TempDir()
	if _, err := pattern.Open(t.Context(), pattern.Options{Dir: dir}); err == nil || hint.Of(err) == "" {
		t.Errorf("an empty folder: %v", err)
	}
	for _, name := range []string{"a.jpg", "b.jpg"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	source := open(t, pattern.Options{Dir: dir})
	var f camera.Frame
	for range 2 {
		var s *camera.Skipped
		if err := source.Read(t.Context(), &f); !errors.As(err, &s) {
			t.Fatalf("a bad picture: %v", err)
		}
	}
	for range 2 {
		var s *camera.Skipped
		if err := source.Read(t.Context(), &f); err == nil || errors.As(err, &s) {
			t.Errorf("nothing is left: %v", err)
		}
	}
}
