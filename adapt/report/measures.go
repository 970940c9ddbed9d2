package report

import (
	"fmt"
	"io"

	"github.com/edge-adapt/edge/adapt"
)

// MeasuresText writes how well a head does on one set of images: a table per
// class, the confusion matrix, accuracy and loss. Name is what the set is
// called, such as "test". It writes once, and nothing at all after an error.
func MeasuresText(w io.Writer, name string, m adapt.Measures, labels []string, o TextOptions) error {
	t := &textReport{style: newStyle(o), run: &Run{Labels: labels}}
	set := measured{name, m}
	t.perClass(set)
	t.confusion(set)
	interval := Wilson(m.Accuracy, m.Images)
	t.heading("Measures", t.counted(set))
	t.line(fmt.Sprintf("accuracy %s (95 %% interval %s to %s), loss %.4f",
		percent(m.Accuracy), percent(interval.Low), percent(interval.High), m.Loss))
	if _, err := w.Write(t.buf.Bytes()); err != nil {
		return fmt.Errorf("write measures: %w", err)
	}
	return nil
}
