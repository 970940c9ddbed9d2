package device

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/edge-adapt/edge/adapt/calibrate"
	"github.com/edge-adapt/edge/adapt/head"
	"github.com/edge-adapt/edge/adapt/rebase"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/models/release"
)

// published is the head of the release, nil if it brings none. What is not as it
// was published is an InputError.
func (c RebaseConfig) published() (*rebase.Published, error) {
	if c.Head == nil {
		return nil, nil
	}
	p, err := c.readPublished()
	if err != nil {
		err = fmt.Errorf("the published head of task %q: %w", c.Head.Task, err)
		return nil, InputError{hint.Wrap(err, "tell whoever published it; this device keeps what it has")}
	}
	return p, nil
}

func (c RebaseConfig) readPublished() (*rebase.Published, error) {
	b, source := c.Head, c.Base.Source
	if b.Base.Digest != source.Digest || b.Preprocessing != source.Preprocessing || b.Features != source.Features {
		return nil, fmt.Errorf("it is for base %s, or for other pictures: the new base is %s", b.Base.Digest.Short(), source.Digest.Short())
	}
	data, err := readFile(b.Path(models.HeadName))
	if err != nil {
		return nil, err
	}
	h, err := head.Decode(data)
	if err != nil {
		return nil, err
	}
	if h.Features != b.Features || h.Classes != len(b.Labels) {
		return nil, fmt.Errorf("it takes %d features and knows %d classes, its manifest says %d and %d", h.Features, h.Classes, b.Features, len(b.Labels))
	}
	p := &rebase.Published{Head: h, Labels: b.Labels}
	if _, ok := b.File(rebase.ExemplarsName); ok {
		if p.Exemplars, err = c.exemplars(h); err != nil {
			return nil, err
		}
	}
	if _, ok := b.File(release.SelfTestName); ok {
		if p.SelfTest, err = c.selfTest(h); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (c RebaseConfig) exemplars(h *head.Head) (*rebase.Exemplars, error) {
	data, err := readFile(c.Head.Path(rebase.ExemplarsName))
	if err != nil {
		return nil, err
	}
	e, err := rebase.ParseExemplars(data)
	if err != nil {
		return nil, err
	}
	if e.Base != c.Base.Source.Digest || e.Classes != h.Classes || e.Set.F != h.Features {
		return nil, errors.New("its exemplars are of another base or head")
	}
	return e, nil
}

// selfTest repeats the release's test with the new base.
func (c RebaseConfig) selfTest(h *head.Head) (func() error, error) {
	data, err := readFile(c.Head.Path(release.SelfTestName))
	if err != nil {
		return nil, err
	}
	t, err := release.ParseSelfTest(data, h.Classes)
	if err != nil {
		return nil, err
	}
	if t.Preprocessing != c.Base.Source.Preprocessing {
		return nil, errors.New("its self-test is of other pictures than its base takes")
	}
	features, scratch := make([]float32, h.Features), make([]float32, h.Scratch())
	return func() error {
		return t.Run(func(dst, pixels []float32) error {
			if err := c.Base.Embed(features, pixels); err != nil {
				return err
			}
			h.Scores(dst, features, scratch)
			return nil
		})
	}, nil
}

// taken is what a published head that is taken as it is brings along: its
// calibration, nil if it has none that fits, and the files that are worth keeping.
func (c RebaseConfig) taken(h *head.Head) (calibration []byte, files map[string][]byte, err error) {
	encoded, err := h.Encode()
	if err != nil {
		return nil, nil, err
	}
	if _, ok := c.Head.File(calibrate.FileName); ok {
		path := c.Head.Path(calibrate.FileName)
		if _, err := calibrate.Read(path, c.Base.Source.Digest, digest.Of(encoded), h); err != nil {
			c.Warn(fmt.Errorf("the published head goes without its calibration: %w", err))
		} else if calibration, err = readFile(path); err != nil {
			return nil, nil, err
		}
	}
	files = map[string][]byte{}
	for _, name := range []string{rebase.ExemplarsName, release.SelfTestName} {
		if _, ok := c.Head.File(name); !ok {
			continue
		}
		if files[name], err = readFile(c.Head.Path(name)); err != nil {
			return nil, nil, err
		}
	}
	return calibration, files, nil
}

// maxFile bounds a file of a generation or a bundle that is read whole; the
// readers of bundles let through no more.
const maxFile = 64 << 20

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s: more than %d bytes", path, maxFile)
	}
	return data, err
}
