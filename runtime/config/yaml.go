package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits on what a file may be, so that none takes long to refuse.
const (
	maxFile  = 1 << 20
	maxNodes = 100_000 // visited, aliases counted each time
	maxNames = 1000    // tasks or webhooks
)

// reader puts one YAML file over a Config.
type reader struct {
	file     string // as problems name it
	origins  map[string]string
	problems Problems
	left     int // nodes that may still be visited
}

// read puts the file's settings over c. It reports what is wrong by adding to
// the reader's problems, and goes on with what is right.
func (r *reader) read(data []byte, c *Config) {
	if len(data) > maxFile {
		r.problem(0, "", fmt.Sprintf("more than %d KiB", maxFile>>10))
		return
	}
	r.left = maxNodes
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return // an empty file says nothing
	case err != nil:
		r.syntax(err)
		return
	}
	if err := dec.Decode(&second); err == nil {
		r.problem(second.Line, "", "a second document; want one")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
		return
	}
	if root := r.follow(doc.Content[0]); root != nil && !isNull(root) {
		r.group(root, reflect.ValueOf(c).Elem(), "")
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax reports an error of the YAML library, which has the line in its text.
func (r *reader) syntax(err error) {
	line := 0
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	r.problem(line, "", "not YAML: "+strings.TrimPrefix(text, "yaml: "))
}

func (r *reader) problem(line int, key, reason string) {
	r.problems = append(r.problems, Problem{Key: key, Where: r.where(line), Reason: reason})
}

func (r *reader) where(line int) string {
	if line > 0 {
		return r.file + ":" + strconv.Itoa(line)
	}
	return r.file
}

// follow returns what n or the alias n stands for, nil once too much was visited.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	for range 10 {
		if r.left--; r.left < 0 {
			if r.left == -1 {
				r.problem(n.Line, "", "too large, or aliases within aliases")
			}
			return nil
		}
		if n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// pair is one key of a mapping, merged ones before its own.
type pair struct{ key, value *yaml.Node }

// pairs lists the keys of the mapping n, with what << merges in. A merged key
// that the mapping has itself is left out.
func (r *reader) pairs(n *yaml.Node, path string) []pair {
	var own, merged []pair
	has := func(list []pair, key string) bool {
		return slices.ContainsFunc(list, func(p pair) bool { return p.key.Value == key })
	}
	var from []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := r.follow(n.Content[i]), n.Content[i+1]
		switch {
		case key == nil:
			return nil
		case key.Kind != yaml.ScalarNode:
			r.problem(key.Line, path, "a key must be one word")
		case key.ShortTag() == "!!merge":
			from = append(from, value)
		case has(own, key.Value):
			r.problem(key.Line, join(path, key.Value), "stands here twice")
		default:
			own = append(own, pair{key, value})
		}
	}
	for _, value := range from {
		v := r.follow(value)
		if v == nil {
			return nil
		}
		sources := []*yaml.Node{v}
		if v.Kind == yaml.SequenceNode {
			sources = v.Content
		}
		for _, s := range sources {
			if s = r.follow(s); s == nil {
				return nil
			}
			if s.Kind != yaml.MappingNode {
				r.problem(s.Line, path, "<< wants a group of keys")
				continue
			}
			for _, p := range r.pairs(s, path) {
				if !has(own, p.key.Value) && !has(merged, p.key.Value) {
					merged = append(merged, p)
				}
			}
		}
	}
	return append(merged, own...)
}

// group reads a mapping into the struct v.
func (r *reader) group(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.problem(n.Line, path, "want a group of keys: "+strings.Join(keysOf(v.Type()), ", "))
		return
	}
	for _, p := range r.pairs(n, path) {
		all := branches(v.Type())
		i := slices.IndexFunc(all, func(b branch) bool { return b.key == p.key.Value })
		if i < 0 {
			r.problem(p.key.Line, path, unknown(p.key.Value, keysOf(v.Type()), leavesBelow(reflect.TypeFor[Config]())))
			continue
		}
		value := r.follow(p.value)
		if value == nil {
			return
		}
		b := all[i]
		at, below := v.Field(b.index), join(path, b.key)
		switch {
		case isLeaf(b.typ):
			r.leaf(value, at, below)
		case isNull(value): // the keys below it are commented out
		case b.typ.Kind() == reflect.Map:
			r.named(value, at, below)
		default:
			r.group(value, at, below)
		}
	}
}

// named reads a mapping of names to structs into the map v, in the place of what
// was there.
func (r *reader) named(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		r.problem(n.Line, path, "want names, each with its keys below it")
		return
	}
	pairs := r.pairs(n, path)
	if len(pairs) > maxNames {
		r.problem(n.Line, path, fmt.Sprintf("more than %d", maxNames))
		return
	}
	things := reflect.MakeMap(v.Type())
	for _, p := range pairs {
		elem := fresh(v.Type().Elem())
		value := r.follow(p.value)
		if value == nil {
			return
		}
		if !isNull(value) {
			r.group(value, elem, join(path, p.key.Value))
		}
		things.SetMapIndex(reflect.ValueOf(p.key.Value), elem)
		r.origins[join(path, p.key.Value)] = r.where(p.key.Line)
	}
	v.Set(things)
}

// leaf reads a scalar, or a list of scalars, into v.
func (r *reader) leaf(n *yaml.Node, v reflect.Value, path string) {
	if v.Type() == reflect.TypeFor[Secret]() {
		r.problem(n.Line, path, "a secret does not belong in this file; use "+path+"_file, or the variable "+Variable(path))
		return
	}
	if isNull(n) {
		r.problem(n.Line, path, `has no value; leave the key out for the default`)
		return
	}
	if isList(v.Type()) && n.Kind == yaml.SequenceNode {
		list := []string{}
		for _, item := range n.Content {
			if item = r.follow(item); item == nil {
				return
			}
			if item.Kind != yaml.ScalarNode || isNull(item) {
				r.problem(item.Line, path, "want a list of words")
				return
			}
			list = append(list, item.Value)
		}
		v.Set(reflect.ValueOf(list))
		r.origins[path] = r.where(n.Line)
		return
	}
	if n.Kind != yaml.ScalarNode {
		r.problem(n.Line, path, "want one value, not a group or a list")
		return
	}
	if err := setLeaf(v, n.Value); err != nil {
		r.problem(n.Line, path, err.Error())
		return
	}
	r.origins[path] = r.where(n.Line)
}

// quote shows text that somebody else wrote on one line.
func quote(s string) string { return strconv.Quote(s) }
