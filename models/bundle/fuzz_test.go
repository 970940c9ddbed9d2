package bundle

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/edge-adapt/edge/models"
)

// FuzzVerify looks for bytes that make the reader panic, take much memory, or
// accept what Write would not write.
func FuzzVerify(f *testing.F) { fuzz(f, full, packed(f)) }

// FuzzVerifyLight does the same with the light form.
func FuzzVerifyLight(f *testing.F) { fuzz(f, light, packedLight(f)) }

func fuzz(f *testing.F, of form, good []byte) {
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good[:600])
	f.Add(append(bytes.Clone(good), good...))
	f.Fuzz(func(t *testing.T, data []byte) {
		kept := map[string]*bytes.Buffer{}
		l := Limits{Base: 1 << 20, File: 1 << 20, Total: 1 << 20}
		_, _, err := walk(context.Background(), bytes.NewReader(data), of, l, func(f models.File) (io.WriteCloser, error) {
			kept[f.Name] = &bytes.Buffer{}
			return discard{kept[f.Name]}, nil
		})
		if err != nil {
			return
		}
		manifest, err := readManifest(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		err = write(context.Background(), &again, manifest, of, func(f models.File) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(kept[f.Name].Bytes())), nil
		})
		if err != nil || !bytes.Equal(again.Bytes(), data) {
			t.Errorf("accepted %d bytes that are written as %d: %v", len(data), again.Len(), err)
		}
	})
}
