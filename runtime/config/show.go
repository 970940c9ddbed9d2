package config

import (
	"bytes"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/edge-adapt/edge/camera/open"
)

// Shown is one setting as people may see it.
type Shown struct {
	Key    string `json:"key"`
	Value  any    `json:"value"` // text, number, true or false, or a list of texts
	Origin string `json:"origin"`
}

// Show lists every setting with its origin. Secrets, and the passwords in
// addresses, are hidden.
func (l *Loaded) Show() []Shown {
	var all []Shown
	walk(reflect.ValueOf(l.Config), "", func(path string, leaf reflect.Value) {
		if leaf.Type() == reflect.TypeFor[Secret]() && leaf.IsZero() {
			return // most have none, and the file has no place for it
		}
		from, ok := l.Origins[path]
		if !ok {
			from = "default"
		}
		all = append(all, Shown{path, l.visible(path, leaf), from})
	})
	return all
}

// visible is what may be seen of the setting at path.
func (l *Loaded) visible(path string, leaf reflect.Value) any {
	switch v := leaf.Interface().(type) {
	case bool, int, float64, []string:
		return v
	}
	text := leafText(leaf)
	switch {
	case strings.HasPrefix(path, "tasks.") && strings.HasSuffix(path, ".source"):
		if name := strings.TrimSuffix(strings.TrimPrefix(path, "tasks."), ".source"); l.Tasks[name].SourceFile != "" {
			return Redacted // the file was not named for everyone to read it here
		}
		return open.Redact(text)
	case strings.HasPrefix(path, "events.webhooks.") && strings.HasSuffix(path, ".url"):
		return hideQuery(text)
	}
	return text
}

// hideQuery hides what an address carries after its path, which is where tokens
// stand.
func hideQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return Redacted
	}
	if u.RawQuery != "" {
		u.RawQuery = Redacted
	}
	return strings.Replace(u.Redacted(), url.QueryEscape(Redacted), Redacted, 1)
}

// YAML writes the settings in the order of docs/edge.yaml, each with its origin
// beside it. It is a configuration file again, but for what is hidden.
func (l *Loaded) YAML() ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range l.Show() {
		at := root
		keys := l.keys(s.Key)
		for _, key := range keys[:len(keys)-1] {
			at = group(at, key)
		}
		value := &yaml.Node{}
		if err := value.Encode(s.Value); err != nil {
			return nil, fmt.Errorf("show the configuration: %w", err)
		}
		if value.Kind == yaml.SequenceNode {
			value.Style = yaml.FlowStyle
		}
		value.LineComment = s.Origin
		at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: keys[len(keys)-1]}, value)
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("show the configuration: %w", err)
	}
	return out.Bytes(), nil
}

// keys splits a path; names of things may have dots.
func (l *Loaded) keys(path string) []string {
	keys, ok := resolve(reflect.ValueOf(l.Config), path, ".", func(s string) string { return s })
	if !ok {
		return strings.Split(path, ".")
	}
	return keys
}

// group is the mapping below key in n, made when it is not there.
func group(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	below := &yaml.Node{Kind: yaml.MappingNode}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, below)
	return below
}
