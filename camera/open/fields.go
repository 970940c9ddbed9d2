package open

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fields are the options in a URI. What takes them out remembers the first that
// makes no sense.
type fields struct {
	values map[string]string
	known  []string
	wrong  error
}

// parseFields reads KEY=VALUE&KEY=VALUE. The error is one of decoding.
func parseFields(query string) (*fields, error) {
	f := &fields{values: map[string]string{}}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		// A + stands for itself, unlike in forms: it is common in paths.
		key, value, _ := strings.Cut(pair, "=")
		key, err := url.PathUnescape(key)
		if err != nil {
			return nil, err
		}
		if value, err = url.PathUnescape(value); err != nil {
			return nil, err
		}
		if _, twice := f.values[key]; twice {
			f.refuse(fmt.Sprintf("the option %q is given twice", key), "give it once")
		}
		f.values[key] = value
	}
	return f, nil
}

func (f *fields) refuse(what, next string) {
	if f.wrong == nil {
		f.wrong = wrong(what, next)
	}
}

// take takes an option out.
func (f *fields) take(key string) (value string, given bool) {
	f.known = append(f.known, key)
	value, given = f.values[key]
	delete(f.values, key)
	return value, given
}

// text takes out an option, or returns otherwise if it is not given.
func (f *fields) text(key, otherwise string) string {
	value, given := f.take(key)
	switch {
	case !given:
		return otherwise
	case value == "" || strings.ContainsRune(value, 0):
		f.refuse("the option "+key+" has no value", "write "+key+"=VALUE")
	}
	return value
}

// count takes out a whole number from 0 on, which may have other names too.
func (f *fields) count(key string, otherwise int) int {
	value, given := f.take(key)
	if !given {
		return otherwise
	}
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		f.refuse(fmt.Sprintf("%s is %q", key, value), "write a whole number: "+key+"=1")
	}
	return int(n)
}

// number takes out a number from 0 on.
func (f *fields) number(key string, otherwise float64) float64 {
	value, given := f.take(key)
	if !given {
		return otherwise
	}
	x, err := strconv.ParseFloat(value, 64)
	if err != nil || !(x >= 0) || math.IsInf(x, 0) {
		f.refuse(fmt.Sprintf("%s is %q", key, value), "write a number: "+key+"=2.5")
	}
	return x
}

// yes takes out a choice.
func (f *fields) yes(key string, otherwise bool) bool {
	value, given := f.take(key)
	switch {
	case !given:
		return otherwise
	case value == "true" || value == "false":
		return value == "true"
	}
	f.refuse(fmt.Sprintf("%s is %q", key, value), "write "+key+"=true or "+key+"=false")
	return otherwise
}

// span takes out a length of time.
func (f *fields) span(key string, otherwise time.Duration) time.Duration {
	value, given := f.take(key)
	if !given {
		return otherwise
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		f.refuse(fmt.Sprintf("%s is %q", key, value), "write a time with its unit: "+key+"=500ms, "+key+"=10s")
	}
	return d
}

// with takes out whole numbers whose keys begin with prefix, on top of others.
func (f *fields) with(prefix string, others map[string]int) map[string]int {
	all := maps.Clone(others)
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		name, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		value := f.values[key]
		delete(f.values, key)
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || name == "" {
			f.refuse(fmt.Sprintf("%s is %q", key, value), "write "+prefix+"NAME=NUMBER")
		}
		if all == nil {
			all = map[string]int{}
		}
		all[name] = int(n)
	}
	f.known = append(f.known, prefix+"NAME")
	return all
}

// end returns what is wrong, for which options that nobody took out count too.
func (f *fields) end() error {
	for _, key := range slices.Sorted(maps.Keys(f.values)) {
		next := "the options are " + strings.Join(f.known, ", ")
		if len(f.known) == 0 {
			next = "there are no options"
		}
		f.refuse(fmt.Sprintf("no option is called %q", key), next)
	}
	return f.wrong
}
