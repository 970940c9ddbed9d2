// Package pixel turns the bytes of a picture file into upright RGB, and upright
// RGB into the numbers a base reads.
//
// Everything here works on one picture at a time, keeps no reference to what it
// was given, and may be called from any number of goroutines.
package pixel

// RGB is a decoded, upright picture: 8 bits a channel, sRGB as stored in the
// file (colour profiles are not applied), row by row from the top, 3 bytes a
// pixel in the order red, green, blue, no padding.
// len(Pix) is Width*Height*3.
type RGB struct {
	Width, Height int
	Pix           []byte
}

// Resize sets the picture's size and makes room for it. Memory that is large
// enough is kept, and so is what it holds.
func (p *RGB) Resize(width, height int) {
	n := width * height * 3
	if cap(p.Pix) < n {
		p.Pix = make([]byte, n)
	}
	p.Width, p.Height, p.Pix = width, height, p.Pix[:n]
}

// NewRGB returns a black picture.
func NewRGB(width, height int) *RGB {
	return &RGB{Width: width, Height: height, Pix: make([]byte, width*height*3)}
}
