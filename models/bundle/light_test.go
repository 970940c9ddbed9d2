package bundle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// packedLight is the light form of packed.
func packedLight(t testing.TB, added ...Added) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, WriteLight(t.Context(), &b, generation(t, open(t)), added...))
	return b.Bytes()
}

// TestWriteLight: the light form is the bundle with the base cut out.
func TestWriteLight(t *testing.T) {
	all := packed(t)
	at := bytes.LastIndex(all, []byte("blobs/sha256/"))
	if want := append(slices.Clone(all[:at]), trailer[:]...); !bytes.Equal(packedLight(t), want) {
		t.Error("the light form is something else than the bundle without its base")
	}
}

func TestWriteLightAdds(t *testing.T) {
	s := open(t)
	g := generation(t, s)
	added := []Added{{"selftest.json", []byte("{}")}, {"exemplars.bin", nil}}
	data := packedLight(t, added...)
	if again := packedLight(t, added[1], added[0]); !bytes.Equal(data, again) {
		t.Error("the order of the files changed the bytes")
	}
	b, err := ReadLight(t.Context(), bytes.NewReader(data), t.TempDir(), Limits{})
	must(t, err)
	defer b.Close()
	if got, err := os.ReadFile(b.Path("selftest.json")); err != nil || string(got) != "{}" {
		t.Errorf("selftest.json holds %q, %v", got, err)
	}
	if f, ok := b.File("exemplars.bin"); !ok || f.Digest != digest.Of(nil) {
		t.Errorf("exemplars.bin: %+v", f)
	}
	// What was read is written again, and may get more.
	var again bytes.Buffer
	must(t, b.WriteLight(t.Context(), &again))
	if !bytes.Equal(again.Bytes(), data) {
		t.Error("a bundle that was read is written as another")
	}
	must(t, b.WriteLight(t.Context(), io.Discard, Added{Name: "more.json"}))
	for _, wrong := range [][]Added{
		{{Name: models.HeadName}}, {{Name: models.LabelsName}}, {{Name: models.ManifestName}}, {{Name: "../x"}}, {{Name: "x"}, {Name: "x"}},
	} {
		if err := WriteLight(t.Context(), io.Discard, g, wrong...); err == nil {
			t.Errorf("added %+v", wrong)
		}
	}
}

// TestReadLightOfFullBundle: a bundle can be made light by whoever reads it.
func TestReadLightOfFullBundle(t *testing.T) {
	b, err := Read(t.Context(), bytes.NewReader(packed(t)), t.TempDir(), Limits{})
	must(t, err)
	defer b.Close()
	var w bytes.Buffer
	must(t, b.WriteLight(t.Context(), &w))
	if !bytes.Equal(w.Bytes(), packedLight(t)) {
		t.Error("another light bundle than that of the generation")
	}
	for name, read := range map[string]error{
		"the light form as a bundle": readError(func() (*Bundle, error) {
			return Read(t.Context(), bytes.NewReader(w.Bytes()), t.TempDir(), Limits{})
		}),
		"a bundle as the light form": readError(func() (*Bundle, error) {
			return ReadLight(t.Context(), bytes.NewReader(packed(t)), t.TempDir(), Limits{})
		}),
	} {
		if !errors.Is(read, ErrForm) || hint.Of(read) == "" {
			t.Errorf("%s: %v", name, read)
		}
	}
}

func readError(read func() (*Bundle, error)) error {
	b, err := read()
	if err == nil {
		b.Close()
	}
	return err
}

func TestImportLight(t *testing.T) {
	data := packedLight(t, Added{"selftest.json", []byte("{}")})
	s := open(t)
	b, err := ReadLight(t.Context(), bytes.NewReader(data), t.TempDir(), Limits{})
	must(t, err)
	defer b.Close()
	if b.BasePath() != "" {
		t.Errorf("its base lies at %q", b.BasePath())
	}
	if _, err := b.Import(t.Context(), s, "", "light"); !errors.Is(err, models.ErrNotFound) || hint.Of(err) == "" {
		t.Errorf("imported without the base: %v", err)
	}
	if g, _ := s.Generations("lamps"); len(g) > 0 {
		t.Errorf("the store has %v", g)
	}
	must(t, s.PutBlob(t.Context(), bytes.NewReader(baseBytes), digest.Of(baseBytes), int64(len(baseBytes))))
	g, err := b.Import(t.Context(), s, "", "light")
	must(t, err)
	must(t, g.Verify(t.Context()))
	if g.Base != b.Base || len(g.Files) != len(b.Files) {
		t.Errorf("imported as %+v", g.Manifest)
	}
}

// TestReadLightRefuses repeats what matters of TestReadRefuses.
func TestReadLightRefuses(t *testing.T) {
	data := packedLight(t)
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"empty":                {nil, ErrNotBundle},
		"head changed":         {bytes.Replace(data, []byte("head head"), []byte("head haed"), 1), models.ErrDamaged},
		"bytes behind the end": {append(slices.Clone(data), 0), ErrForm},
		"newer":                {bytes.Replace(data, []byte(`"format": 1`), []byte(`"format": 2`), 1), models.ErrNewer},
	} {
		dir := t.TempDir()
		if _, err := ReadLight(t.Context(), bytes.NewReader(c.data), dir, Limits{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
	}
	for n := range data {
		if _, err := VerifyLight(t.Context(), bytes.NewReader(data[:n]), Limits{}); !errors.Is(err, models.ErrDamaged) && !errors.Is(err, ErrNotBundle) {
			t.Fatalf("after %d of %d bytes: %v", n, len(data), err)
		}
	}
}

func TestLimitsOfLight(t *testing.T) {
	head := int64(len(headBytes))
	data := packedLight(t)
	if _, err := VerifyLight(t.Context(), bytes.NewReader(data), Limits{Base: 1, File: head, Total: head + 600}); err != nil {
		t.Errorf("a base that is not there: %v", err)
	}
	for _, l := range []Limits{{File: head - 1}, {Total: head}} {
		if _, err := VerifyLight(t.Context(), bytes.NewReader(data), l); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
