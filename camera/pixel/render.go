package pixel

import (
	"fmt"
	"image"
)

// rower writes row y of a decoded picture as RGB into dst, which is as wide as
// the picture.
type rower func(dst []byte, y int)

// render writes a decoder's picture into dst as upright RGB. convert is for
// YCbCr values, orientation the EXIF value, 1 to 8.
func render(dst *RGB, img image.Image, convert converter, orientation int) error {
	size := img.Bounds().Size()
	if size.X <= 0 || size.Y <= 0 {
		return refuse(ErrCorrupt, "corrupt: a picture without pixels")
	}
	row, err := rowsOf(img, convert)
	if err != nil {
		return err
	}
	newTurn(dst, size.X, size.Y, orientation).run(row)
	return nil
}

// rowsOf returns the rower for the picture types that the decoders give.
func rowsOf(img image.Image, convert converter) (rower, error) {
	width := img.Bounds().Dx()
	switch p := img.(type) {
	case *image.YCbCr:
		return yCbCrRows(p, convert), nil
	case *image.NYCbCrA:
		colour := yCbCrRows(&p.YCbCr, convert)
		return func(dst []byte, y int) {
			colour(dst, y)
			alpha := p.A[y*p.AStride:][:width]
			for x, a := range alpha {
				d := dst[3*x:][:3]
				d[0], d[1], d[2] = overWhite(d[0], a), overWhite(d[1], a), overWhite(d[2], a)
			}
		}, nil
	case *image.Gray:
		return func(dst []byte, y int) {
			for x, v := range p.Pix[y*p.Stride:][:width] {
				d := dst[3*x:][:3]
				d[0], d[1], d[2] = v, v, v
			}
		}, nil
	case *image.Gray16:
		return func(dst []byte, y int) {
			src := p.Pix[y*p.Stride:][:2*width]
			for x := range width {
				v := byte8(src[2*x], src[2*x+1])
				d := dst[3*x:][:3]
				d[0], d[1], d[2] = v, v, v
			}
		}, nil
	case *image.RGBA: // PNG and JPEG decoders give it for opaque pictures only
		return func(dst []byte, y int) {
			src := p.Pix[y*p.Stride:][:4*width]
			for x := range width {
				s, d := src[4*x:][:4], dst[3*x:][:3]
				d[0], d[1], d[2] = s[0], s[1], s[2]
			}
		}, nil
	case *image.RGBA64: // opaque as well
		return func(dst []byte, y int) {
			src := p.Pix[y*p.Stride:][:8*width]
			for x := range width {
				s, d := src[8*x:][:8], dst[3*x:][:3]
				d[0], d[1], d[2] = byte8(s[0], s[1]), byte8(s[2], s[3]), byte8(s[4], s[5])
			}
		}, nil
	case *image.NRGBA:
		return func(dst []byte, y int) {
			src := p.Pix[y*p.Stride:][:4*width]
			for x := range width {
				s, d := src[4*x:][:4], dst[3*x:][:3]
				d[0], d[1], d[2] = overWhite(s[0], s[3]), overWhite(s[1], s[3]), overWhite(s[2], s[3])
			}
		}, nil
	case *image.NRGBA64:
		return func(dst []byte, y int) {
			src := p.Pix[y*p.Stride:][:8*width]
			for x := range width {
				s, d := src[8*x:][:8], dst[3*x:][:3]
				for c := range 3 {
					d[c] = overWhite16(s[2*c], s[2*c+1], s[6], s[7])
				}
			}
		}, nil
	case *image.Paletted:
		palette := paletteRGB(p)
		return func(dst []byte, y int) {
			for x, i := range p.Pix[y*p.Stride:][:width] {
				copy(dst[3*x:][:3], palette[i][:])
			}
		}, nil
	case *image.CMYK:
		return func(dst []byte, y int) {
			src := p.Pix[y*p.Stride:][:4*width]
			for x := range width {
				s, d := src[4*x:][:4], dst[3*x:][:3]
				k := 255 - uint32(s[3])
				for c := range 3 {
					d[c] = byte(((255-uint32(s[c]))*k + 127) / 255)
				}
			}
		}, nil
	}
	return nil, refuse(ErrFormat, "a picture of a kind that is not read (%s)", fmt.Sprintf("%T", img))
}

// paletteRGB returns the palette's colours over white. Indices beyond the
// palette, which a damaged file may hold, are black.
func paletteRGB(p *image.Paletted) (rgb [256][3]byte) {
	for i, c := range p.Palette {
		if i == len(rgb) {
			break
		}
		r, g, b, a := c.RGBA() // premultiplied, 0 to 65535
		white := 65535 - a
		for j, v := range [3]uint32{r, g, b} {
			rgb[i][j] = byte(((v+white)*255 + 32767) / 65535)
		}
	}
	return rgb
}

// byte8 scales a big-endian 16-bit value to 8 bits: 65535 becomes 255, rounded
// to nearest.
func byte8(high, low byte) byte {
	return byte(((uint32(high)<<8|uint32(low))*255 + 32767) / 65535)
}

// overWhite lays a value of opacity a, 0 to 255, over white.
func overWhite(v, a byte) byte {
	return byte((uint32(v)*uint32(a) + 255*(255-uint32(a)) + 127) / 255)
}

// overWhite16 does the same with big-endian 16-bit value and opacity.
func overWhite16(vHigh, vLow, aHigh, aLow byte) byte {
	v, a := uint64(vHigh)<<8|uint64(vLow), uint64(aHigh)<<8|uint64(aLow)
	const one = 65535
	return byte(((v*a+one*(one-a))*255 + one*one/2) / (one * one))
}
