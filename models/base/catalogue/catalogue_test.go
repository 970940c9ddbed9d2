package catalogue

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/internal/shareddata"
)

// A list with one entry, which tests spoil.
const sound = `
format: 1
bases:
  - name: small
    file: small.tflite
    urls: ["https://models.example.org/small.tflite?generation=7"]
    bytes: 100
    sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    licence: Apache-2.0
    input: 128
    normalise: [-1, 1]
    note: a note
`

func TestParse(t *testing.T) {
	c, err := Parse([]byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{
		Name: "small", File: "small.tflite", URLs: []string{"https://models.example.org/small.tflite?generation=7"}, Bytes: 100,
		SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Licence: "Apache-2.0", Input: 128,
		Normalise: []float32{-1, 1}, Note: "a note",
	}
	if len(c.Bases) != 1 || !reflect.DeepEqual(c.Bases[0], want) {
		t.Errorf("%+v, want %+v", c.Bases, want)
	}
	if e, err := c.Find("small"); err != nil || e.Digest() != digest.Of(nil) {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := c.Find("large"); !errors.Is(err, ErrNotFound) || !strings.Contains(hint.Of(err), "small") {
		t.Errorf("%v, hint %q", err, hint.Of(err))
	}
	asJSON := `{"format":1,"bases":[{"name":"small","file":"a.tflite","urls":[],"bytes":1,"sha256":"` + want.SHA256 + `","licence":"MIT","input":96}]}`
	if c, err := Parse([]byte(asJSON)); err != nil || c.Bases[0].Input != 96 {
		t.Errorf("JSON: %+v, %v", c, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{"format: 1", "format: 2", "newer edge"},
		{"format: 1", "format: 0", "format 0"},
		{"note:", "notes:", "field notes not found"},
		{"name: small", "name: ../small", "cannot name a base"},
		{"name: small", "name: default", "cannot name a base"},
		{"name: small", "name: int8", "cannot name a base"},
		{"file: small.tflite", "file: a/small.tflite", "without folders"},
		{"file: small.tflite", "file: ..", "without folders"},
		{"file: small.tflite", `file: ""`, "without folders"},
		{"https://", "ftp://", "want http or https"},
		{"https://", "https://user:secret@", "want http or https"},
		{"https://models.example.org/small.tflite", "https:///small.tflite", "want http or https"},
		{"bytes: 100", "bytes: 0", "bytes: 0"},
		{"bytes: 100", "bytes: 2000000000", "bytes: 2000000000"},
		{"sha256: e3b0", "sha256: E3B0", "64 digits"},
		{"sha256: e3b0", "sha256: b0", "64 digits"},
		{"licence: Apache-2.0", `licence: ""`, "licence"},
		{"note: a note", `note: "a\x1b[31m note"`, "on one line"},
		{"input: 128", "input: 0", "input: 0"},
		{"[-1, 1]", "[1, -1]", "normalise"},
		{"[-1, 1]", "[-1]", "normalise"},
		{"[-1, 1]", "[-.inf, 1]", "normalise"},
		{"[-1, 1]", "[.nan, 1]", "normalise"},
		{"bases:", "bases: &a\n  - *a\nx:", ""},
		{"note: a note", "note: a note\n---\nformat: 1", "more than one document"},
		{sound, "", "empty"},
		{sound, "- 1", ""},
		{sound, strings.Repeat(" ", maxBytes+1), "longer"},
	} {
		text := strings.Replace(sound, c.old, c.now, 1)
		if text == sound {
			t.Fatalf("%q is not in the list", c.old)
		}
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), c.want) || hint.Of(err) == "" {
			t.Errorf("%s -> %s: %v, want %q", c.old, c.now, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: the error can colour a terminal: %q", c.now, err)
		}
	}
	twice := sound + strings.TrimPrefix(sound, "\nformat: 1\nbases:\n")
	if _, err := Parse([]byte(twice)); err == nil || !strings.Contains(err.Error(), "a second") {
		t.Errorf("twice the same: %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// What stands in our own list is what we have seen.
func TestEmbeddedIsWhatWeHave(t *testing.T) {
	c, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Bases) == 0 {
		t.Fatal("our own list is empty")
	}
	for _, e := range c.Bases {
		t.Run(e.Name, func(t *testing.T) {
			if len(e.URLs) == 0 || e.Note == "" {
				t.Error("an entry of ours without an address or a note")
			}
			d, n, err := digest.OfFile(shareddata.Path(t, "weights/"+e.File))
			if err != nil || d != e.Digest() || n != e.Bytes {
				t.Errorf("%s: %d bytes of %s, %v; the list says %d of %s", e.File, n, d, err, e.Bytes, e.Digest())
			}
		})
	}
}

// Whatever is read is refused with a reason or holds sound entries alone.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add(embedded)
	f.Add([]byte(`{"format":1,"bases":[]}`))
	f.Add([]byte("format: 1\nbases: [{name: &a x, file: *a}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		for _, e := range c.Bases {
			if err := e.check(); err != nil {
				t.Errorf("accepted, but %v", err)
			}
			if got, err := c.Find(e.Name); err != nil || got.SHA256 != e.SHA256 {
				t.Errorf("%q is not found: %v", e.Name, err)
			}
		}
	})
}
