package models

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Difference is what differs between two generations, as their manifests say.
type Difference struct {
	Task string `json:"task"`
	From int    `json:"from"`
	To   int    `json:"to"`

	Added     []string `json:"added,omitempty"`     // labels of To alone, in its order
	Removed   []string `json:"removed,omitempty"`   // labels of From alone, in its order
	Reordered bool     `json:"reordered,omitempty"` // the labels of both stand in another order

	FromBase Base `json:"from_base"`
	ToBase   Base `json:"to_base"`
	SameBase bool `json:"same_base"` // the same bytes, whatever the names
	SameHead bool `json:"same_head"` // the same bytes

	Preprocessing []Change `json:"preprocessing,omitempty"`
	Recipe        []Change `json:"recipe,omitempty"`
	Measures      []Change `json:"measures,omitempty"`
	Files         []Change `json:"files,omitempty"` // by name; values are digests
}

// Change is a value that differs. Path leads to it, keys joined by dots; a list
// is one value. nil stands for none.
type Change struct {
	Path   string          `json:"path"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Diff compares two manifests, which may be of different tasks.
func Diff(from, to Manifest) Difference {
	d := Difference{
		Task: to.Task, From: from.Generation, To: to.Generation,
		Added: without(to.Labels, from.Labels), Removed: without(from.Labels, to.Labels),
		FromBase: from.Base, ToBase: to.Base, SameBase: from.Base.Digest == to.Base.Digest,
	}
	d.Reordered = !slices.Equal(without(from.Labels, d.Removed), without(to.Labels, d.Added))
	fromHead, _ := from.File(HeadName)
	toHead, _ := to.File(HeadName)
	d.SameHead = fromHead == toHead
	d.Preprocessing = changes(encoded(from.Preprocessing), encoded(to.Preprocessing))
	d.Recipe = changes(from.Recipe, to.Recipe)
	d.Measures = changes(from.Measures, to.Measures)
	d.Files = fileChanges(from.Files, to.Files)
	return d
}

// without returns what of list is not in other, in order.
func without(list, other []string) []string {
	not := make(map[string]bool, len(other))
	for _, s := range other {
		not[s] = true
	}
	var rest []string
	for _, s := range list {
		if !not[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

func encoded(v any) json.RawMessage {
	data, err := marshal(v)
	if err != nil {
		return nil
	}
	return bytes.TrimSpace(data)
}

func fileChanges(from, to []File) []Change {
	list := func(files []File) map[string]json.RawMessage {
		m := make(map[string]json.RawMessage)
		for _, f := range files {
			m[f.Name] = encoded(f.Digest)
		}
		return m
	}
	return compare(list(from), list(to))
}

// changes compares two JSON values, objects key by key.
func changes(from, to json.RawMessage) []Change {
	return compare(flat(from), flat(to))
}

func compare(from, to map[string]json.RawMessage) []Change {
	var all []Change
	for path, before := range from {
		if after := to[path]; !bytes.Equal(before, after) {
			all = append(all, Change{path, before, after})
		}
	}
	for path, after := range to {
		if _, ok := from[path]; !ok {
			all = append(all, Change{Path: path, After: after})
		}
	}
	slices.SortFunc(all, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return all
}

// flat maps the path of every value that is no object to the value.
func flat(raw json.RawMessage) map[string]json.RawMessage {
	values := make(map[string]json.RawMessage)
	flatten("", raw, values)
	return values
}

func flatten(path string, raw json.RawMessage, into map[string]json.RawMessage) {
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		if raw = compact(raw); raw != nil {
			into[path] = raw
		}
		return
	}
	for key, value := range object {
		if path != "" {
			key = path + "." + key
		}
		flatten(key, value, into)
	}
}
