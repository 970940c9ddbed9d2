package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/bundle"
	"github.com/edge-adapt/edge/models/release"
)

// work is what Add was given, opened: a base, and perhaps a generation on it.
type work struct {
	task          string
	base          models.Base
	basePath      string
	parent        digest.Digest
	preprocessing pixel.Preprocessing
	features      int
	measures      json.RawMessage

	generation *models.Manifest // nil: a base alone
	path       func(name string) string
	close      func()
}

// privateFiles are those of a generation that may show or name pictures.
var privateFiles = []string{"report.html", "samples.csv"}

func (r *Repository) openWork(ctx context.Context, o AddOptions) (*work, error) {
	given := 0
	for _, is := range []bool{o.Bundle != "", o.Generation != nil, o.Base != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, errors.New("give a bundle, a generation or a base")
	case o.Base != nil && o.Part == HeadOnly:
		return nil, errors.New("a base has no head")
	case !(o.Percent >= 0 && o.Percent <= 100):
		return nil, fmt.Errorf("roll-out to %v %%: want 0 to 100", o.Percent)
	case o.Base != nil:
		return openBaseFile(o)
	case o.Generation != nil:
		w := workOf(o, o.Generation.Manifest, o.Generation.BasePath(), o.Generation.Path)
		w.close = func() {}
		return w, nil
	}
	f, err := os.Open(o.Bundle)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := r.mkdirs(r.path("tmp"), 0o700); err != nil {
		return nil, err
	}
	b, err := bundle.Read(ctx, &counted{f, o.Progress, "read the bundle", 0, info.Size()}, r.path("tmp"), bundle.Limits{})
	if err != nil {
		return nil, err
	}
	w := workOf(o, b.Manifest, b.BasePath(), b.Path)
	w.close = func() { b.Close() } //nolint:errcheck // what stays is swept by the next change
	return w, nil
}

// workOf is a generation to be published.
func workOf(o AddOptions, m models.Manifest, base string, path func(string) string) *work {
	w := &work{
		task: m.Task, base: m.Base, basePath: base, parent: parentOf(m.Recipe), preprocessing: m.Preprocessing,
		features: m.Features, measures: m.Measures, generation: &m, path: path,
	}
	if o.Task != "" {
		w.task = o.Task
	}
	return w
}

func openBaseFile(o AddOptions) (*work, error) {
	d, n, err := digest.OfFile(o.Base.Path)
	if err != nil {
		return nil, err
	}
	return &work{
		task: o.Task, base: models.Base{Name: o.Base.Name, Digest: d, Bytes: n}, basePath: o.Base.Path,
		preprocessing: o.Base.Preprocessing, features: o.Base.Features, close: func() {},
	}, nil
}

// putBase writes the target of the base.
func (r *Repository) putBase(ctx context.Context, w *work, o AddOptions) (release.File, error) {
	f := release.File{Target: "bases/" + w.base.Digest.Hex() + ".tflite", Digest: w.base.Digest, Bytes: w.base.Bytes}
	src, err := os.Open(w.basePath)
	if err != nil {
		return f, err
	}
	defer src.Close()
	return f, r.put(ctx, f, &counted{src, o.Progress, "write the base", 0, f.Bytes})
}

// putHead writes the target of the head: the generation without its base and its
// private files, with a self-test.
func (r *Repository) putHead(ctx context.Context, w *work, o AddOptions) (release.File, error) {
	m := *w.generation
	if !o.AllFiles {
		m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f models.File) bool { return slices.Contains(privateFiles, f.Name) })
	}
	// A store of its own makes a generation of exactly these files.
	dir, err := os.MkdirTemp(r.path("tmp"), "head-")
	if err != nil {
		return release.File{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what stays is swept by the next change
	g, err := repack(ctx, dir, m, w)
	if err != nil {
		return release.File{}, err
	}
	var added []bundle.Added
	if o.Score != nil {
		data, err := makeSelfTest(ctx, w, o)
		if err != nil {
			return release.File{}, err
		}
		added = append(added, bundle.Added{Name: release.SelfTestName, Data: data})
	}
	return r.putWritten(func(d digest.Digest) string { return "heads/" + d.Hex() + ".tar" }, func(to io.Writer) error {
		return bundle.WriteLight(ctx, to, g, added...)
	})
}

// repack stores the files of a generation that m lists in a new store in dir.
func repack(ctx context.Context, dir string, m models.Manifest, w *work) (models.Generation, error) {
	s, err := models.Open(filepath.Join(dir, "store"))
	if err != nil {
		return models.Generation{}, err
	}
	d, err := s.Begin(w.task)
	if err != nil {
		return models.Generation{}, err
	}
	defer d.Discard() //nolint:errcheck // the whole folder goes
	for _, f := range m.Files {
		if f.Name == models.LabelsName || f.Name == release.SelfTestName {
			continue // Commit writes the labels; a self-test is made anew
		}
		data, err := os.ReadFile(w.path(f.Name))
		if err != nil {
			return models.Generation{}, err
		}
		if digest.Of(data) != f.Digest {
			return models.Generation{}, fmt.Errorf("%s is %w", f.Name, models.ErrDamaged)
		}
		if err := d.WriteFile(f.Name, data); err != nil {
			return models.Generation{}, err
		}
	}
	base, err := os.Open(w.basePath)
	if err != nil {
		return models.Generation{}, err
	}
	defer base.Close()
	if err := s.PutBlob(ctx, base, m.Base.Digest, m.Base.Bytes); err != nil {
		return models.Generation{}, err
	}
	m.Parent = 0 // a number of another store
	return d.Commit(ctx, m)
}

// selfTestCases is how many pictures a self-test has.
const selfTestCases = 16

func makeSelfTest(ctx context.Context, w *work, o AddOptions) ([]byte, error) {
	t := release.SelfTest{Preprocessing: w.preprocessing}
	pictures := make([][]float32, selfTestCases)
	for i := range pictures {
		pictures[i] = release.Picture(uint64(i), w.preprocessing)
	}
	o.Progress("self-test", 0, selfTestCases)
	scores, err := o.Score(ctx, w.basePath, w.path(models.HeadName), pictures)
	if err == nil && len(scores) != len(pictures) {
		err = fmt.Errorf("%d answers to %d pictures", len(scores), len(pictures))
	}
	if err != nil {
		return nil, fmt.Errorf("self-test: %w", err)
	}
	for i, s := range scores {
		if len(s) != len(w.generation.Labels) {
			return nil, fmt.Errorf("self-test: the head gives %d scores for %d labels", len(s), len(w.generation.Labels))
		}
		t.Cases = append(t.Cases, release.Case{Seed: uint64(i), Scores: s})
	}
	o.Progress("self-test", selfTestCases, selfTestCases)
	return t.Encode()
}

// counted tells how far a file was read.
type counted struct {
	r     io.Reader
	tell  func(stage string, done, total int64)
	stage string
	done  int64
	total int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done += int64(n)
	c.tell(c.stage, c.done, c.total)
	return n, err
}
