package camera

import (
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
)

// Frame is one picture from a source. Whoever holds a Frame owns it: a source
// fills it in Read and keeps no reference.
type Frame struct {
	// Image is upright RGB. A source reuses Pix if its capacity is large enough.
	Image pixel.RGB
	// Number counts what the source has delivered since it was opened, from 1.
	Number uint64
	// Captured is when the last byte of the picture had arrived, with the
	// monotonic clock: what latencies are measured from.
	Captured time.Time
	// Name is the file that the picture came from, relative to the source's
	// folder; "" for a stream.
	Name string
}

// Resize makes room for a picture of width x height and sets its size.
func (f *Frame) Resize(width, height int) { f.Image.Resize(width, height) }
