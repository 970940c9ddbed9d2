package pixel

import "github.com/edge-adapt/edge/camera/pixel/internal/turbo"

// oversample is how many pixels of a picture that was decoded at a reduced scale
// fall on each of the base's, at least, along both sides. Measured on ./samples:
// with two, the numbers lie twice as far from the whole picture's; with four, no
// nearer to speak of. With this one, 12 megapixels (3,000 rows) come at an eighth
// for a base of 128 pixels.
const oversample = 2.75

// Read writes the picture in data into dst, as Decode and Apply do one after the
// other, with their errors.
//
// Where the rule is Bilinear and libjpeg-turbo decodes, a JPEG whose sides are at
// least 5.5, 11 or 22 times the base's is decoded at a half, a quarter or an
// eighth straight away, which saves most of its inverse transforms, and nearly all
// of its memory. The numbers then differ from Apply's on the whole picture, in
// photographs by less than 0.6 of 255 on average (1.5 in the worst of them), and
// in single values, at hard edges, by up to 20. BilinearAliased picks single pixels,
// which are not to be had that way.
//
// Read keeps no reference to dst or data, and may be called concurrently. It
// allocates nothing for a JPEG without EXIF that libjpeg-turbo decodes, once it
// has warmed up to the size.
func (p Preprocessing) Read(dst []float32, data []byte, lim Limits) error {
	return p.read(jpegLibrary(), dst, data, lim)
}

func (p Preprocessing) read(library *turbo.Library, dst []float32, data []byte, lim Limits) error {
	if err := p.Validate(); err != nil {
		return err
	}
	img := rgbPool.Get().(*RGB)
	defer rgbPool.Put(img)
	part, err := decode(library, img, data, lim, p)
	if err != nil {
		return err
	}
	return p.apply(dst, img, part)
}

// denominator returns the smallest scale, as 1/n, that leaves enough pixels for
// the base.
func (p Preprocessing) denominator(h turbo.Header, turn int) int {
	if p.Resize != Bilinear {
		return 1
	}
	width, height := h.Width, h.Height
	if turn >= 5 {
		width, height = height, width
	}
	best := 1
	for _, d := range turbo.Denominators {
		if float64(width) >= oversample*float64(d*p.Width) && float64(height) >= oversample*float64(d*p.Height) {
			best = d
		}
	}
	return best
}

// reduced returns which part of a picture decoded at 1/d is the picture. Sides
// are rounded up, and the last pixel of a row that does not divide is only partly
// of the picture; turned, it may be the first.
func reduced(h turbo.Header, turn, d int) extent {
	width, height := span{length: float64(h.Width) / float64(d)}, span{length: float64(h.Height) / float64(d)}
	spareX, spareY := float64(turbo.Scaled(h.Width, d))-width.length, float64(turbo.Scaled(h.Height, d))-height.length
	if turn >= 5 {
		width, height, spareX, spareY = height, width, spareY, spareX
	}
	switch turn {
	case 2, 3, 6, 7:
		width.start = spareX
	}
	switch turn {
	case 3, 4, 7, 8:
		height.start = spareY
	}
	return extent{width, height}
}
