package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// branch is one key of a group.
type branch struct {
	key   string
	index int // of the field
	typ   reflect.Type
}

// branches lists the keys of the struct type t, in order.
func branches(t reflect.Type) []branch {
	var all []branch
	for i := range t.NumField() {
		f := t.Field(i)
		if key := f.Tag.Get("key"); key != "" {
			all = append(all, branch{key, i, f.Type})
		}
	}
	return all
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, b := range branches(t) {
		keys = append(keys, b.key)
	}
	return keys
}

// leavesBelow lists the paths of the leaves of the struct type t, such as
// adapt.cores. Of a group of named things it has those of the thing, with *
// for the name.
func leavesBelow(t reflect.Type) []string {
	var paths []string
	for _, b := range branches(t) {
		switch {
		case isLeaf(b.typ):
			paths = append(paths, b.key)
		case b.typ.Kind() == reflect.Map:
			for _, below := range leavesBelow(b.typ.Elem()) {
				paths = append(paths, b.key+".*."+below)
			}
		default:
			for _, below := range leavesBelow(b.typ) {
				paths = append(paths, b.key+"."+below)
			}
		}
	}
	return paths
}

// fresh is a named thing of which only the name has been said.
func fresh(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	switch t {
	case reflect.TypeFor[Task]():
		v.Set(reflect.ValueOf(DefaultTask()))
	case reflect.TypeFor[Webhook]():
		v.Set(reflect.ValueOf(DefaultWebhook()))
	default:
		panic("named things of type " + t.String())
	}
	return v
}

// walk calls visit with every leaf of v, a struct, in the order of its fields,
// named things sorted.
func walk(v reflect.Value, path string, visit func(path string, leaf reflect.Value)) {
	for _, b := range branches(v.Type()) {
		at, p := v.Field(b.index), join(path, b.key)
		switch {
		case isLeaf(b.typ):
			visit(p, at)
		case b.typ.Kind() == reflect.Map:
			for _, name := range namesIn(at) {
				walk(at.MapIndex(reflect.ValueOf(name)), join(p, name), visit)
			}
		default:
			walk(at, p, visit)
		}
	}
}

func namesIn(m reflect.Value) []string {
	names := map[string]bool{}
	for _, key := range m.MapKeys() {
		names[key.String()] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// edit calls change with the leaf of v, a settable struct, at the path of keys,
// making named things that are not there. It reports whether there is such a leaf.
func edit(v reflect.Value, keys []string, change func(leaf reflect.Value) error) (bool, error) {
	for _, b := range branches(v.Type()) {
		if len(keys) == 0 || b.key != keys[0] {
			continue
		}
		at, rest := v.Field(b.index), keys[1:]
		switch {
		case isLeaf(b.typ):
			if len(rest) > 0 {
				return false, nil
			}
			return true, change(at)
		case b.typ.Kind() == reflect.Map:
			if len(rest) == 0 {
				return false, nil
			}
			name := reflect.ValueOf(rest[0])
			elem := reflect.New(b.typ.Elem()).Elem() // what is in a map cannot be changed there
			if old := at.MapIndex(name); old.IsValid() {
				elem.Set(old)
			} else {
				elem.Set(fresh(b.typ.Elem()))
			}
			found, err := edit(elem, rest[1:], change)
			if found && err == nil {
				at.SetMapIndex(name, elem)
			}
			return found, err
		default:
			return edit(at, rest, change)
		}
	}
	return false, nil
}

// resolve finds the keys that name, written with sep between them, stands for:
// "tasks.front.adapt.cores" or, with sep "_" and upper case, what a variable is
// called. Names of things may contain sep themselves; a thing that v already has
// wins, then the longest key.
func resolve(v reflect.Value, name, sep string, spell func(string) string) ([]string, bool) {
	var best []string
	known := false
	for _, b := range branches(v.Type()) {
		key := spell(b.key)
		if isLeaf(b.typ) {
			if name == key {
				return []string{b.key}, true
			}
			continue
		}
		rest, ok := strings.CutPrefix(name, key+sep)
		if !ok {
			continue
		}
		if b.typ.Kind() != reflect.Map {
			if keys, ok := resolve(v.Field(b.index), rest, sep, spell); ok {
				return append([]string{b.key}, keys...), true
			}
			continue
		}
		things := namesIn(v.Field(b.index))
		for _, below := range leavesBelow(b.typ.Elem()) {
			thing, ok := strings.CutSuffix(rest, sep+spell(below))
			if !ok || thing == "" {
				continue
			}
			i := slices.IndexFunc(things, func(have string) bool { return spell(have) == thing })
			keys := append([]string{b.key, strings.ToLower(thing)}, strings.Split(below, ".")...)
			if i >= 0 {
				keys[1] = things[i]
			}
			if best == nil || i >= 0 && !known || (i >= 0) == known && len(keys) > len(best) {
				best, known = keys, i >= 0
			}
		}
	}
	return best, best != nil
}
