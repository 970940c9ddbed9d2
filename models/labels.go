package models

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxLabels     = 1 << 16
	maxLabelBytes = 255 // a label is the name of a folder
)

// ParseLabels reads a labels file: one label a line, in the order of the head's
// scores.
//
// Space around a label, a byte-order mark, carriage returns and empty lines are
// ignored. If every line starts with a number, as in "0 name" or "0:name", and
// the numbers are 0 to n-1 in any order, they are taken for positions and not
// for part of the labels. Labels may repeat, as ImageNet's do.
func ParseLabels(data []byte) ([]string, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	var labels []string
	for number, line := range strings.Split(string(data), "\n") {
		label := strings.TrimSpace(line)
		if label == "" {
			continue
		}
		if err := checkLabel(label); err != nil {
			return nil, fmt.Errorf("labels: line %d: %w", number+1, err)
		}
		if len(labels) == maxLabels {
			return nil, fmt.Errorf("labels: more than %d", maxLabels)
		}
		labels = append(labels, label)
	}
	if len(labels) == 0 {
		return nil, errors.New("labels: none found")
	}
	if placed, ok := placeByNumber(labels); ok {
		return placed, nil
	}
	return labels, nil
}

// EncodeLabels returns a labels file that ParseLabels reads back as labels. It
// numbers the lines only where they would be misread without.
func EncodeLabels(labels []string) ([]byte, error) {
	if len(labels) == 0 || len(labels) > maxLabels {
		return nil, fmt.Errorf("%d labels: want 1 to %d", len(labels), maxLabels)
	}
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return nil, err
		}
	}
	_, numbered := placeByNumber(labels)
	var b bytes.Buffer
	for i, label := range labels {
		if numbered {
			fmt.Fprintf(&b, "%d:", i)
		}
		b.WriteString(label + "\n")
	}
	return b.Bytes(), nil
}

// placeByNumber sorts lines by the numbers they start with and removes these,
// or reports false if they are not the positions of a list.
func placeByNumber(lines []string) ([]string, bool) {
	placed := make([]string, len(lines))
	for _, line := range lines {
		end := strings.IndexFunc(line, func(r rune) bool { return r < '0' || r > '9' })
		if end < 1 {
			return nil, false
		}
		at, err := strconv.Atoi(line[:end])
		sep, width := utf8.DecodeRuneInString(line[end:])
		if err != nil || at >= len(placed) || placed[at] != "" || sep != ':' && !unicode.IsSpace(sep) {
			return nil, false
		}
		placed[at] = strings.TrimSpace(line[end+width:])
		if checkLabel(placed[at]) != nil {
			return nil, false
		}
	}
	return placed, true
}

// checkLabel reports why label could not stand on a line of its own.
func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("an empty label")
	case len(label) > maxLabelBytes:
		return fmt.Errorf("label %.20q… of %d bytes: at most %d", label, len(label), maxLabelBytes)
	case !utf8.ValidString(label):
		return fmt.Errorf("label %q is not UTF-8", label)
	case strings.TrimSpace(label) != label || strings.HasPrefix(label, "\ufeff"):
		return fmt.Errorf("label %q has space around it", label)
	case strings.ContainsFunc(label, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return fmt.Errorf("label %q has control characters", label)
	}
	return nil
}

// checkTaskLabels also refuses two classes of one name.
func checkTaskLabels(labels []string) error {
	if len(labels) == 0 || len(labels) > maxLabels {
		return fmt.Errorf("%d labels: want 1 to %d", len(labels), maxLabels)
	}
	for _, label := range labels {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	sorted := slices.Sorted(slices.Values(labels))
	for i := range sorted[1:] {
		if sorted[i] == sorted[i+1] {
			return fmt.Errorf("label %q stands twice", sorted[i])
		}
	}
	return nil
}
