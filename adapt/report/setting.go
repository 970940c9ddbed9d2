package report

import (
	"bytes"
	"encoding/json"
	"strings"
)

// setting is one line of a recipe.
type setting struct{ Name, Text string }

// settings lists the members of a JSON object in their order; whatever is not
// an object becomes one line. Underscores of names become blanks.
func settings(recipe json.RawMessage) []setting {
	d := json.NewDecoder(bytes.NewReader(recipe))
	d.UseNumber()
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		if text := strings.TrimSpace(string(recipe)); text != "" && text != "null" {
			return []setting{{"recipe", text}}
		}
		return nil
	}
	var out []setting
	for d.More() {
		name, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			break
		}
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil {
			text = s
		}
		if text == "" || text == "null" {
			text = "none"
		}
		out = append(out, setting{strings.ReplaceAll(name.(string), "_", " "), text})
	}
	return out
}
