package finetune

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/adapt"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/internal/hint"
)

// identity is what makes a run the run that it is: two runs with the same
// identity come to the same end.
type identity struct {
	Base      digest.Digest            `json:"base"`
	Recipe    Recipe                   `json:"recipe"`
	Images    map[string]digest.Digest `json:"images"`              // by task: labels, contents and splits
	Calibrate digest.Digest            `json:"calibrate,omitempty"` // contents of the pictures of --bn-calibrate
}

// imagesDigest names what a task's images are used for, wherever they lie.
func imagesDigest(d *adapt.Dataset) digest.Digest {
	lines := slices.Clone(d.Labels)
	var samples []string
	for _, s := range d.Samples {
		samples = append(samples, fmt.Sprintf("%s %s %d", s.Digest, s.Split, s.Label))
	}
	slices.Sort(samples)
	return digest.Of([]byte(strings.Join(append(lines, samples...), "\n")))
}

// check says why a run of identity i cannot go on from a checkpoint of another.
func (i identity) check(of identity) error {
	refuse := func(what string) error {
		return hint.Wrap(fmt.Errorf("cannot resume: %s", what),
			"give the folder and the flags of the run that was interrupted, or another --out to begin anew")
	}
	if changed := changes(of.Recipe, i.Recipe); len(changed) > 0 {
		return refuse("the settings have changed: " + strings.Join(changed, "; "))
	}
	if i.Base != of.Base {
		return refuse(fmt.Sprintf("the base is %s, and was %s", i.Base.Short(), of.Base.Short()))
	}
	names, before := slices.Sorted(maps.Keys(i.Images)), slices.Sorted(maps.Keys(of.Images))
	if !slices.Equal(names, before) {
		return refuse(fmt.Sprintf("the tasks are %s, and were %s", strings.Join(names, ", "), strings.Join(before, ", ")))
	}
	for _, name := range names {
		if i.Images[name] != of.Images[name] {
			return refuse(fmt.Sprintf("the images of task %s have changed", name))
		}
	}
	if i.Calibrate != of.Calibrate {
		return refuse("the pictures of --bn-calibrate have changed")
	}
	return nil
}

// changes names the settings that differ, in the order of their names.
func changes(before, now Recipe) []string {
	a, b := settings(before), settings(now)
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if string(a[name]) != string(b[name]) {
			changed = append(changed, fmt.Sprintf("%s is %s and was %s", strings.ReplaceAll(name, "_", " "), b[name], a[name]))
		}
	}
	return changed
}

func settings(r Recipe) map[string]json.RawMessage {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // a struct of strings and numbers, all finite once validated
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		panic(err)
	}
	return m
}
