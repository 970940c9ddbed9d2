package config

import (
	"reflect"
	"slices"
	"strings"
)

// Setting is a key that is set outside the file.
type Setting struct {
	Key   string // such as tasks.front.source
	Value string
	From  string // for people: the flag's name
}

// prefix begins the names of all variables.
const prefix = "EDGE_"

// Variable is the name of the variable that sets key.
func Variable(key string) string { return prefix + spell(key) }

// spell is how variables are spelt: upper case, everything else an underscore.
func spell(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, key)
}

// over puts settings over a Config one by one.
type over struct {
	config   *Config
	origins  map[string]string
	problems Problems
	warnings []string
}

// set sets the leaf at keys. The first task that is named where the file named
// none replaces the default one, as in a file; but a name that says the default
// task again only changes it.
func (o *over) set(keys []string, text, from string, secret bool) {
	path := strings.Join(keys, ".")
	if keys[0] == "tasks" {
		o.dropDefault(keys[1])
	}
	found, err := edit(reflect.ValueOf(o.config).Elem(), keys, func(leaf reflect.Value) error {
		if leaf.Type() == reflect.TypeFor[Secret]() && !secret {
			o.problems = append(o.problems, Problem{path, from, "a secret on the command line can be seen by everyone; use " + path + "_file or the variable " + Variable(path)})
			return nil
		}
		return setLeaf(leaf, text)
	})
	switch {
	case !found:
		o.problems = append(o.problems, Problem{"", from, unknownPath(path)})
	case err != nil:
		o.problems = append(o.problems, Problem{path, from, err.Error()})
	default:
		o.origins[path] = from
	}
}

// dropDefault removes the default task, which nobody asked for, when another one
// is named.
func (o *over) dropDefault(name string) {
	if _, ok := o.config.Tasks[name]; ok {
		return
	}
	for path := range o.origins {
		if strings.HasPrefix(path, "tasks.") {
			return // somebody named the tasks there are
		}
	}
	o.config.Tasks = map[string]Task{}
}

// name makes sure that there are tasks of these names.
func (o *over) name(tasks []string) {
	for _, name := range tasks {
		if _, ok := o.origins["tasks."+name]; ok {
			continue
		}
		o.dropDefault(name)
		if _, ok := o.config.Tasks[name]; !ok {
			o.config.Tasks[name] = DefaultTask()
		}
		o.origins["tasks."+name] = "--task"
	}
}

// environment puts the variables of environ, as os.Environ has them, over the
// configuration. What begins with EDGE_ and is no setting belongs to somebody
// else, so it is only warned of, and only where it looks like a slip.
func (o *over) environment(environ []string) {
	environ = slices.Sorted(slices.Values(environ)) // the same errors every time
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || slices.Contains(reserved, name) {
			continue
		}
		if keys, ok := resolve(reflect.ValueOf(*o.config), rest, "_", spell); ok {
			o.set(keys, text, name, true)
			continue
		}
		o.suspect(name, rest)
	}
}

// reserved are variables of edge that are no settings.
var reserved = []string{"EDGE_CONFIG"}

// suspect warns of a variable that is nearly a setting.
func (o *over) suspect(name, rest string) {
	var known []string
	for _, p := range leavesBelow(reflect.TypeFor[Config]()) {
		if !strings.Contains(p, "*") {
			known = append(known, spell(p))
		}
	}
	for _, p := range slices.Concat(leavesBelow(reflect.TypeFor[Task]()), leavesBelow(reflect.TypeFor[Webhook]())) {
		for _, group := range []string{"TASKS_", "EVENTS_WEBHOOKS_"} {
			if strings.HasPrefix(rest, group) {
				o.warnings = append(o.warnings, "variable "+name+" is no setting: want for example "+prefix+group+"NAME_"+spell(p))
				return
			}
		}
	}
	if near := nearest(rest, known); near != "" {
		o.warnings = append(o.warnings, "variable "+name+" is no setting; did you mean "+prefix+near+"?")
	}
}

// settings puts flags over the configuration, in order.
func (o *over) settings(list []Setting) {
	same := func(s string) string { return s }
	for _, s := range list {
		keys, ok := resolve(reflect.ValueOf(*o.config), s.Key, ".", same)
		if !ok {
			o.problems = append(o.problems, Problem{"", s.From, unknownPath(s.Key)})
			continue
		}
		o.set(keys, s.Value, s.From, false)
	}
}

// unknownPath is the reason why there is no setting of this path.
func unknownPath(path string) string {
	var known []string
	for _, p := range leavesBelow(reflect.TypeFor[Config]()) {
		known = append(known, strings.ReplaceAll(p, "*", "NAME"))
	}
	if len(path) > 100 {
		path = path[:100]
	}
	reason := "there is no key " + quote(path)
	if near := nearest(path, known); near != "" {
		return reason + "; did you mean " + near + "?"
	}
	last := path[strings.LastIndex(path, ".")+1:]
	for _, p := range known {
		if p[strings.LastIndex(p, ".")+1:] == last {
			return reason + "; did you mean " + p + "?"
		}
	}
	return reason
}
