package base

import (
	_ "embed" // for the default base
	"strings"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
)

// embedded is the default base: MobileNetV2 of width 0.35 at 128x128 pixels with
// global average pooling, trained by the recipe beside it.
//
//go:embed mobilenet_v2_0.35_128.tflite
var embedded []byte

// embeddedSum is what sha256sum prints for the file above. A test compares the two.
//
//go:embed mobilenet_v2_0.35_128.sha256
var embeddedSum string

const embeddedName = "mobilenet_v2_0.35_128"

// Default returns the name of the base that is built into the program.
func Default() string { return embeddedName }

// IsEmbedded reports whether d is the digest of the base that is built into the
// program.
func IsEmbedded(d digest.Digest) bool { return d.Hex() == pinned() }

// pinned returns the 64 hexadecimal digits of embeddedSum.
func pinned() string {
	digits, _, _ := strings.Cut(embeddedSum, " ")
	return digits
}

// embeddedPreprocessing is how the recipe fed its pictures: x/127.5 - 1.
func embeddedPreprocessing() pixel.Preprocessing {
	return pixel.Preprocessing{
		Width: 128, Height: 128, Colour: "rgb", Resize: pixel.Bilinear,
		Scale: 1 / 127.5, Offset: -1,
	}
}
