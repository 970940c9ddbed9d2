package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/models"
)

// maxLabels bounds a label file, in bytes.
const maxLabels = 16 << 20

// ParseLabels reads a label file in any dialect that is about:
//
//	name · 0 name · 0:name      a line a label, as models.ParseLabels reads them
//	["name", …]                 JSON
//	{"labels": ["name", …]}     JSON, the metadata.json of Teachable Machine
//
// A byte-order mark, empty lines, and line ends of Windows and of old Macs do
// not matter. The labels are in the order of a model's scores.
func ParseLabels(data []byte) ([]string, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if text := bytes.TrimSpace(data); len(text) > 0 && (text[0] == '[' || text[0] == '{') && json.Valid(text) {
		return parseJSON(text)
	}
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return models.ParseLabels(bytes.ReplaceAll(data, []byte("\r"), []byte("\n")))
}

func parseJSON(text []byte) ([]string, error) {
	var labels []string
	if text[0] == '{' {
		var of struct {
			Labels []string `json:"labels"`
		}
		if err := json.Unmarshal(text, &of); err != nil {
			return nil, fmt.Errorf("labels: %w", err)
		}
		labels = of.Labels
	} else if err := json.Unmarshal(text, &labels); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	if len(labels) == 0 {
		return nil, errors.New("labels: none found")
	}
	if _, err := models.EncodeLabels(labels); err != nil {
		return nil, fmt.Errorf("labels: %w", err)
	}
	return labels, nil
}
