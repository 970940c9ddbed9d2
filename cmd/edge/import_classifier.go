package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/foreign"
	"github.com/edge-adapt/edge/tflite/file"
)

// What a base with its head may differ from the whole classifier, in the scores of
// a class. That of a quantised one rounds between its layers, where edge does not.
const (
	mayDiffer          = 1e-3
	mayDifferQuantised = 0.25
)

// importedClassifier is what `edge import --json` prints of a classifier.
type importedClassifier struct {
	Kind       foreign.Kind      `json:"kind"`
	Task       string            `json:"task"`
	Generation int               `json:"generation"`
	Active     bool              `json:"active"`
	Base       models.Base       `json:"base"`
	Labels     []string          `json:"labels"`
	Hidden     int               `json:"hidden"`    // units of the head's hidden layer
	Agreement  foreign.Agreement `json:"agreement"` // with the whole classifier
	Notes      []string          `json:"notes"`
}

// provenance is the recipe of an imported generation: where it comes from.
type provenance struct {
	File      string            `json:"file"`
	Model     string            `json:"model"`
	Digest    digest.Digest     `json:"digest"` // of the model
	Labels    string            `json:"labels"` // where they are from
	Agreement foreign.Agreement `json:"agreement"`
}

// taken is a foreign classifier, taken apart.
type taken struct {
	*foreign.Classifier
	draft     base.Draft
	head      *head.Head
	quantised bool
}

// readForeign reads a classifier and makes a base of it.
func readForeign(ctx context.Context, path string, f importFlags) (*taken, error) {
	c, err := foreign.ReadClassifier(ctx, path)
	if err != nil {
		return nil, err
	}
	if f.labels != "" {
		if c.Labels, err = foreign.ReadLabels(f.labels); err != nil {
			return nil, err
		}
		c.LabelsName = shortName(f.labels)
	}
	named := strings.TrimSuffix(filepath.Clean(path), filepath.Ext(path))
	draft, err := base.NewDraft(c.Model, base.ImportOptions{File: named, Name: f.baseOnly, Normalise: f.normalise})
	if err != nil {
		return nil, err
	}
	draft.Origin.File = c.ModelName
	return &taken{Classifier: c, draft: draft}, nil
}

// takeHead takes what stands behind the features for a head, and checks the labels.
func (t *taken) takeHead(path string) error {
	m, err := file.Parse(t.Model)
	if err != nil {
		return err
	}
	t.quantised = m.Main().Tensors[m.Main().Outputs[0]].Type != file.Float32
	feature, err := m.FeatureTensor()
	if err != nil {
		return err
	}
	if t.head, err = foreign.Head(m, feature); err != nil {
		return hint.Wrap(fmt.Errorf("import %s: %s: %w", path, t.ModelName, err),
			fmt.Sprintf("take its base alone, and train a head of your own: edge import %s --base-only NAME, edge adapt --dir DIR --base NAME", path))
	}
	switch {
	case t.Labels == nil:
		return hint.Wrap(fmt.Errorf("import %s: no labels came with the model, which knows %d classes", path, t.head.Classes),
			"name them, in the order of the model's scores: --labels FILE")
	case len(t.Labels) != t.head.Classes:
		return hint.Wrap(fmt.Errorf("import %s: %d labels in %s, and the model knows %d classes", path, len(t.Labels), t.LabelsName, t.head.Classes),
			"name all of them, in the order of the model's scores: --labels FILE")
	}
	sorted := slices.Sorted(slices.Values(t.Labels))
	for i := range sorted[1:] {
		if sorted[i] == sorted[i+1] {
			return hint.Wrap(fmt.Errorf("import %s: label %q stands twice in %s", path, sorted[i], t.LabelsName), "tell the classes apart: --labels FILE with a name for each")
		}
	}
	return nil
}

// importBaseOnly keeps the base of a foreign classifier under a name.
func (a *app) importBaseOnly(ctx context.Context, path string, f importFlags) error {
	t, err := readForeign(ctx, path, f)
	if err != nil {
		return device.InputOr(err)
	}
	if len(t.Labels) > 0 {
		t.draft.Labels = t.Labels
	}
	library, err := a.openLibrary()
	if err != nil {
		return err
	}
	e, err := library.Add(ctx, t.draft)
	if err != nil {
		return device.InputOr(err)
	}
	return a.printNewEntry(e)
}

// importClassifier makes a generation of a foreign classifier.
func (a *app) importClassifier(ctx context.Context, path string, f importFlags) error {
	t, err := readForeign(ctx, path, f)
	if err == nil {
		err = t.takeHead(path)
	}
	if err != nil {
		return device.InputOr(err)
	}
	store, err := a.openStore()
	if err != nil {
		return err
	}
	agreement, err := a.compareForeign(ctx, t, f.base)
	if err != nil {
		return err
	}
	done := importedClassifier{
		Kind: foreign.KindClassifier, Task: a.task, Labels: t.Labels, Hidden: t.head.Hidden, Agreement: agreement,
		Base:  models.Base{Name: t.draft.Name, Digest: digest.Of(t.draft.Model), Bytes: int64(len(t.draft.Model))},
		Notes: append(t.draft.Notes, t.notes(agreement)...),
	}
	if done.Generation, err = a.keepForeign(ctx, store, path, t, done); err != nil {
		return device.InputOr(err)
	}
	if f.activate {
		if err := store.Activate(ctx, a.task, done.Generation, "imported from "+shortName(path)); err != nil {
			return fmt.Errorf("generation %d is stored, and not in use: %w", done.Generation, err)
		}
		done.Active = true
	}
	return a.printImported(done)
}

