package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/edge-adapt/edge/internal/hint"
	"github.com/edge-adapt/edge/models"
)

// Verify reads a bundle to its end and keeps nothing. It returns the manifest of
// a bundle that is whole; the errors are those of Read.
func Verify(ctx context.Context, r io.Reader, l Limits) (models.Manifest, error) {
	return verify(ctx, r, full, l)
}

func verify(ctx context.Context, r io.Reader, of form, l Limits) (models.Manifest, error) {
	m, _, err := walk(ctx, r, of, l, func(models.File) (io.WriteCloser, error) { return discard{io.Discard}, nil })
	return m, explain(err)
}

// walk reads a bundle of that form, compares all of it with the manifest, and
// writes every entry behind the manifest into what create returns for it. It
// returns the manifest, parsed and as it came; zero after an error, and nothing
// that it wrote is to be used then.
func walk(ctx context.Context, in io.Reader, of form, l Limits, create func(models.File) (io.WriteCloser, error)) (models.Manifest, []byte, error) {
	l = l.orDefault()
	r := &source{ctx, in}
	raw, err := readManifest(r)
	if err != nil {
		return models.Manifest{}, nil, err
	}
	m, err := models.ParseManifest(raw)
	if err != nil {
		return models.Manifest{}, nil, err
	}
	if err := l.check(m, of); err != nil {
		return models.Manifest{}, nil, err
	}
	for _, f := range contents(m, of) {
		if err := readEntry(r, m, f, create); err != nil {
			return models.Manifest{}, nil, err
		}
	}
	if err := readEnd(r); err != nil {
		return models.Manifest{}, nil, err
	}
	return m, raw, nil
}

// readManifest reads the first entry.
func readManifest(r io.Reader) ([]byte, error) {
	var got [block]byte
	if _, err := io.ReadFull(r, got[:]); err != nil {
		return nil, cutOff(err, "its beginning", ErrNotBundle)
	}
	h, err := tar.NewReader(bytes.NewReader(got[:])).Next()
	if err != nil || h.Name != models.ManifestName {
		return nil, ErrNotBundle
	}
	if h.Size < 0 || h.Size > maxManifest {
		return nil, fmt.Errorf("%s of %d bytes is %w: at most %d", h.Name, h.Size, ErrTooLarge, maxManifest)
	}
	if want, err := header(h.Name, h.Size); err != nil || !bytes.Equal(got[:], want) {
		return nil, fmt.Errorf("%s: header %w", h.Name, ErrForm)
	}
	// Grows with what comes, whatever the header says.
	raw, err := io.ReadAll(io.LimitReader(r, h.Size))
	if err == nil && int64(len(raw)) < h.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, cutOff(err, h.Name, models.ErrDamaged)
	}
	return raw, readPadding(r, h.Name, h.Size)
}

// readEntry reads the entry that follows, which must be f.
func readEntry(r io.Reader, m models.Manifest, f models.File, create func(models.File) (io.WriteCloser, error)) error {
	want, err := header(f.Name, f.Bytes)
	if err != nil {
		return err
	}
	var got [block]byte
	if _, err := io.ReadFull(r, got[:]); err != nil {
		return cutOff(err, f.Name, models.ErrDamaged)
	}
	if !bytes.Equal(got[:], want) {
		return fmt.Errorf("%s where %s of %d bytes belongs: %w", named(got[:]), f.Name, f.Bytes, ErrForm)
	}
	w, err := create(f)
	if err != nil {
		return err
	}
	var labels bytes.Buffer
	var to io.Writer = w
	if f.Name == models.LabelsName {
		to = io.MultiWriter(w, &labels)
	}
	err = copyChecked(to, exactly(r, f), f)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if f.Name == models.LabelsName {
		if listed, err := models.ParseLabels(labels.Bytes()); err != nil || !slices.Equal(listed, m.Labels) {
			return fmt.Errorf("%s has other labels than the manifest: %w", f.Name, ErrForm)
		}
	}
	return readPadding(r, f.Name, f.Bytes)
}

// exactly reads the content of f, and fails where it is cut off.
func exactly(r io.Reader, f models.File) io.Reader { return &content{r, f.Name, f.Bytes} }

type content struct {
	r    io.Reader
	name string
	left int64
}

func (c *content) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if c.left == 0 {
			return n, nil
		}
		err = fmt.Errorf("%w: the bundle ends in it", models.ErrDamaged)
	}
	return n, err
}

func readPadding(r io.Reader, name string, size int64) error {
	return readZeros(r, "behind "+name, int(padding(size)))
}

// readEnd expects the end of the archive and of the file.
func readEnd(r io.Reader) error {
	if err := readZeros(r, "at the end", len(trailer)); err != nil {
		return err
	}
	var one [1]byte
	for {
		n, err := r.Read(one[:])
		switch {
		case n > 0:
			return fmt.Errorf("bytes behind the end: %w", ErrForm)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func readZeros(r io.Reader, where string, n int) error {
	var got [len(trailer)]byte
	if _, err := io.ReadFull(r, got[:n]); err != nil {
		return cutOff(err, where, models.ErrDamaged)
	}
	if !bytes.Equal(got[:n], trailer[:n]) {
		return fmt.Errorf("%s where zeros belong %s: %w", named(got[:n]), where, ErrForm)
	}
	return nil
}

// cutOff gives the end of the file in the middle of something its reason.
func cutOff(err error, where string, reason error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends before or within %s: %w", where, reason)
	}
	return err
}

// named says what a block is that should be another.
func named(got []byte) string {
	if h, err := tar.NewReader(bytes.NewReader(got)).Next(); err == nil {
		return fmt.Sprintf("entry %.200q of %d bytes", h.Name, h.Size)
	}
	return "other bytes"
}

// explain adds what the error is about, and the next step.
func explain(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("read the bundle: %w", err)
	switch {
	case errors.Is(err, ErrTooLarge):
		return hint.Wrap(err, "take it only from somebody you know, and then with higher limits")
	case errors.Is(err, ErrNotBundle):
		return hint.Wrap(err, "give a file that edge packed, such as the bundle.tar of edge finetune")
	case errors.Is(err, models.ErrDamaged), errors.Is(err, ErrForm):
		return hint.Wrap(err, "fetch it again, or pack it again with edge")
	}
	return err
}

type discard struct{ io.Writer }

func (discard) Close() error { return nil }
