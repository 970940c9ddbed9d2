package augment

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"testing"
)

// TestContactSheet draws 8 x 8 variants of a photo into the PNG file named by
// EDGE_CONTACT_SHEET, to be looked at. The first of them is the identity, the
// last row is blended with another photo.
func TestContactSheet(t *testing.T) {
	path := os.Getenv("EDGE_CONTACT_SHEET")
	if path == "" {
		t.Skip("EDGE_CONTACT_SHEET names no file to draw into")
	}
	const side, n = 128, 8
	p := bytes(side, side)
	canvas, other := painted(t, photo(t, "valve_open"), p), painted(t, photo(t, "lamp_red"), p)
	c := Config{Flip: true, Crop: 0.5, Rotate: 10, Light: 0.3, Erase: 0.1, Mix: 1}
	sheet := image.NewRGBA(image.Rect(0, 0, n*side, n*side))
	for k := range n * n {
		d := c.Draw(1, 1, uint64(k))
		if k == 0 {
			d = Identity
		}
		values := applied(t, d, canvas, p)
		if k >= n*(n-1) {
			Mix(values, values, applied(t, c.Draw(1, 1, uint64(k+1)), other, p), d.Lambda)
		}
		for i := range side * side {
			v := values[i*3:]
			sheet.SetRGBA(k%n*side+i%side, k/n*side+i/side, color.RGBA{uint8(v[0] + 0.5), uint8(v[1] + 0.5), uint8(v[2] + 0.5), 255})
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, sheet); err != nil {
		t.Fatal(err)
	}
}
