package pattern

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

const (
	maxPictures = 100_000
	// cacheBytes is how much memory decoded pictures may take, so that a small
	// folder is played as fast as it is read.
	cacheBytes = 64 << 20
)

// folder paints the pictures of a folder, over and over.
type folder struct {
	dir    string
	hold   int
	limits pixel.Limits

	pictures []picture
	at       int        // the picture that is shown
	shown    int        // how often it was
	usable   int        // pictures that are not bad
	now      *pixel.RGB // it, decoded; nil: not yet
	scratch  pixel.RGB  // for what is not cached
	cached   int        // bytes
}

// picture is a file in the folder.
type picture struct {
	name   string     // relative to the folder
	cached *pixel.RGB // nil: read it again
	bad    bool       // it cannot be used, and that has been said
}

var errNoPictures = errors.New("no picture in it can be used")

func newFolder(ctx context.Context, o Options) (*folder, error) {
	p := &folder{dir: o.Dir, hold: o.Hold, limits: o.Limits}
	err := filepath.WalkDir(o.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != o.Dir
		switch {
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() || hidden || !isPicture(path):
			return nil
		case len(p.pictures) == maxPictures:
			return fmt.Errorf("more than %d pictures", maxPictures)
		}
		name, err := filepath.Rel(o.Dir, path)
		if err != nil {
			return err
		}
		p.pictures = append(p.pictures, picture{name: filepath.ToSlash(name)})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("test pattern: %w", err)
	}
	if len(p.pictures) == 0 {
		return nil, p.empty()
	}
	p.usable = len(p.pictures)
	return p, nil
}

func (p *folder) empty() error {
	return hint.Wrap(fmt.Errorf("test pattern: %s: %w", p.dir, errNoPictures), "put .jpg, .png or .webp files into it")
}

func isPicture(path string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png", ".webp"}, strings.ToLower(filepath.Ext(path)))
}

func (p *folder) paint(f *camera.Frame, _ uint64) error {
	if p.shown == p.hold {
		p.step()
	}
	for p.now == nil {
		if p.usable == 0 {
			return p.empty()
		}
		if p.pictures[p.at].bad {
			p.step()
			continue
		}
		if err := p.load(); err != nil {
			name := p.pictures[p.at].name
			p.pictures[p.at].bad = true
			p.usable--
			p.step()
			return &camera.Skipped{Name: name, Err: err}
		}
	}
	p.shown++
	f.Name = p.pictures[p.at].name
	f.Resize(p.now.Width, p.now.Height)
	copy(f.Image.Pix, p.now.Pix)
	return nil
}

// step goes on to the next picture.
func (p *folder) step() {
	p.shown, p.now = 0, nil
	p.at++
	if p.at == len(p.pictures) {
		p.at = 0
	}
}

// load decodes the picture at hand.
func (p *folder) load() error {
	picture := &p.pictures[p.at]
	if picture.cached != nil {
		p.now = picture.cached
		return nil
	}
	data, err := pixel.ReadFile(filepath.Join(p.dir, picture.name), p.limits)
	if err == nil {
		err = pixel.DecodeInto(&p.scratch, data, p.limits)
	}
	if err != nil {
		return err
	}
	p.now = &p.scratch
	if n := len(p.scratch.Pix); p.cached+n <= cacheBytes {
		p.cached += n
		kept := pixel.NewRGB(p.scratch.Width, p.scratch.Height)
		copy(kept.Pix, p.scratch.Pix)
		picture.cached, p.now = kept, kept
	}
	return nil
}
