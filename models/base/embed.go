package base

import (
	_ "embed" // for the default base and its twin
	"slices"
	"strings"

	"github.com/edge-adapt/edge/internal/digest"
)

// embedded is the default base: MobileNetV2 of width 0.35 at 128x128 pixels with
// global average pooling, trained by the recipe beside it.
//
//go:embed mobilenet_v2_0.35_128.tflite
var embedded []byte

// embeddedInt8 is its twin of eight-bit integers, made by recipe/embed.
//
//go:embed mobilenet_v2_0.35_128_int8.tflite
var embeddedInt8 []byte

// embeddedSum and embeddedInt8Sum are what sha256sum prints for the files above. A
// test compares them.
var (
	//go:embed mobilenet_v2_0.35_128.sha256
	embeddedSum string
	//go:embed mobilenet_v2_0.35_128_int8.sha256
	embeddedInt8Sum string
)

const (
	embeddedName     = "mobilenet_v2_0.35_128"
	embeddedInt8Name = embeddedName + "_int8"
)

// builtIn is a base that comes with the program.
type builtIn struct {
	name  string
	words []string // what may be said for the name
	data  []byte
	sum   string
}

// builtIns returns all of them, the default first.
func builtIns() []builtIn {
	return []builtIn{
		{embeddedName, []string{"", "default"}, embedded, embeddedSum},
		{embeddedInt8Name, []string{"int8"}, embeddedInt8, embeddedInt8Sum},
	}
}

// builtInNamed returns the base that ref names, if it is one of them.
func builtInNamed(ref string) (builtIn, bool) {
	for _, b := range builtIns() {
		if ref == b.name || slices.Contains(b.words, ref) {
			return b, true
		}
	}
	return builtIn{}, false
}

// digest is what the file beside the base says, so that nothing is computed.
func (b builtIn) digest() digest.Digest {
	hex, _, _ := strings.Cut(b.sum, " ")
	return digest.Digest("sha256:" + hex)
}

// Default returns the name of the base that is used where none is named.
func Default() string { return embeddedName }

// Embedded returns the names of the bases that are built into the program, the
// default first. The second is its int8 twin, which "int8" names too.
func Embedded() []string {
	var names []string
	for _, b := range builtIns() {
		names = append(names, b.name)
	}
	return names
}

// IsEmbedded reports whether d is the digest of a base that is built into the
// program.
func IsEmbedded(d digest.Digest) bool {
	return slices.ContainsFunc(builtIns(), func(b builtIn) bool { return b.digest() == d })
}
