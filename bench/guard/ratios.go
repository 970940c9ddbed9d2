package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ratio is one number that may be compared between machines.
type ratio struct {
	value float64
	less  bool // whether less is better
}

// read returns the ratios of a file, or of every *.json in a folder, by name.
// What is not there has none: nothing was recorded yet.
func read(path string) (map[string]ratio, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]ratio{}, nil
	}
	if err != nil {
		return nil, err
	}
	files := []string{path}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*.json")); err != nil {
			return nil, err
		}
	}
	all := map[string]ratio{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		collect(all, strings.TrimSuffix(filepath.Base(file), ".json"), v)
	}
	return all, nil
}

// collect finds the ratios in a value. A ratio is a number named "ratio" or
// something that ends in "_ratio", and every number in an object named "ratios".
// An object in a list is named by what it calls itself (named), so that a ratio
// keeps its name when rows are added before it. Less is better where the object
// says so: "better": "less", or an "at_most" beside the ratio.
func collect(into map[string]ratio, name string, v any) {
	switch v := v.(type) {
	case []any:
		for i, element := range v {
			collect(into, join(name, called(element, i)), element)
		}
	case map[string]any:
		_, bounded := v["at_most"].(float64)
		less := bounded || v["better"] == "less"
		for key, value := range v {
			switch number, ok := value.(float64); {
			case ok && key == "ratio":
				into[name] = ratio{number, less}
			case ok && (strings.HasSuffix(key, "_ratio") || strings.HasSuffix(name, "ratios")):
				into[join(name, key)] = ratio{number, less}
			case !ok:
				collect(into, join(name, key), value)
			}
		}
	}
}

// names are what a row may call itself by, in this order; all that it has count.
var names = []string{"name", "row", "what", "id", "set", "base", "against", "threads", "batch", "seed"}

// called is the name of an element of a list.
func called(element any, index int) string {
	object, ok := element.(map[string]any)
	if !ok {
		return strconv.Itoa(index)
	}
	var parts []string
	for _, key := range names {
		switch v := object[key].(type) {
		case string:
			parts = append(parts, v)
		case float64:
			parts = append(parts, key+" "+strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	if len(parts) == 0 {
		return strconv.Itoa(index)
	}
	return strings.Join(parts, " ")
}

func join(name, part string) string { return name + ": " + part }

// sorted are the names of ratios in order.
func sorted(ratios map[string]ratio) []string {
	list := make([]string, 0, len(ratios))
	for name := range ratios {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}
