package device

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
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

// maxReceipt bounds a receipt that is read: half a million images.
const maxReceipt = 64 << 20

// readReceipt returns what a generation used its images for, by content; nothing
// of a generation without a receipt.
func readReceipt(g models.Generation) (map[digest.Digest]adapt.Split, error) {
	if _, ok := g.File(ReceiptName); !ok {
		return nil, nil
	}
	f, err := os.Open(g.Path(ReceiptName))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	splits, err := parseReceipt(io.LimitReader(f, maxReceipt))
	if err != nil {
		return nil, fmt.Errorf("%s of generation %d: %w", ReceiptName, g.Generation, err)
	}
	return splits, nil
}

// parseReceipt reads what receipt writes.
func parseReceipt(in io.Reader) (map[digest.Digest]adapt.Split, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord, r.ReuseRecord = 4, true
	splits := map[digest.Digest]adapt.Split{}
	for line := 0; ; line++ {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return splits, nil
		}
		if err != nil {
			return nil, err
		}
		if line == 0 {
			continue
		}
		split := adapt.Split(fields[0])
		image, err := digest.Parse(fields[2])
		if err != nil {
			return nil, err
		}
		if split != adapt.SplitTrain && split != adapt.SplitVal && split != adapt.SplitTest {
			return nil, fmt.Errorf("line %d: split %q", line+1, fields[0])
		}
		splits[image] = split
	}
}
