package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ratio is one number that may be compared between machines.
type ratio struct {
	value  float64
	less   bool // whether less is better: it is bounded from above
	points bool // a difference in per cent, such as of accuracies, and no ratio
}

// results are those parts of a file of results that are compared: ratios by name,
// and what is known of some of them, as bench/table writes both.
type results struct {
	Ratios map[string]float64 `json:"ratios"`
	Rows   map[string]struct {
		Lines []struct {
			ID     string   `json:"id"`
			Unit   string   `json:"unit"`
			AtMost *float64 `json:"at_most"`
		} `json:"lines"`
	} `json:"rows"`
}

// read returns the ratios of a file, or of every *.json in a folder, by the
// file's name and their own. What is not there, and files of another form, have
// none.
func read(path string) (map[string]ratio, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]ratio{}, nil // nothing was recorded yet
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
		ratios, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for name, r := range ratios {
			all[strings.TrimSuffix(filepath.Base(file), ".json")+" "+name] = r
		}
	}
	return all, nil
}

// parse returns the ratios of a file's content by their own names.
func parse(data []byte) (map[string]ratio, error) {
	var r results
	var form *json.UnmarshalTypeError
	if err := json.Unmarshal(data, &r); errors.As(err, &form) {
		return nil, nil // JSON, but no results of this form
	} else if err != nil {
		return nil, err
	}
	ratios := map[string]ratio{}
	for name, value := range r.Ratios {
		ratios[name] = ratio{value: value}
	}
	for _, row := range r.Rows {
		for _, line := range row.Lines {
			if known, ok := ratios[line.ID]; ok {
				known.less, known.points = line.AtMost != nil, line.Unit == "points"
				ratios[line.ID] = known
			}
		}
	}
	return ratios, nil
}

// sorted are the names of ratios in order.
func sorted(ratios map[string]ratio) []string { return slices.Sorted(maps.Keys(ratios)) }
