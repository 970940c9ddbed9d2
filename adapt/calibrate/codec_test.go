package calibrate

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

func encode(t testing.TB, c *Calibration) []byte {
	t.Helper()
	data, err := c.Encode()
	must(t, err)
	return data
}

func TestRoundTrip(t *testing.T) {
	for _, hidden := range []int{0, 8} {
		for _, images := range []int{5, 60} {
			c, h, val := fitted(t, 24, hidden, 35, images)
			data := encode(t, c)
			again, err := Parse(data)
			must(t, err)
			if !bytes.Equal(encode(t, again), data) {
				t.Error("reading and writing changes the bytes")
			}
			if again.Temperature() != c.Temperature() || again.Note() != c.Note() || again.Detects() != c.Detects() {
				t.Errorf("read %+v, wrote %+v", again, c)
			}
			for i := range val.Len() {
				d, u := ask(c, h, val.Row(i))
				if e, v := ask(again, h, val.Row(i)); d != e || u != v {
					t.Fatalf("image %d: %v, read back %v", i, d, e)
				}
			}
		}
	}
}

func TestRead(t *testing.T) {
	c, h, _ := fitted(t, 24, 8, 3, 60)
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if got, err := Read(path, c.base, c.head, h); got != nil || err != nil {
		t.Errorf("a file that is not there: %v, %v", got, err)
	}
	must(t, os.WriteFile(path, encode(t, c), 0o600))
	if got, err := Read(path, c.base, c.head, h); err != nil || !got.Detects() {
		t.Errorf("got %v, %v", got, err)
	}
	other := digest.Of([]byte("other"))
	wide, _, _ := trained(t, 24, 9, 3, 40)
	_, headErr := Read(path, c.base, other, h)
	_, baseErr := Read(path, other, c.head, h)
	_, shapeErr := Read(path, c.base, c.head, wide)
	for name, err := range map[string]error{"head": headErr, "base": baseErr, "shape": shapeErr} {
		if !errors.Is(err, ErrForeign) || !strings.Contains(hint.Of(err), "edge adapt") {
			t.Errorf("of another %s: %v (hint: %s)", name, err, hint.Of(err))
		}
	}
	if _, err := Read(dir, c.base, c.head, h); err == nil {
		t.Error("a folder was read")
	}
	must(t, os.WriteFile(path, []byte("{"), 0o600))
	if _, err := Read(path, c.base, c.head, h); !errors.Is(err, ErrDamaged) {
		t.Errorf("a torn file: %v", err)
	}
}

func TestHostileFiles(t *testing.T) {
	c, _, _ := fitted(t, 4, 2, 2, 60)
	good := string(encode(t, c))
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(good, from) {
			t.Fatalf("no %q in %s", from, good)
		}
		return strings.Replace(good, from, to, 1)
	}
	// field gives the field another value.
	field := func(section, name string, value any) string {
		var d map[string]any
		must(t, json.Unmarshal([]byte(good), &d))
		if section != "" {
			d[section].(map[string]any)[name] = value
		} else {
			d[name] = value
		}
		data, err := json.Marshal(d)
		must(t, err)
		return string(data)
	}
	for name, data := range map[string]string{
		"empty":                "",
		"null":                 "null",
		"a list":               "[]",
		"nothing":              "{}",
		"torn":                 good[:len(good)/2],
		"two":                  good + good,
		"too long":             good + strings.Repeat(" ", maxBytes),
		"another field":        change("{", `{"mood":"good",`),
		"format zero":          change(`"format": 1`, `"format": 0`),
		"format of text":       change(`"format": 1`, `"format": "1"`),
		"base":                 field("", "base", "sha256:12"),
		"head":                 field("", "head", "../../etc/passwd"),
		"features":             field("", "features", 0),
		"features huge":        field("", "features", 1<<40),
		"other features":       field("", "features", 5),
		"hidden":               field("", "hidden", -1),
		"other hidden":         field("", "hidden", 0),
		"classes":              field("", "classes", 0),
		"other classes":        field("", "classes", 3),
		"images":               field("", "images", -1),
		"temperature zero":     field("", "temperature", 0),
		"temperature negative": field("", "temperature", -1),
		"temperature huge":     field("", "temperature", 1e9),
		"note":                 field("", "note", "and yet it detects"),
		"no note":              field("", "unknown", nil),
		"method":               field("unknown", "method", "guess"),
		"quantile":             field("unknown", "quantile", 1),
		"threshold":            field("unknown", "threshold", 0),
		"threshold huge":       field("unknown", "threshold", 1e30),
		"centroids":            field("unknown", "feature_centroids", ""),
		"centroids of text":    field("unknown", "feature_centroids", "!!!"),
		"hidden centroids":     field("unknown", "hidden_centroids", "AAAA"),
		"too long vectors":     field("unknown", "feature_centroids", strings.Repeat("ADw8", 5)+"ADw="),
		"vectors of NaN":       field("unknown", "feature_centroids", strings.Repeat("AH4A", 5)+"fgA="),
	} {
		if c, err := Parse([]byte(data)); !errors.Is(err, ErrDamaged) || hint.Of(err) == "" || c != nil {
			t.Errorf("%s: %v, %v (hint: %s)", name, c, err, hint.Of(err))
		}
	}
	for _, newer := range []string{change(`"format": 1`, `"format": 2`), `{"format":3,"base":7}`} {
		if _, err := Parse([]byte(newer)); !errors.Is(err, ErrNewer) || !strings.Contains(hint.Of(err), "newer edge") {
			t.Errorf("got %v (hint: %s)", err, hint.Of(err))
		}
	}
}

// FuzzParse looks for bytes that crash Parse, or that it takes for a calibration
// which it would not write or which cannot be asked.
func FuzzParse(f *testing.F) {
	for _, hidden := range []int{0, 2} {
		for _, images := range []int{3, 60} {
			c, _, _ := fitted(f, 3, hidden, 2, images)
			f.Add(encode(f, c))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Fatal(err)
			}
			return
		}
		again, err := Parse(encode(t, c))
		if err != nil || !bytes.Equal(encode(t, again), encode(t, c)) {
			t.Fatalf("%v: it changes when written and read", err)
		}
		if c.features+c.hidden+c.classes > 10_000 {
			return
		}
		scores := make([]float32, c.classes)
		scores[0] = 1
		c.Apply(scores)
		d, unknown := c.Unknown(make([]float32, c.features), make([]float32, c.hidden))
		if scores[0] != 1 || !(d >= 0) || unknown != (d > 1) {
			t.Fatalf("scores %v, distance %v, unknown %v", scores, d, unknown)
		}
	})
}
