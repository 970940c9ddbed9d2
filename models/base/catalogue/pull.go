package catalogue

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models/base"
	"github.com/edge-adapt/edge/models/update"
)

// Puller downloads bases into a library.
type Puller struct {
	Library *base.Library
	// Dir is where downloads lie until they are whole and imported; what was
	// interrupted goes on from there. Made when needed.
	Dir string
	// Mirror is a folder, or the address of one, that has the files by their names. It
	// is asked instead of the entries' own addresses. Zero: those.
	Mirror    string
	UserAgent string // such as "edge/v1.2.0"
	// Progress is told how many bytes are here and how many there will be; nil: nobody asks.
	Progress func(done, total int64)

	Patience update.Patience
	Retry    update.Retry
}

// Options say otherwise than an entry.
type Options struct {
	Name    string // of the base; zero: the entry's
	Input   int    // side of the pictures it is to take, in pixels; zero: the entry's
	Replace bool   // a base of that name may be replaced
}

// Pull brings the base of an entry into the library and returns what the library
// says of it. What is there already is verified and not downloaded again. Nothing
// is kept of a file that is not the entry's, or that is no base; a download that
// is interrupted is kept and goes on the next time.
//
// A base of that name that is another one is base.ErrTaken, before anything is
// downloaded.
func (p Puller) Pull(ctx context.Context, e Entry, o Options) (base.Entry, error) {
	got, err := p.pull(ctx, e, o)
	if err != nil {
		return base.Entry{}, fmt.Errorf("pull %s: %w", e.Name, err)
	}
	return got, nil
}

func (p Puller) pull(ctx context.Context, e Entry, o Options) (base.Entry, error) {
	if err := e.check(); err != nil {
		return base.Entry{}, err
	}
	want := e.options()
	if o.Name != "" {
		want.Name = o.Name
	}
	if o.Input != 0 && o.Input != e.Input || isKeras(e.File) {
		want.Input = e.Input
		if o.Input != 0 {
			want.Input = o.Input
		}
	}
	there, err := p.there(ctx, e, want, o.Replace)
	if err != nil || there.Name != "" {
		return there, err
	}
	from, err := p.places(e)
	if err != nil {
		return base.Entry{}, err
	}
	defer func() {
		for _, s := range from {
			s.Close() //nolint:errcheck // it was only read from
		}
	}()
	d := update.Download{Dir: p.Dir, Name: e.File, Digest: e.Digest(), Bytes: e.Bytes, From: from, Retry: p.Retry}
	path, err := d.Fetch(ctx, p.Progress)
	if err != nil {
		return base.Entry{}, err
	}
	got, err := p.add(ctx, path, e, want, o.Replace)
	if context.Cause(ctx) != nil {
		return got, err // what is here is whole, and good for the next time
	}
	return got, errors.Join(err, d.Remove())
}

// there returns the library's base if it is the one that is wanted, and no base if
// there is none or it is to be replaced.
func (p Puller) there(ctx context.Context, e Entry, want base.ImportOptions, replace bool) (base.Entry, error) {
	have, err := p.Library.Get(want.Name)
	switch {
	case errors.Is(err, base.ErrNotFound):
		return base.Entry{}, base.CheckName(want.Name)
	case err == nil && have.Origin.Digest == e.Digest() && fed(have, e, want):
		if _, err = p.Library.Verify(ctx, want.Name); err == nil || ctx.Err() != nil {
			return have, err
		}
	}
	if replace {
		return base.Entry{}, nil
	}
	if err == nil {
		err = fmt.Errorf("base %q is %w, and another one", want.Name, base.ErrTaken)
	}
	return base.Entry{}, hint.Wrap(err, "replace it with --force, or choose another name with --name NAME")
}

// fed reports whether a base of the entry's file is fed and cut as it is wanted.
func fed(have base.Entry, e Entry, want base.ImportOptions) bool {
	side := e.Input
	if want.Input != 0 {
		side = want.Input
	}
	p := have.Preprocessing
	if r := want.Normalise; r != nil && (p.Offset != r.Min || p.Scale != (r.Max-r.Min)/255) {
		return false
	}
	return p.Width == side && p.Height == side && have.Chosen == (e.Features != "")
}

// places are the sources of an entry's file.
func (p Puller) places(e Entry) ([]update.Source, error) {
	addresses := e.URLs
	if p.Mirror != "" {
		u, err := url.Parse(p.Mirror)
		if err != nil || !strings.Contains(p.Mirror, "://") {
			if info, err := os.Stat(p.Mirror); err != nil || !info.IsDir() {
				return nil, hint.Wrap(errors.Join(fmt.Errorf("the mirror %s is no folder", p.Mirror), err), "give a folder that has "+e.File+" in it, or an address that begins with https://")
			}
			return []update.Source{update.FileIn(p.Mirror)}, nil
		}
		addresses = []string{u.JoinPath(e.File).String()}
	}
	if len(addresses) == 0 {
		return nil, hint.Wrap(errors.New("the catalogue has no address for it"), "give a folder or an address that has "+e.File+" with --mirror")
	}
	var from []update.Source
	for _, address := range addresses {
		s, err := update.FileAt(update.HTTPConfig{URL: address, UserAgent: p.UserAgent, Patience: p.Patience})
		if err != nil {
			return nil, err
		}
		from = append(from, s)
	}
	return from, nil
}

// add imports a file that is whole.
func (p Puller) add(ctx context.Context, path string, e Entry, want base.ImportOptions, replace bool) (base.Entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return base.Entry{}, err
	}
	if digest.Of(data) != e.Digest() {
		return base.Entry{}, fmt.Errorf("%s was changed while it was read", path)
	}
	draft, err := base.NewDraft(data, want)
	if err != nil {
		return base.Entry{}, err
	}
	side := e.Input
	if want.Input != 0 {
		side = want.Input
	}
	if have := draft.Preprocessing; have.Width != side || have.Height != side {
		return base.Entry{}, fmt.Errorf("it takes pictures of %dx%d pixels, the catalogue says %d", have.Width, have.Height, side)
	}
	draft.Origin.Licence = e.Licence
	if len(e.URLs) > 0 {
		draft.Origin.URL = e.URLs[0]
	}
	draft.Replace = replace
	return p.Library.Add(ctx, draft)
}

// isKeras reports whether a file is one of Keras, by its name: those are made for
// a size, where others have one.
func isKeras(file string) bool {
	return strings.HasSuffix(file, ".h5") || strings.HasSuffix(file, ".keras")
}