// compareForeign runs the base, after a trial, and the whole classifier, and
// compares what they say.
func (a *app) compareForeign(ctx context.Context, t *taken, f baseFlags) (agreement foreign.Agreement, err error) {
	dir, err := os.MkdirTemp("", "edge-import-")
	if err != nil {
		return agreement, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f.noCache = true
	open := func(name string, data []byte, values int) (*device.Base, error) {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, data, 0o600); err != nil {
			return nil, err
		}
		return a.runBase(ctx, base.Source{Name: t.draft.Name, Path: p, Digest: digest.Of(data), Preprocessing: t.draft.Preprocessing, Features: values}, f)
	}
	opened, err := open("base.tflite", t.draft.Model, t.head.Features)
	if err != nil {
		return agreement, err
	}
	defer opened.Close()
	whole, err := open("whole.tflite", t.Model, t.head.Classes)
	if err != nil {
		return agreement, err
	}
	defer whole.Close()
	if agreement, err = foreign.Compare(whole, opened, t.head, t.draft.Preprocessing); err != nil {
		return agreement, device.InputError{Err: err}
	}
	limit := mayDiffer
	if t.quantised {
		limit = mayDifferQuantised
	}
	if agreement.Difference > limit {
		return agreement, device.InputError{Err: hint.Wrap(
			fmt.Errorf("the base with its head answers otherwise than the whole classifier: scores differ by %.3g", agreement.Difference),
			"take its base alone, with --base-only NAME, and train a head of your own")}
	}
	return agreement, nil
}

// notes says what is worth knowing of a generation that was imported.
func (t *taken) notes(g foreign.Agreement) []string {
	notes := []string{fmt.Sprintf("On %d made-up pictures base and head answer as the whole classifier does: scores differ by %.2g at most.", g.Pictures, g.Difference)}
	if t.quantised {
		notes = append(notes, "The head's weights were integers and are floats now: between its layers nothing is rounded, which makes that difference.")
	}
	if strings.EqualFold(t.LabelsName, "labels.txt") {
		notes = append(notes, "Teachable Machine crops pictures to their middle square, edge stretches the whole picture: give it square ones, or crops of a camera that are.")
	}
	return append(notes, "Of pictures that show none of the classes it knows nothing: an adapted head does.")
}

// keepForeign stores a classifier as the task's next generation.
func (a *app) keepForeign(ctx context.Context, store *models.Store, path string, t *taken, done importedClassifier) (int, error) {
	draft, err := store.Begin(a.task)
	if err != nil {
		return 0, err
	}
	defer draft.Discard() //nolint:errcheck // what stays is swept later
	encoded, err := t.head.Encode()
	if err != nil {
		return 0, err
	}
	if err := draft.WriteFile(models.HeadName, encoded); err != nil {
		return 0, err
	}
	recipe, err := json.Marshal(struct {
		Imported provenance `json:"imported"`
	}{provenance{shortName(path), shortName(t.ModelName), digest.Of(t.Model), t.LabelsName, done.Agreement}})
	if err != nil {
		return 0, err
	}
	if err := store.PutBlob(ctx, bytes.NewReader(t.draft.Model), done.Base.Digest, done.Base.Bytes); err != nil {
		return 0, err
	}
	g, err := draft.Commit(ctx, models.Manifest{
		Edge: version, Base: done.Base, Preprocessing: t.draft.Preprocessing, Features: t.head.Features,
		Labels: t.Labels, Recipe: recipe, Reason: "imported from " + shortName(path),
	})
	return g.Generation, err
}

func (a *app) printImported(i importedClassifier) error {
	if a.json {
		return a.print(i)
	}
	t := newTable()
	fact := func(name, value string) { t.AppendRow([]any{name, value}) }
	fact("task", fmt.Sprintf("%s, generation %d", i.Task, i.Generation))
	fact("base", fmt.Sprintf("%s  %s  %s", i.Base.Name, i.Base.Digest.Short(), sizeText(i.Base.Bytes)))
	fact("labels", fmt.Sprintf("%d: %s", len(i.Labels), some(i.Labels, 12)))
	for _, note := range i.Notes {
		fact("note", note)
	}
	next := fmt.Sprintf("use it: edge models activate %d --task %s", i.Generation, i.Task)
	if i.Active {
		next = fmt.Sprintf("task %s uses it now", i.Task)
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n\n%s\n", t.Render(), next)
	return err
}
