package device

import (
	"bytes"
	"encoding/csv"

	"github.com/edge-adapt/edge/adapt"
)

// ReceiptName is the file of a generation that says which images made it.
const ReceiptName = "samples.csv"

// receipt lists the images that a head was trained and measured on: one line
// each, split, label, content digest, path below the folder.
func receipt(d *adapt.Dataset) ([]byte, error) {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	if err := w.Write([]string{"split", "label", "digest", "path"}); err != nil {
		return nil, err
	}
	for _, s := range d.Samples {
		if err := w.Write([]string{string(s.Split), d.Labels[s.Label], string(s.Digest), s.Path}); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return buf.Bytes(), w.Error()
}
