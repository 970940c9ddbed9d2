package capi

import (
	"testing"

	"github.com/mattn/go-tflite"
)

func TestLayoutOf(t *testing.T) {
	for version, want := range map[string]int{
		"2.17.1": 0, "2.18.0": 1, "2.19.0": 1, "2.20.0": 2, "2.21.0": 2, "2.21.0-rc1": 2, "2.30": 2, "3.0.0": 2,
		"": 0, "2": 0, "nightly": 0, "1.15.0": 0,
	} {
		if got := int(layoutOf(version)); got != want {
			t.Errorf("layoutOf(%q) = %d, want %d", version, got, want)
		}
	}
}

func TestXNNPACKDeletesOnce(t *testing.T) {
	x, err := NewXNNPACK(2)
	if err != nil {
		t.Fatal(err)
	}
	if x.Ptr() == nil {
		t.Error("a delegate without a pointer")
	}
	x.Delete()
	x.Delete()
	(*XNNPACK)(nil).Delete()
}

func TestHandlesOfGoTFLite(t *testing.T) {
	o := tflite.NewInterpreterOptions()
	defer o.Delete()
	if p, err := pointerIn(o); err != nil || p == nil {
		t.Errorf("pointerIn(options) = %v, %v", p, err)
	}
	for _, wrong := range []any{nil, 3, (*tflite.Interpreter)(nil), &struct{ a, b *int }{}, &struct{ n int }{}} {
		if _, err := pointerIn(wrong); err == nil {
			t.Errorf("pointerIn(%T) gave no error", wrong)
		}
	}
}

func TestLogIsEmptyAtFirst(t *testing.T) {
	l := NewLog()
	if got := l.Take(); got != "" {
		t.Errorf("a new log holds %q", got)
	}
	l.Delete()
	l.Delete()
	(*Log)(nil).Delete()
}

func TestCheckModel(t *testing.T) {
	if err := CheckModel("../../testdata/float32.tflite"); err != nil {
		t.Error(err)
	}
	if err := CheckModel("capi.h"); err == nil || err.Error() == "" {
		t.Errorf("a header is a model: %v", err)
	}
	if err := CheckModel("none"); err == nil {
		t.Error("a missing file is a model")
	}
}
