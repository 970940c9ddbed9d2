package models

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/shareddata"
)

func TestParseLabels(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       []string
	}{
		{"plain", "cat\ndog\n", []string{"cat", "dog"}},
		{"no end of line", "cat\ndog", []string{"cat", "dog"}},
		{"space", "\ufeffcat \r\n\r\n  dog\r\n\n", []string{"cat", "dog"}},
		{"inner space", "great white shark\ncat", []string{"great white shark", "cat"}},
		{"number and space", "0 cat\n1 dog", []string{"cat", "dog"}},
		{"number and spaces", "0  cat\n1\tdog", []string{"cat", "dog"}},
		{"number and colon", "0:cat\n1: dog", []string{"cat", "dog"}},
		{"number in any order", "1 dog\n0 cat", []string{"cat", "dog"}},
		{"digits are labels", "0\n1\n2", []string{"0", "1", "2"}},
		{"coins", "1 euro\n2 euro", []string{"1 euro", "2 euro"}},
		{"gap", "0 cat\n2 dog", []string{"0 cat", "2 dog"}},
		{"number twice", "0 cat\n0 dog", []string{"0 cat", "0 dog"}},
		{"some with numbers", "0 cat\ndog", []string{"0 cat", "dog"}},
		{"repeated", "crane\ncrane", []string{"crane", "crane"}},
		{"not a number after all", "0x\n1y", []string{"0x", "1y"}},
		{"number too large", "99999999999999999999 cat", []string{"99999999999999999999 cat"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseLabels([]byte(c.data))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	for name, data := range map[string]string{
		"empty":              "",
		"only empty lines":   " \n\r\n",
		"control characters": "cat\nd\x00g",
		"not UTF-8":          "cat\nd\xffg",
		"too long":           strings.Repeat("x", 256),
		"too many":           strings.Repeat("x\n", maxLabels+1),
	} {
		if got, err := ParseLabels([]byte(data)); err == nil {
			t.Errorf("%s: got %d labels, want an error", name, len(got))
		}
	}
}

func TestImageNetLabels(t *testing.T) {
	data, err := os.ReadFile(shareddata.Path(t, "weights/imagenet_labels.txt"))
	must(t, err)
	labels, err := ParseLabels(data)
	if err != nil || len(labels) != 1001 || labels[0] != "background" {
		t.Errorf("got %d labels, %v", len(labels), err)
	}
}

func TestEncodeLabels(t *testing.T) {
	for want, labels := range map[string][]string{
		"cat\ndog\n":         {"cat", "dog"},
		"0:0 cat\n1:1 dog\n": {"0 cat", "1 dog"}, // folders named so stay so
		"0\n1\n":             {"0", "1"},
	} {
		got, err := EncodeLabels(labels)
		if err != nil || string(got) != want {
			t.Errorf("%q: got %q, %v", labels, got, err)
		}
	}
	for _, labels := range [][]string{nil, {""}, {" cat"}, {"a\nb"}, {"\xff"}, {"\ufeffcat"}} {
		if got, err := EncodeLabels(labels); err == nil {
			t.Errorf("%q: got %q, want an error", labels, got)
		}
	}
}

func FuzzLabels(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		labels, err := ParseLabels(data)
		if err != nil {
			return
		}
		encoded, err := EncodeLabels(labels)
		must(t, err)
		again, err := ParseLabels(encoded)
		if err != nil || !slices.Equal(again, labels) {
			t.Errorf("%q became %q through %q, %v", labels, again, encoded, err)
		}
	})
}
