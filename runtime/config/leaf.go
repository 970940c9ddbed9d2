package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// isLeaf reports whether settings of type t are one value, and not a group of
// further keys.
func isLeaf(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) ||
		t.Kind() != reflect.Struct && t.Kind() != reflect.Map
}

// isList reports whether a leaf of type t is a list of texts.
func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice }

// setLeaf reads text into the leaf v, which must be settable. A list is written
// with commas.
func setLeaf(v reflect.Value, text string) error {
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	text = strings.TrimSpace(text)
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, ok := map[string]bool{"true": true, "false": false}[text]
		if !ok {
			return fmt.Errorf("%q: want true or false", text)
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is no whole number", text)
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || f-f != 0 { // not infinite, not NaN
			return fmt.Errorf("%q is no number", text)
		}
		v.SetFloat(f)
	case reflect.Slice:
		list := []string{}
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		panic("a setting of type " + v.Type().String()) // the types are this package's own
	}
	return nil
}

// leafText is what setLeaf reads back as the same value, for all but lists
// whose items have commas.
func leafText(v reflect.Value) string {
	switch at := v.Interface().(type) {
	case encoding.TextMarshaler:
		text, err := at.MarshalText()
		if err != nil {
			panic(err) // none of ours fails
		}
		return string(text)
	case []string:
		return strings.Join(at, ",")
	default:
		return fmt.Sprint(at)
	}
}
