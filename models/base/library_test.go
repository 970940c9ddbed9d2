package base

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/tflite/file"
)

// draftOf makes a draft of a committed model.
func draftOf(t testing.TB, model, name string) Draft {
	t.Helper()
	data, err := os.ReadFile(tinyModel(model))
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDraft(data, ImportOptions{File: model + ".tflite", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// library returns one that is not there yet; its Prover says "ran".
func library(t testing.TB) *Library {
	t.Helper()
	l, err := OpenLibrary(filepath.Join(t.TempDir(), "store", "bases"), func(_ context.Context, s Source) ([]string, error) {
		if d, _, err := digest.OfFile(s.Path); err != nil || d != s.Digest {
			return nil, errors.New("the prover is shown something else")
		}
		return []string{"ran"}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustAdd(t testing.TB, l *Library, d Draft) Entry {
	t.Helper()
	e, err := l.Add(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// tidy reports what of the library's folder is neither a base nor its lock.
func tidy(t testing.TB, l *Library) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(l.Dir(), scratchName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", scratchName, left, err)
	}
}

func TestLibrary(t *testing.T) {
	l := library(t)
	if list, err := l.List(); len(list) != 0 || err != nil {
		t.Errorf("a library that is not there: %v, %v", list, err)
	}
	if _, err := os.Stat(filepath.Dir(l.Dir())); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("looking made something: %v", err)
	}
	d := draftOf(t, "pooled_int8", "garden")
	d.Labels = []string{"rose", "weed"}
	before := time.Now().Add(-2 * time.Second)
	e := mustAdd(t, l, d)
	if e.Name != "garden" || e.Digest != digest.Of(d.Model) || e.Features != 12 || e.Preprocessing != d.Preprocessing ||
		!slices.Equal(e.Checks, []string{"ran"}) || e.Imported.Before(before) || e.Origin.File != "pooled_int8.tflite" || e.FeatureTensor != d.FeatureTensor {
		t.Errorf("%+v", e)
	}
	got, err := l.Get("garden")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := mustJSON(t, got), mustJSON(t, e); a != b || got.Path != e.Path {
		t.Errorf("got\n%s, added\n%s", a, b)
	}
	if !slices.Equal(got.Labels, d.Labels) || len(got.Notes) == 0 {
		t.Errorf("%+v", got)
	}
	mustAdd(t, l, draftOf(t, "map", "attic"))
	list, err := l.List()
	if err != nil || len(list) != 2 || list[0].Name != "attic" || list[1].Name != "garden" {
		t.Errorf("%+v, %v", list, err)
	}
	if checks, err := l.Verify(t.Context(), "garden"); err != nil || !slices.Equal(checks, []string{"ran"}) {
		t.Errorf("%v, %v", checks, err)
	}
	info, err := os.Stat(l.Dir())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := l.Remove(t.Context(), "garden"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Get("garden"); !errors.Is(err, ErrNotFound) || hint.Of(err) == "" {
		t.Errorf("removed: %v", err)
	}
	if err := l.Remove(t.Context(), "garden"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	tidy(t, l)
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAddAgain(t *testing.T) {
	for _, swap := range []func(a, b string) error{exchange, func(string, string) error { return unix.EINVAL }} {
		l := library(t)
		l.swap = swap
		first := mustAdd(t, l, draftOf(t, "pooled", "one"))
		again := mustAdd(t, l, draftOf(t, "pooled", "one"))
		if !again.Imported.Equal(first.Imported) || again.Path != first.Path {
			t.Errorf("the same again: %+v, first %+v", again, first)
		}
		other := draftOf(t, "map", "one")
		_, err := l.Add(t.Context(), other)
		if !errors.Is(err, ErrTaken) || !strings.Contains(hint.Of(err), "--force") {
			t.Errorf("another: %v", err)
		}
		open, err := os.Open(first.Path) // as an interpreter has it mapped
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		other.Replace = true
		replaced := mustAdd(t, l, other)
		if got, err := l.Get("one"); err != nil || got.Digest != replaced.Digest || got.Digest == first.Digest {
			t.Errorf("replaced: %+v, %v", got, err)
		}
		if d, _, err := digest.OfReader(open); err != nil || d != first.Digest {
			t.Errorf("the old base was changed under its reader: %v, %v", d, err)
		}
		tidy(t, l)
	}
}

func TestAddRefuses(t *testing.T) {
	l := library(t)
	whole, err := os.ReadFile(tinyModel("pooled"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(*Draft)
	}{
		{"cannot name a base", func(d *Draft) { d.Name = "../x" }},
		{"not a TensorFlow Lite model", func(d *Draft) { d.Model = []byte("hello") }},
		{"whole classifier", func(d *Draft) { d.Model = whole }},
		{"the preprocessing makes 20x16", func(d *Draft) { d.Preprocessing.Width = 20 }},
		{"scale", func(d *Draft) { d.Preprocessing.Scale = 0 }},
		{"label 1", func(d *Draft) { d.Labels = []string{"a", "\xff"} }},
		{"at most 1024 bytes", func(d *Draft) { d.Labels = []string{strings.Repeat("a", 1025)} }},
	} {
		d := draftOf(t, "pooled", "x")
		c.change(&d)
		if _, err := l.Add(t.Context(), d); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	l.prove = func(context.Context, Source) ([]string, error) { return nil, errors.New("it crashes") }
	if _, err := l.Add(t.Context(), draftOf(t, "pooled", "x")); err == nil || !strings.Contains(err.Error(), "it crashes") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	l.prove = func(context.Context, Source) ([]string, error) { cancel(stop); return nil, nil }
	if _, err := l.Add(ctx, draftOf(t, "pooled", "x")); !errors.Is(err, stop) {
		t.Errorf("called off: %v", err)
	}
	if list, err := l.List(); len(list) > 0 || err != nil {
		t.Errorf("kept: %v, %v", list, err)
	}
	tidy(t, l)
	if _, err := OpenLibrary("", nil); err == nil {
		t.Error("a library without a folder")
	}
}

// What a person chose is a base even if its output does not look like features.
func TestChosenFeatures(t *testing.T) {
	data, err := os.ReadFile(tinyModel("hidden"))
	if err != nil {
		t.Fatal(err)
	}
	probe, err := NewDraft(data, ImportOptions{File: "hidden.tflite", Features: "nothing"})
	if err == nil || !strings.Contains(hint.Of(err), "inspect") {
		t.Fatalf("%+v, %v", probe, err)
	}
	d, err := NewDraft(data, ImportOptions{File: "hidden.tflite", Features: "#" + lastHidden(t, data)})
	if err != nil {
		t.Fatal(err)
	}
	l := library(t)
	e := mustAdd(t, l, d)
	if e.Features != 16 || !e.Chosen || !strings.Contains(strings.Join(e.Notes, " "), "as was asked for") {
		t.Errorf("%+v", e)
	}
	if _, err := l.Verify(t.Context(), "hidden"); err != nil {
		t.Error(err)
	}
}

func TestDamagedEntries(t *testing.T) {
	l := library(t)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "fine", "g"} {
		mustAdd(t, l, draftOf(t, "pooled", name))
	}
	in := func(name, file string) string { return filepath.Join(l.Dir(), name, file) }
	change := func(path string, change func([]byte) []byte) {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.Remove(path)
		}
		if err == nil {
			err = os.WriteFile(path, change(data), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	flip := func(data []byte) []byte { data[len(data)/2] ^= 1; return data }
	change(in("a", modelName), flip) // found by its digest alone
	change(in("b", modelName), func(data []byte) []byte { return data[:100] })
	change(in("c", entryName), func([]byte) []byte { return []byte("{") })
	change(in("d", entryName), func([]byte) []byte { return []byte(`{"format": 2}`) })
	change(in("e", entryName), func(data []byte) []byte {
		return []byte(strings.Replace(string(data), `"name": "e"`, `"name": "x"`, 1))
	})
	if err := errors.Join(os.Remove(in("f", modelName)), os.Remove(in("g", entryName))); err != nil {
		t.Fatal(err)
	}
	list, err := l.List()
	if len(list) != 2 || list[0].Name != "a" || list[1].Name != "fine" {
		t.Errorf("%+v", list)
	}
	for _, name := range []string{"b", "c", "d", "e", "f", "g"} {
		if err == nil || !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	for name, want := range map[string]error{"a": ErrDamaged, "b": ErrDamaged, "c": ErrDamaged, "d": ErrNewer, "e": ErrDamaged, "f": ErrDamaged, "g": ErrDamaged} {
		if _, err := l.Verify(t.Context(), name); !errors.Is(err, want) || hint.Of(err) == "" {
			t.Errorf("verify %s: %v, hint %q", name, err, hint.Of(err))
		}
		if _, err := l.Prepare(t.Context(), name, t.TempDir()); !errors.Is(err, want) {
			t.Errorf("prepare %s: %v", name, err)
		}
	}
	// Imported again, a damaged one is whole again; and it can be removed.
	if _, err := l.Add(t.Context(), draftOf(t, "pooled", "a")); !errors.Is(err, ErrTaken) {
		t.Errorf("the same as a damaged one: %v", err)
	}
	d := draftOf(t, "pooled", "a")
	d.Replace = true
	mustAdd(t, l, d)
	if _, err := l.Verify(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"b", "c", "g"} {
		if err := l.Remove(t.Context(), name); err != nil {
			t.Errorf("remove %s: %v", name, err)
		}
	}
	tidy(t, l)
}

func TestPrepareFromLibrary(t *testing.T) {
	l := library(t)
	e := mustAdd(t, l, draftOf(t, "pooled_uint8", "garden"))
	t.Chdir(t.TempDir())
	other, err := os.ReadFile(tinyModelFrom(t, "map"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"garden", "shed", "default"} {
		if err := os.WriteFile(name, other, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		ref  string
		want digest.Digest
	}{
		{"garden", e.Digest}, {"./garden", digest.Of(other)}, {"shed", digest.Of(other)}, {"default", digest.Of(embedded)}, {Default(), digest.Of(embedded)},
	} {
		s, err := l.Prepare(t.Context(), c.ref, t.TempDir())
		if err != nil || s.Digest != c.want {
			t.Errorf("%s: %+v, %v", c.ref, s, err)
		}
	}
	s, err := l.Prepare(t.Context(), "garden", t.TempDir())
	if err != nil || s.Name != "garden" || s.Path != e.Path || s.Preprocessing != e.Preprocessing || s.Features != 12 || s.Known {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := l.Prepare(t.Context(), "nowhere", t.TempDir()); err == nil || !strings.Contains(hint.Of(err), "edge base list") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}

// Many at once, in one process: each base is there whole, or the other.
func TestLibraryAtOnce(t *testing.T) {
	l := library(t)
	drafts := []Draft{draftOf(t, "pooled", "x"), draftOf(t, "map", "x"), draftOf(t, "vector", "x")}
	var wait sync.WaitGroup
	for i := range drafts {
		drafts[i].Replace = true
		wait.Go(func() {
			for range 10 {
				if _, err := l.Add(t.Context(), drafts[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Go(func() {
		for range 50 {
			if e, err := l.Get("x"); err == nil {
				if !slices.ContainsFunc(drafts, func(d Draft) bool { return digest.Of(d.Model) == e.Digest }) {
					t.Errorf("%+v", e)
				}
			} else if !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
			if _, err := l.Prepare(t.Context(), "x", t.TempDir()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		}
	})
	wait.Wait()
	if _, err := l.Verify(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	tidy(t, l)
}

func TestLockedLibrary(t *testing.T) {
	l := library(t)
	release, err := l.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Add(ctx, draftOf(t, "pooled", "x")); !errors.Is(err, context.DeadlineExceeded) || hint.Of(err) == "" {
		t.Errorf("while another one changes it: %v", err)
	}
	release()
	mustAdd(t, l, draftOf(t, "pooled", "x"))
}

// FuzzEntry reads hostile base.json files.
func FuzzEntry(f *testing.F) {
	l := library(f)
	e := mustAdd(f, l, draftOf(f, "pooled", "x"))
	data, err := e.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"format":1,"name":"..","digest":"sha256:"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeEntry(data)
		if err != nil {
			return
		}
		if CheckName(e.Name) != nil || e.Preprocessing.Validate() != nil {
			t.Fatalf("%+v", e)
		}
		again, err := e.encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeEntry(again); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

// tinyModelFrom returns the path of a committed model from another folder.
func tinyModelFrom(t *testing.T, name string) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), tinyModel(name))
}

// lastHidden returns the number of the tensor before the classes of a model.
func lastHidden(t *testing.T, data []byte) string {
	t.Helper()
	m, err := file.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Features() {
		if f.Count == 16 {
			return strconv.Itoa(f.Tensor)
		}
	}
	t.Fatal("no hidden layer of 16")
	return ""
}
