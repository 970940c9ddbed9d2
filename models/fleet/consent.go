package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Consent is what a device's owner lets go beyond versions, numbers and reasons.
// The zero value is none of it.
type Consent struct {
	// LabelNames lets the names of classes go.
	LabelNames bool
}

// under returns the report as far as consent goes. It shares only what it does not
// change.
func (r Report) under(consent Consent) Report {
	r.Tasks = slices.Clone(r.Tasks)
	if consent.LabelNames {
		return r
	}
	// A reason of the whole device may name the classes of any task.
	var names []string
	for _, t := range r.Tasks {
		names = append(names, t.Labels...)
	}
	everywhere := newVeil(names)
	r.Stuck, r.Health.Problem = everywhere.over(r.Stuck), everywhere.over(r.Health.Problem)
	for i := range r.Tasks {
		t := &r.Tasks[i]
		veil := newVeil(t.Labels)
		t.Classes = max(t.Classes, len(t.Labels))
		t.Labels = nil
		t.Stuck = veil.over(t.Stuck)
		t.Refused, t.Rollbacks = slices.Clone(t.Refused), slices.Clone(t.Rollbacks)
		for j := range t.Refused {
			t.Refused[j].Reason = veil.over(t.Refused[j].Reason)
		}
		for j := range t.Rollbacks {
			t.Rollbacks[j].Reason = veil.over(t.Rollbacks[j].Reason)
		}
	}
	return r
}

// veil replaces names of classes by their places.
type veil []hidden

type hidden struct{ name, by string }

func newVeil(names []string) veil {
	var v veil
	for i, name := range names {
		if name != "" {
			v = append(v, hidden{name, fmt.Sprintf("class %d", i+1)})
		}
	}
	// The longest first, or "cat" would hide half of "cat food".
	slices.SortStableFunc(v, func(a, b hidden) int { return cmp.Compare(len(b.name), len(a.name)) })
	return v
}

// over returns text with every name that stands in it as a word replaced.
func (v veil) over(text string) string {
	var b strings.Builder
	for at := 0; at < len(text); {
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		i := -1
		if at == 0 || !inWord(before) {
			i = slices.IndexFunc(v, func(h hidden) bool {
				if !strings.HasPrefix(text[at:], h.name) {
					return false
				}
				after, size := utf8.DecodeRuneInString(text[at+len(h.name):])
				return size == 0 || !inWord(after)
			})
		}
		if i >= 0 {
			b.WriteString(v[i].by)
			at += len(v[i].name)
			continue
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		b.WriteString(text[at : at+size])
		at += size
	}
	return b.String()
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
