package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// whole is a manifest as Commit leaves it.
func whole() Manifest {
	m := manifestOf(1)
	m.Format, m.Task, m.Generation, m.Parent = Format, lamps, 7, 6
	m.Files = []File{{HeadName, digest.Of(nil), 10}, {LabelsName, digest.Of(nil), 5}, {"report.html", digest.Of(nil), 0}}
	return m
}

func encode(t testing.TB, m Manifest) []byte {
	t.Helper()
	data, err := m.Encode()
	must(t, err)
	return data
}

func TestManifestRoundTrip(t *testing.T) {
	m := whole()
	m.Labels = []string{"<on> & off", "Grün"}
	data := encode(t, m)
	again, err := ParseManifest(data)
	must(t, err)
	if got := encode(t, again); !bytes.Equal(got, data) {
		t.Errorf("wrote\n%s\nread and wrote\n%s", data, got)
	}
	for _, want := range []string{"\n  \"labels\": [\"<on> & off\",\"Grün\"],\n", "\n  \"generation\": 7,\n", "\n  \"recipe\": {\"epochs\":5},\n"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no line %q in\n%s", want, data)
		}
	}
	if f, ok := again.File("report.html"); !ok || f != m.Files[2] {
		t.Errorf("file: %v, %v", f, ok)
	}
}

func TestManifestOfTheFuture(t *testing.T) {
	data := encode(t, whole())
	more := bytes.Replace(data, []byte("{\n"), []byte("{\n  \"mood\": {\"good\": [1,2]},\n"), 1)
	if m, err := ParseManifest(more); err != nil || m.Generation != 7 {
		t.Errorf("an unknown field: %v", err)
	}
	for _, newer := range []string{
		strings.Replace(string(data), `"format": 1`, `"format": 2`, 1),
		`{"format": 3, "task": ["another", "type"], "labels": 12}`,
	} {
		_, err := ParseManifest([]byte(newer))
		if !errors.Is(err, ErrNewer) || !strings.Contains(hint.Of(err), "newer edge") {
			t.Errorf("got %v (hint: %s)", err, hint.Of(err))
		}
	}
}

func TestHostileManifests(t *testing.T) {
	good := string(encode(t, whole()))
	for name, data := range map[string]string{
		"empty":              "",
		"null":               "null",
		"a list":             "[]",
		"nothing":            "{}",
		"torn":               good[:len(good)/2],
		"two":                good + good,
		"too long":           good + strings.Repeat(" ", maxManifestBytes),
		"deep":               `{"format":1,"recipe":` + strings.Repeat("[", 1<<20),
		"format of text":     strings.Replace(good, `"format": 1`, `"format": "1"`, 1),
		"format zero":        strings.Replace(good, `"format": 1`, `"format": 0`, 1),
		"format negative":    strings.Replace(good, `"format": 1`, `"format": -1`, 1),
		"generation zero":    strings.Replace(good, `"generation": 7`, `"generation": 0`, 1),
		"generation huge":    strings.Replace(good, `"generation": 7`, `"generation": 9223372036854775808`, 1),
		"own parent":         strings.Replace(good, `"parent": 6`, `"parent": 7`, 1),
		"task outside":       strings.Replace(good, `"task": "lamps"`, `"task": "../lamps"`, 1),
		"file outside":       strings.Replace(good, `"report.html"`, `"../report.html"`, 1),
		"file below":         strings.Replace(good, `"report.html"`, `"report/x.html"`, 1),
		"file of NUL":        strings.Replace(good, `"report.html"`, `"report\u0000.html"`, 1),
		"file twice":         strings.Replace(good, `"report.html"`, `"labels.txt"`, 1),
		"file is manifest":   strings.Replace(good, `"report.html"`, `"manifest.json"`, 1),
		"file size":          strings.Replace(good, `"bytes":10`, `"bytes":-10`, 1),
		"file size huge":     strings.Replace(good, `"bytes":10`, `"bytes":1e300`, 1),
		"no head":            strings.Replace(good, `"head.tflite"`, `"a.tflite"`, 1),
		"no digest":          strings.Replace(good, `"digest":"sha256:`, `"digest":"sha256:../`, 1),
		"another digest":     strings.Replace(good, `"digest":"sha256:`, `"digest":"md5:`, 1),
		"base size":          strings.Replace(good, `"bytes":9000`, `"bytes":0`, 1),
		"features":           strings.Replace(good, `"features": 16`, `"features": 1000000000`, 1),
		"picture":            strings.Replace(good, `"width":8`, `"width":100000`, 1),
		"label twice":        strings.Replace(good, `"off"`, `"on"`, 1),
		"label of two lines": strings.Replace(good, `"off"`, `"o\nff"`, 1),
		"label empty":        strings.Replace(good, `"off"`, `""`, 1),
		"long name":          strings.Replace(good, `"name":"test"`, `"name":"`+strings.Repeat("x", 2000)+`"`, 1),
	} {
		if data == good {
			t.Errorf("%s: the case changes nothing", name)
		}
		if m, err := ParseManifest([]byte(data)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %+v, %v", name, m, err)
		}
	}
	// Too many of anything.
	many := whole()
	many.Files = nil
	for i := range maxFiles + 1 {
		many.Files = append(many.Files, File{fmt.Sprintf("file%03d", i), digest.Of(nil), 1})
	}
	crowd := whole()
	crowd.Labels = nil
	for i := range maxLabels + 1 {
		crowd.Labels = append(crowd.Labels, fmt.Sprint(i))
	}
	for name, m := range map[string]Manifest{"files": many, "labels": crowd} {
		data, err := json.Marshal(m)
		must(t, err)
		if _, err := ParseManifest(data); !errors.Is(err, ErrDamaged) {
			t.Errorf("too many %s: %v", name, err)
		}
		if _, err := m.Encode(); err == nil {
			t.Errorf("too many %s: encoded", name)
		}
	}
}

// FuzzManifest looks for bytes that crash ParseManifest, or that it takes for a
// manifest that Encode then refuses or changes.
func FuzzManifest(f *testing.F) {
	f.Add(encode(f, whole()))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParseManifest(data)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Errorf("an error without a reason: %v", err)
			}
			return
		}
		first := encode(t, m)
		again, err := ParseManifest(first)
		must(t, err)
		if second := encode(t, again); !bytes.Equal(first, second) {
			t.Errorf("wrote\n%s\nthen\n%s", first, second)
		}
	})
}

// FuzzActivation does the same for active.json and the lines of the history.
func FuzzActivation(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := parseActivation(data)
		if err != nil {
			return
		}
		line, err := marshal(a)
		must(t, err)
		again, err := parseActivation(line)
		if err != nil || again.Current != a.Current || again.Previous != a.Previous || again.Number != a.Number {
			t.Errorf("%+v became %+v, %v", a, again, err)
		}
	})
}
