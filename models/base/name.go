package base

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/hint"
)

const (
	maxNameBytes = 64
	nameBytes    = "abcdefghijklmnopqrstuvwxyz0123456789._-"
)

// fileEndings are those of model files. A name that has one would be taken for a path.
var fileEndings = []string{".tflite", ".h5", ".keras"}

// CheckName reports whether name can name a base of a library: 1 to 64 of a-z
// 0-9 . _ -, the first a letter or a digit. The name becomes a folder, and must
// not be one that means another base already, or look like a model file.
func CheckName(name string) error {
	foreign := func(r rune) bool { return !strings.ContainsRune(nameBytes, r) }
	switch {
	case name == "" || len(name) > maxNameBytes || strings.ContainsFunc(name, foreign) || strings.ContainsRune("._-", rune(name[0])):
		return hint.Wrap(fmt.Errorf("%q cannot name a base", name),
			"use 1 to 64 of a-z 0-9 . _ - that start with a letter or a digit, for example mobilenet-garden")
	case isReserved(name):
		return hint.Wrap(fmt.Errorf("%q cannot name a base: it means one already", name), "choose another with --name NAME")
	case slices.ContainsFunc(fileEndings, func(e string) bool { return strings.HasSuffix(name, e) }):
		return hint.Wrap(fmt.Errorf("%q cannot name a base: it looks like a file", name), "leave the ending out")
	}
	return nil
}

// isReserved reports whether name is understood wherever a base may be named.
func isReserved(name string) bool {
	return name == "default" || name == "current" || name == "int8" || strings.HasPrefix(name, embeddedName)
}

// NameFor makes a base's name of a file's: without folders and ending, in lower
// case, with _ for what a name cannot hold. It is "base" if nothing is left.
func NameFor(path string) string {
	name := strings.ToLower(filepath.Base(path))
	for _, ending := range append([]string{".weights.h5"}, fileEndings...) {
		if s, ok := strings.CutSuffix(name, ending); ok {
			name = s
			break
		}
	}
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(nameBytes, r) {
			return r
		}
		return '_'
	}, name)
	name = strings.TrimLeft(name, "._-")
	name = strings.TrimRight(name[:min(len(name), maxNameBytes)], "._-")
	if CheckName(name) != nil {
		name = strings.TrimRight("base-"+name, "-")
		name = name[:min(len(name), maxNameBytes)]
	}
	if CheckName(name) != nil {
		return "base"
	}
	return name
}
