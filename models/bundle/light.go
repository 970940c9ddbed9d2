package bundle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
)

// Added is a file that a light bundle gets beside those of its generation. Its
// name must be one that a manifest may list, and none that it lists already.
type Added struct {
	Name string
	Data []byte
}

// WriteLight writes the light form of the bundle of a generation to w, with
// further files if any are given. The same generation and files give the same
// bytes, in any order of the files.
//
// Every file is compared with its digest on the way: after an error, which is
// models.ErrDamaged where a file is not what was stored, what w got is of no use.
func WriteLight(ctx context.Context, w io.Writer, g models.Generation, added ...Added) error {
	manifest, err := os.ReadFile(g.Path(models.ManifestName))
	if err == nil {
		err = writeLight(ctx, w, manifest, g.Path, added)
	}
	if err != nil {
		return fmt.Errorf("light bundle of generation %d of task %q: %w", g.Generation, g.Task, err)
	}
	return nil
}

// WriteLight writes the light form of a bundle that was read, as the function of
// that name does of a generation.
func (b *Bundle) WriteLight(ctx context.Context, w io.Writer, added ...Added) error {
	if err := writeLight(ctx, w, b.raw, b.Path, added); err != nil {
		return fmt.Errorf("light bundle of task %q: %w", b.Task, err)
	}
	return nil
}

func writeLight(ctx context.Context, w io.Writer, manifest []byte, path func(string) string, added []Added) error {
	data := map[string][]byte{}
	if len(added) > 0 {
		m, err := models.ParseManifest(manifest)
		if err != nil {
			return err
		}
		for _, a := range added {
			if _, ok := m.File(a.Name); ok {
				return fmt.Errorf("%s is there already", a.Name)
			}
			data[a.Name] = a.Data
			m.Files = append(m.Files, models.File{Name: a.Name, Digest: digest.Of(a.Data), Bytes: int64(len(a.Data))})
		}
		slices.SortFunc(m.Files, func(a, b models.File) int { return strings.Compare(a.Name, b.Name) })
		if manifest, err = m.Encode(); err != nil {
			return err
		}
	}
	return write(ctx, w, manifest, light, func(f models.File) (io.ReadCloser, error) {
		if d, ok := data[f.Name]; ok {
			return io.NopCloser(bytes.NewReader(d)), nil
		}
		return os.Open(path(f.Name))
	})
}

// ReadLight reads the light form of a bundle as Read reads a bundle. BasePath of
// what it returns is "", and Import wants the base in the store.
func ReadLight(ctx context.Context, r io.Reader, dir string, l Limits) (*Bundle, error) {
	return read(ctx, r, light, dir, l)
}

// VerifyLight is Verify for the light form.
func VerifyLight(ctx context.Context, r io.Reader, l Limits) (models.Manifest, error) {
	return verify(ctx, r, light, l)
}
