package foreign

import (
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
	"github.com/edge-adapt/edge/models/base"
)

// TestHeadsOfMobileNets takes heads of classifiers that are in the world: their
// last layer is a convolution over a single place, behind it a reshape.
func TestHeadsOfMobileNets(t *testing.T) {
	for name, tolerance := range map[string]float64{
		"mobilenet_v1_0.25_224_1_default_1.tflite": 1e-5, // float
		"mobilenet_v1_0.25_128_quant.tflite":       0.05, // uint8
	} {
		t.Run(name, func(t *testing.T) {
			data := mustRead(t, shareddata.Path(t, "weights/"+name))
			m, f := parsed(t, data)
			h, err := Head(m, f)
			if err != nil {
				t.Fatal(err)
			}
			if h.Features != 256 || h.Hidden != 0 || h.Classes != 1001 {
				t.Errorf("head of %d, %d, %d", h.Features, h.Hidden, h.Classes)
			}
			d, err := base.NewDraft(data, base.ImportOptions{File: name})
			if err != nil {
				t.Fatal(err)
			}
			a, err := Compare(opened(t, data), opened(t, d.Model), h, d.Preprocessing)
			if err != nil || a.Difference > tolerance || a.Same < pictures/2 {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}
