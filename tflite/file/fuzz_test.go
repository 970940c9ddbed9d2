package file

import (
	"bytes"
	"testing"
)

// seed adds the committed models. testdata/fuzz holds what fuzzing has found.
func seed(f *testing.F) {
	for _, data := range tiny(f) {
		f.Add(data)
	}
	f.Add(encoded(f, dense()))
	f.Add(labelled(f, map[string]string{"labels.txt": "a\nb\n"}))
	f.Add(outside(200, 4, make([]byte, 100)))
}

// FuzzParse looks for bytes that make Parse, or what is done with a parsed
// model, panic or hang.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) { try(t, data) })
}

// FuzzEncode looks for models that do not survive being written and read.
func FuzzEncode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		first, err := m.Encode()
		if err != nil {
			if m.encodable() == nil {
				t.Fatalf("a parsed model cannot be written: %v", err)
			}
			return
		}
		again, err := Parse(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		second, err := again.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written again: %v", err)
		}
		if !bytes.Equal(first, second) {
			t.Fatal("writing again gives other bytes")
		}
	})
}

// FuzzResize looks for models that make Resize or FeatureAt panic, or that
// cannot be read any more afterwards.
func FuzzResize(f *testing.F) {
	seed(f)
	f.Add(encoded(f, classic(Pool2DOptions{Same, 8, 8, 8, 8, NoActivation})))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			return
		}
		for i := range min(len(m.Main().Tensors), 100) {
			_, _ = m.FeatureAt(i)
		}
		m.Features()
		resized, err := m.Resize(48, 64)
		if err != nil {
			return
		}
		out, err := resized.Encode()
		if err != nil {
			return
		}
		if _, err := Parse(out); err != nil {
			t.Fatalf("what was resized cannot be read: %v", err)
		}
	})
}
