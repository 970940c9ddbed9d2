package file

import (
	"archive/zip"
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// labelled returns a model whose metadata names labels.txt, with the given
// files zipped behind it.
func labelled(t testing.TB, files map[string]string) []byte {
	t.Helper()
	b := flatbuffers.NewBuilder(256)
	name := b.CreateString("labels.txt")
	b.StartObject(3)
	b.PrependUOffsetTSlot(associatedName, name, 0)
	b.PrependInt8Slot(associatedKind, associatedLabels, 0)
	list := b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	b.StartObject(7)
	b.PrependUOffsetTSlot(tensorInfoFiles, list, 0)
	list = b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	b.StartObject(4)
	b.PrependUOffsetTSlot(subgraphInfoOutputs, list, 0)
	list = b.CreateVectorOfTables([]flatbuffers.UOffsetT{b.EndObject()})
	author := b.CreateString("somebody")
	b.StartObject(8)
	b.PrependUOffsetTSlot(infoSubgraphs, list, 0)
	b.PrependUOffsetTSlot(infoAuthor, author, 0)
	b.FinishWithFileIdentifier(b.EndObject(), []byte(infoIdentifier))

	m := dense()
	m.Metadata = append(m.Metadata, Metadata{MetadataName, b.FinishedBytes()})
	out := bytes.NewBuffer(encoded(t, m))
	z := zip.NewWriter(out)
	for name, text := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestLabels(t *testing.T) {
	m, err := Parse(labelled(t, map[string]string{"labels.txt": "lamp\r\n valve \nöl\n", "readme.md": "x"}))
	if err != nil {
		t.Fatal(err)
	}
	labels, err := m.Labels()
	if err != nil || !slices.Equal(labels, []string{"lamp", "valve", "öl"}) {
		t.Errorf("%q, %v", labels, err)
	}
	if info, err := m.Info(); err != nil || info.Author != "somebody" {
		t.Errorf("%+v, %v", info, err)
	}
	for name, files := range map[string]map[string]string{
		`"labels.txt" is not among`:                {"other.txt": "a"},
		"has more than":                            {"labels.txt": strings.Repeat("a\n", maxAttachedBytes/2+1)},
		"are too many":                             many(maxAttachedFiles + 1),
		"files behind the model: zip: not a valid": nil,
	} {
		data := labelled(t, files)
		if files == nil {
			data = data[:len(data)-22] // the directory's end
		}
		m, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Labels(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if _, err := parsed(t, "pooled").Labels(); !errors.Is(err, ErrNoInfo) {
		t.Errorf("no metadata: %v", err)
	}
}

func many(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[strings.Repeat("x", i+1)] = ""
	}
	return files
}

func TestNormalisation(t *testing.T) {
	want := Normalisation{Mean: []float32{127.5}, Std: []float32{64}}
	m := parsed(t, "pooled")
	m.Metadata = append(m.Metadata, want.Metadata())
	f, err := m.FeatureTensor()
	if err != nil {
		t.Fatal(err)
	}
	cut, err := m.Cut(f.Tensor)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(encoded(t, cut))
	if err != nil {
		t.Fatal(err)
	}
	got, ok := again.Normalisation()
	if !ok || !slices.Equal(got.Mean, want.Mean) || !slices.Equal(got.Std, want.Std) {
		t.Errorf("after the cut: %+v, %v", got, ok)
	}
	for _, bad := range []Normalisation{
		{}, {Mean: []float32{1}}, {Std: []float32{1}},
		{Mean: []float32{1}, Std: []float32{0}}, {Mean: []float32{1}, Std: []float32{-2}},
		{Mean: []float32{1}, Std: []float32{float32(inf())}},
	} {
		m := dense()
		m.Metadata = []Metadata{bad.Metadata()}
		if n, ok := m.Normalisation(); ok {
			t.Errorf("%+v is accepted", n)
		}
	}
}

// TestInfoDamaged damages the metadata alone, which Parse does not look into.
// TestInfoRoundTrip writes all that an Info can say, and reads it back.
func TestInfoRoundTrip(t *testing.T) {
	want := Info{
		Name: "lamps", Description: "which lamp is on", Version: "3", Author: "somebody", Licence: "CC0", MinParserVersion: "1.0.0",
		Inputs: []TensorInfo{
			{Name: "image", Description: "a picture", RGB: true, Normalisation: Normalisation{Mean: []float32{127.5}, Std: []float32{1, 2, 3}}},
			{},
		},
		Outputs: []TensorInfo{{Name: "scores", LabelFiles: []string{"labels.txt", "labels_de.txt"}}},
	}
	for _, info := range []Info{want, {}, {Outputs: want.Outputs}} {
		m := Model{Metadata: []Metadata{info.Metadata()}}
		got, err := m.Info()
		if err != nil || !reflect.DeepEqual(got, info) {
			t.Errorf("%+v came back as %+v, %v", info, got, err)
		}
		if !bytes.Equal(info.Metadata().Data, m.Metadata[0].Data) {
			t.Error("the same info gave other bytes")
		}
	}
}

func TestInfoDamaged(t *testing.T) {
	m, err := Parse(labelled(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	good := m.Metadata[1].Data
	for i := range good {
		for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff} {
			m.Metadata[1].Data = bytes.Clone(good)
			m.Metadata[1].Data[i] = v
			m.Info()
		}
		m.Metadata[1].Data = good[:i]
		if _, err := m.Info(); err == nil && i < len(good)-3 { // the last bytes are padding
			t.Errorf("%d of %d bytes of metadata are accepted", i, len(good))
		}
	}
}
