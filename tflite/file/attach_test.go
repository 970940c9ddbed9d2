package file

import (
	"archive/zip"
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestAttach(t *testing.T) {
	m := dense()
	m.Metadata = append(m.Metadata, Info{Outputs: []TensorInfo{{LabelFiles: []string{"labels.txt"}}}}.Metadata())
	plain := encoded(t, m)
	labels := Attachment{Name: "labels.txt", Data: []byte("lamp\nöl\n")}
	data, err := Attach(plain, labels, Attachment{Name: "note.txt"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, plain) {
		t.Error("the model was changed")
	}
	if again, err := Attach(plain, labels, Attachment{Name: "note.txt"}); err != nil || !bytes.Equal(again, data) {
		t.Errorf("the same input gave other bytes: %v", err)
	}
	got, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := got.Labels(); err != nil || !slices.Equal(l, []string{"lamp", "öl"}) {
		t.Errorf("labels %q, %v", l, err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if f.Method != zip.Store {
			t.Errorf("%s is compressed", f.Name)
		}
	}
	// Stored, and counted from the start of the file.
	at, err := z.File[0].DataOffset()
	if err != nil || !bytes.Equal(data[at:at+int64(len(labels.Data))], labels.Data) {
		t.Errorf("the labels are not at %d: %v", at, err)
	}
	r, err := z.Open("labels.txt")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, labels.Data) {
		t.Errorf("%q, %v", text, err)
	}

	for want, attach := range map[string]func() ([]byte, error){
		"files behind it already": func() ([]byte, error) { return Attach(data, labels) },
		"0 files":                 func() ([]byte, error) { return Attach(plain) },
		"stands twice":            func() ([]byte, error) { return Attach(plain, labels, labels) },
		"is empty":                func() ([]byte, error) { return Attach(plain, Attachment{}) },
		"at most":                 func() ([]byte, error) { return Attach(plain, Attachment{"x", make([]byte, maxAttachedBytes+1)}) },
		"65 files":                func() ([]byte, error) { return Attach(plain, make([]Attachment, maxAttachedFiles+1)...) },
		"attach files: ":          func() ([]byte, error) { return Attach([]byte("no model"), labels) },
	} {
		if _, err := attach(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
