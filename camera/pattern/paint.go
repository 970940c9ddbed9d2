package pattern

import (
	"encoding/binary"

	"github.com/edge-adapt/edge/camera"
)

// palette is what bars and plain pictures are made of.
var palette = [...][3]byte{
	{235, 235, 235}, {235, 215, 30}, {40, 200, 215}, {45, 190, 60},
	{200, 50, 190}, {215, 45, 40}, {45, 65, 210}, {30, 30, 30},
}

// bars paints upright bars.
type bars struct {
	width, height int
	moving        bool
	row           []byte // two pictures wide, so that any part of a period is one piece
}

func newBars(width, height int, moving bool) *bars {
	b := &bars{width: width, height: height, moving: moving, row: make([]byte, 2*width*3)}
	for x := range 2 * width {
		copy(b.row[3*x:], palette[x%width*len(palette)/width][:])
	}
	return b
}

func (b *bars) paint(f *camera.Frame, number uint64) error {
	f.Resize(b.width, b.height)
	from := b.row
	if b.moving {
		// A hundredth of the width a frame, so that the bars pass in a few seconds.
		step := uint64(max(1, b.width/100))
		from = from[number*step%uint64(b.width)*3:]
	}
	stride := b.width * 3
	for y := range b.height {
		copy(f.Image.Pix[y*stride:], from[:stride])
	}
	if b.moving {
		drawNumber(&f.Image, number)
	}
	return nil
}

// noise paints dots.
type noise struct{ width, height int }

func (n *noise) paint(f *camera.Frame, number uint64) error {
	f.Resize(n.width, n.height)
	// SplitMix64 (Steele, Lea, Flood, 2014), started from the number.
	state := number * 0xd1342543de82ef95
	next := func() uint64 {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	pix := f.Image.Pix
	for ; len(pix) >= 8; pix = pix[8:] {
		binary.LittleEndian.PutUint64(pix, next())
	}
	last := next()
	for i := range pix {
		pix[i] = byte(last >> (8 * i))
	}
	drawNumber(&f.Image, number)
	return nil
}

// colours paints plain pictures.
type colours struct {
	width, height int
	hold          uint64
}

func (c *colours) paint(f *camera.Frame, number uint64) error {
	f.Resize(c.width, c.height)
	colour := palette[(number-1)/c.hold%uint64(len(palette))]
	row := f.Image.Pix[:c.width*3]
	for x := range c.width {
		copy(row[3*x:], colour[:])
	}
	for y := 1; y < c.height; y++ {
		copy(f.Image.Pix[y*len(row):], row)
	}
	drawNumber(&f.Image, number)
	return nil
}
