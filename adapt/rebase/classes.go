package rebase

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// classes says how the device's classes and the release's become one head's.
type classes struct {
	labels    []string // of the new head, sorted by their bytes
	server    []string // what the new head calls each of the release's classes, if it knows it
	conflicts []Conflict
}

// mergeClasses unites the classes that a device has samples of, and those that
// its head in use knows besides, with those of a release. A class of the release
// that is one of the device's in another spelling becomes that one, unless the
// device itself tells such spellings apart or the release has the device's
// spelling, too. has says which classes of the release come with anything to
// learn them from: the others are in labels only if the device has samples.
func mergeClasses(local, used, server []string, has func(int) bool) classes {
	c := classes{server: make([]string, len(server))}
	device := slices.Clone(local)
	for _, label := range used {
		if place(local, label) < 0 {
			device = append(device, label)
		}
	}
	taken := map[string]bool{}
	for _, label := range server {
		taken[label] = true
	}
	c.labels = slices.Clone(local)
	for i, label := range server {
		c.server[i] = label
		if at := place(device, label); at >= 0 && device[at] != label {
			apart := taken[device[at]]
			c.conflicts = append(c.conflicts, Conflict{Kind: Spelling, Server: label, Device: device[at], Apart: apart})
			if !apart {
				c.server[i] = device[at]
				taken[device[at]] = true
			}
		}
		if has(i) {
			c.labels = append(c.labels, c.server[i])
		}
	}
	slices.Sort(c.labels)
	c.labels = slices.Compact(c.labels)
	return c
}

// place returns where label is in labels, written the same way or, if that is
// not there and only one of them could be meant, in another spelling; -1 if it
// is not.
func place(labels []string, label string) int {
	if at := slices.Index(labels, label); at >= 0 {
		return at
	}
	found := -1
	for at, other := range labels {
		if spelling(other) == spelling(label) {
			if found >= 0 {
				return -1
			}
			found = at
		}
	}
	return found
}

// spelling is what ways to write a name have in common: letters and digits, in
// lower case, in Unicode's compatible form. A name without any is itself.
func spelling(name string) string {
	s := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(name))
	if s == "" {
		return name
	}
	return s
}
