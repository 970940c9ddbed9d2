package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/adapt/speed"
)

// made is a profile of stacks, each the innermost function first; a name with a
// slash at its start is a place in that library, with no function.
func made(stacks map[string]int64) *profile.Profile {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1,
	}
	for stack, ns := range stacks {
		s := &profile.Sample{Value: []int64{1, ns}}
		for name := range strings.SplitSeq(stack, ";") {
			l := &profile.Location{ID: uint64(len(p.Location)) + 1, Address: uint64(len(p.Location)) + 1}
			p.Location = append(p.Location, l)
			s.Location = append(s.Location, l)
			if strings.HasPrefix(name, "/") {
				l.Mapping = &profile.Mapping{ID: uint64(len(p.Mapping)) + 1, File: name, Limit: 1 << 20}
				p.Mapping = append(p.Mapping, l.Mapping)
				continue
			}
			f := &profile.Function{ID: uint64(len(p.Function)) + 1, Name: name, Filename: "/somewhere/of/mine.go"}
			p.Function = append(p.Function, f)
			l.Line = []profile.Line{{Function: f}}
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

func TestStages(t *testing.T) {
	p := made(map[string]int64{
		"memmove;" + modulePath + "camera/pixel.DecodeInto;" + modulePath + "adapt.(*reading).read": 10,
		"runtime.cgocall;" + modulePath + "tflite.(*Base).Embed;" + modulePath + "adapt.Run":        20,
		"/opt/lib/libtensorflowlite_c.so;runtime._ExternalCode":                                     30,
		"/usr/lib/libc.so.6;runtime._ExternalCode":                                                  5,
		modulePath + "adapt.Train":                                                                  15,
		"nobody.knows":                                                                              20,
	})
	got := stages(p)
	for name, want := range map[string]float64{"decode": 0.1, "base": 0.5, "native threads, in the C library": 0.05, "train": 0.15, rest: 0.2} {
		if d := got[name] - want; d > 1e-9 || d < -1e-9 {
			t.Errorf("%s: %v, want %v", name, got[name], want)
		}
	}
}

// Every stage of the table is in the text unless nothing of it was seen.
func TestTable(t *testing.T) {
	text := table(profiling{images: 7, recipe: adapt.SeedRecipe()}, []share{
		{"cold", 1, map[string]float64{"decode": 0.25, rest: 0.75}}, {"warm", 3, map[string]float64{rest: 1}},
	})
	for _, want := range []string{
		"7 images, the embedded base, at most 5 epochs", "| | cold, 1 runs | warm, 3 runs |\n|---|---:|---:|\n",
		"| decode | 25.0 % | 0.0 % |", "| everything else | 75.0 % | 100.0 % |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "| train") {
		t.Errorf("a stage that was not seen is in\n%s", text)
	}
}

// The page has the stacks, and no folder of the machine that made it.
func TestFlameGraph(t *testing.T) {
	p := made(map[string]int64{
		"one.Function;another.Function":                10,
		"/opt/mine/libnative.so;runtime._ExternalCode": 20,
	})
	page, err := flameGraph(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<html", "one.Function", "another.Function", "libnative.so"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, not := range []string{"/opt/mine", "/somewhere"} {
		if bytes.Contains(page, []byte(not)) {
			t.Errorf("%q is in the page", not)
		}
	}
	if p.Mapping[0].File != "/opt/mine/libnative.so" {
		t.Error("the profile itself was changed")
	}
}

func TestRepeated(t *testing.T) {
	dir := t.TempDir()
	if err := speed.WritePictures(t.Context(), dir, 16, 16, 4); err != nil {
		t.Fatal(err)
	}
	same, n, err := repeated(t.Context(), dir, "", 1)
	if err != nil || same != dir || n != 4 {
		t.Errorf("once: %s, %d, %v", same, n, err)
	}
	into := filepath.Join(t.TempDir(), "many")
	got, n, err := repeated(t.Context(), dir, into, 3)
	if err != nil || got != into || n != 12 {
		t.Fatalf("three times: %s, %d, %v", got, n, err)
	}
	files, _ := filepath.Glob(filepath.Join(into, "*", "*.jpg"))
	seen := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(data)] = true
	}
	if len(seen) != 12 {
		t.Errorf("%d different files, want 12", len(seen))
	}
	if err := os.WriteFile(filepath.Join(dir, "odd", "z.png"), []byte("\x89PNG\r\n\x1a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := repeated(t.Context(), dir, filepath.Join(t.TempDir(), "x"), 2); err == nil {
		t.Error("a PNG cannot be repeated, and nobody says so")
	}
}
