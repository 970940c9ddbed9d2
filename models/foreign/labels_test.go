package foreign

import (
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/models"
)

func TestParseLabelsDialects(t *testing.T) {
	for name, text := range map[string]string{
		"names":              "cat\nbig dog\n",
		"no last line end":   "cat\nbig dog",
		"numbers":            "0 cat\n1 big dog\n",
		"numbers and colons": "0:cat\n1:big dog\n",
		"out of order":       "1 big dog\n0 cat\n",
		"Windows":            "\ufeff0 cat\r\n1 big dog\r\n\r\n",
		"old Mac":            "cat\rbig dog\r",
		"JSON":               `["cat", "big dog"]`,
		"JSON, Windows":      "\ufeff[\r\n \"cat\",\r\n \"big dog\"\r\n]\r\n",
		"metadata.json":      `{"tfjsVersion":"1.7.4","packageName":"@teachablemachine/image","userMetadata":{},"modelName":"x","labels":["cat","big dog"],"imageSize":224}`,
	} {
		if got, err := ParseLabels([]byte(text)); err != nil || !slices.Equal(got, []string{"cat", "big dog"}) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	// What only looks like JSON, or like numbers, is names.
	for text, want := range map[string][]string{
		"[red\n[blue":       {"[red", "[blue"},
		"1 penny\n2 pounds": {"1 penny", "2 pounds"},
		"7 up":              {"7 up"},
	} {
		if got, err := ParseLabels([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "space": " \n\r\n", "empty list": "[]", "no labels": `{"names":["a"]}`, "numbers": "[1, 2]",
		"an empty name": `["a", ""]`, "a line in a name": `["a\nb"]`, "not UTF-8": "a\xff\n", "a list of lists": `[["a"]]`,
		"long": strings.Repeat("x", 300),
	} {
		if got, err := ParseLabels([]byte(text)); err == nil {
			t.Errorf("%s: accepted as %q", name, got)
		}
	}
}

// FuzzParseLabels: what is accepted can be written as a labels file of edge and
// reads back the same.
func FuzzParseLabels(f *testing.F) {
	for _, text := range []string{"a\nb", "0 a\n1 b", "0:a\r\n1:b", "\ufeff[\"a\",\"b\"]", `{"labels":["a"]}`, "[\n", "\r\r"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		labels, err := ParseLabels(data)
		if err != nil {
			return
		}
		text, err := models.EncodeLabels(labels)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := models.ParseLabels(text); err != nil || !slices.Equal(again, labels) {
			t.Errorf("%q is read back as %q, %v", labels, again, err)
		}
	})
}
