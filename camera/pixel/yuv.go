package pixel

// Matrix says what Y, Cb and Cr mean.
type Matrix int

const (
	// BT601 has Y in 16 to 235 and Cb, Cr in 16 to 240: what cameras send
	// uncompressed unless they say otherwise.
	BT601 Matrix = iota
	// JFIF is BT.601 with all values in 0 to 255, as in JPEG files.
	JFIF
	// BT709 has the ranges of BT601: video of 720 rows and more.
	BT709
)

func (m Matrix) converter() converter {
	switch m {
	case JFIF:
		return jfif
	case BT709:
		return studio709
	}
	return studio
}

// studio709 is studio with the factors of ITU-R BT.709-6, items 3.2 and 3.3:
// R = Y + 1.5748*Cr, G = Y - 0.187324*Cb - 0.468124*Cr, B = Y + 1.8556*Cb.
func studio709(dst, ys, cbs, crs []byte) {
	cbs, crs, dst = cbs[:len(ys)], crs[:len(ys)], dst[:3*len(ys)]
	for i, y := range ys {
		base := (int32(y)-16)*76309 + 32768
		cb, cr := int32(cbs[i])-128, int32(crs[i])-128
		d := dst[3*i:][:3]
		d[0] = clamp(base + 117489*cr)
		d[1] = clamp(base - 13975*cb - 34925*cr)
		d[2] = clamp(base + 138438*cb)
	}
}

// YUV turns frames as cameras send them uncompressed into RGB. Chroma of lower
// resolution is interpolated, as Decode does it.
//
// The methods take a frame of width x height pixels in src, whose rows (of the
// first plane) begin stride bytes apart; 0 means that nothing is between them.
// Fewer bytes than such a frame has are ErrTruncated, more are ignored; a size
// that makes no sense is ErrCorrupt, and dst is as it was. They size dst, write
// every pixel of it, and allocate only when a frame is larger than all before.
// One YUV is used by one goroutine at a time.
type YUV struct {
	Matrix Matrix

	y, cb, cr      []byte   // one row each: brightness; chroma at full width
	cbSums, crSums []uint16 // one chroma row as stored, times four
	convert        converter
}

// YUYV takes Y0 Cb Y1 Cr for every two pixels of a row ("YUYV", "YUY2").
func (c *YUV) YUYV(dst *RGB, src []byte, width, height, stride int) error {
	return c.packed(dst, src, width, height, stride, 0)
}

// UYVY takes Cb Y0 Cr Y1 for every two pixels of a row.
func (c *YUV) UYVY(dst *RGB, src []byte, width, height, stride int) error {
	return c.packed(dst, src, width, height, stride, 1)
}

// packed has Y at bytes luma and luma+2 of four, Cb and Cr between.
func (c *YUV) packed(dst *RGB, src []byte, width, height, stride, luma int) error {
	half := (max(width, 0) + 1) / 2
	stride, err := checkFrame(src, width, height, stride, 4*half, 0)
	if err != nil {
		return err
	}
	c.prepare(width)
	dst.Resize(width, height)
	for row := range height {
		from := src[row*stride:][:4*half]
		for i := range half {
			s := from[4*i:][:4]
			c.y[2*i], c.y[2*i+1] = s[luma], s[luma+2]
			c.cbSums[i], c.crSums[i] = 4*uint16(s[1-luma]), 4*uint16(s[3-luma])
		}
		c.row(dst, row, c.y[:width])
	}
	return nil
}

// I420 takes all Y, then all Cb, then all Cr; a chroma sample belongs to two by
// two pixels, and chroma rows are half a stride apart ("YU12", "yuv420p").
func (c *YUV) I420(dst *RGB, src []byte, width, height, stride int) error {
	half, rows := (max(width, 0)+1)/2, (max(height, 0)+1)/2
	if stride == 0 {
		stride = width
	}
	chroma := (stride + 1) / 2
	stride, err := checkFrame(src, width, height, stride, width, 2*chroma*rows)
	if err != nil {
		return err
	}
	cb := src[stride*height:]
	return c.planar(dst, src, width, height, stride, cb, cb[chroma*rows:], chroma, 1, half)
}

// NV12 takes all Y, then Cb and Cr in turn; a pair belongs to two by two pixels.
func (c *YUV) NV12(dst *RGB, src []byte, width, height, stride int) error {
	half, rows := (max(width, 0)+1)/2, (max(height, 0)+1)/2
	if stride == 0 {
		stride = width
	}
	chroma := max(stride, 2*half)
	stride, err := checkFrame(src, width, height, stride, width, chroma*rows)
	if err != nil {
		return err
	}
	cb := src[stride*height:]
	return c.planar(dst, src, width, height, stride, cb, cb[1:], chroma, 2, half)
}

// planar has chroma samples step bytes apart in rows that begin chroma bytes
// apart, n of them in a row.
func (c *YUV) planar(dst *RGB, src []byte, width, height, stride int, cb, cr []byte, chroma, step, n int) error {
	c.prepare(width)
	dst.Resize(width, height)
	last := (height+1)/2 - 1
	for row := range height {
		// Three quarters of the nearer chroma row, a quarter of the next.
		near := row / 2
		far := min(max(near-1+2*(row&1), 0), last)
		for i := range n {
			a, b := near*chroma+i*step, far*chroma+i*step
			c.cbSums[i] = 3*uint16(cb[a]) + uint16(cb[b])
			c.crSums[i] = 3*uint16(cr[a]) + uint16(cr[b])
		}
		c.row(dst, row, src[row*stride:][:width])
	}
	return nil
}

// Grey takes one byte of brightness a pixel, 0 to 255, whatever Matrix says.
func (c *YUV) Grey(dst *RGB, src []byte, width, height, stride int) error {
	stride, err := checkFrame(src, width, height, stride, width, 0)
	if err != nil {
		return err
	}
	dst.Resize(width, height)
	for row := range height {
		to := dst.Pix[row*width*3:][:width*3]
		for x, v := range src[row*stride:][:width] {
			d := to[3*x:][:3]
			d[0], d[1], d[2] = v, v, v
		}
	}
	return nil
}

// RGB takes red, green, blue for every pixel ("RGB3", "rgb24"), whatever Matrix
// says.
func (c *YUV) RGB(dst *RGB, src []byte, width, height, stride int) error {
	stride, err := checkFrame(src, width, height, stride, 3*max(width, 0), 0)
	if err != nil {
		return err
	}
	dst.Resize(width, height)
	for row := range height {
		copy(dst.Pix[row*width*3:][:width*3], src[row*stride:])
	}
	return nil
}

// prepare makes room for rows of width pixels.
func (c *YUV) prepare(width int) {
	half := (width + 1) / 2
	if cap(c.y) < 2*half {
		c.y, c.cb, c.cr = make([]byte, 2*half), make([]byte, 2*half), make([]byte, 2*half)
		c.cbSums, c.crSums = make([]uint16, half), make([]uint16, half)
	}
	c.y, c.cb, c.cr = c.y[:2*half], c.cb[:2*half], c.cr[:2*half]
	c.cbSums, c.crSums = c.cbSums[:half], c.crSums[:half]
	c.convert = c.Matrix.converter()
}

// row writes one row of dst from its brightness and the chroma in the sums.
func (c *YUV) row(dst *RGB, row int, ys []byte) {
	widen(c.cb, c.cbSums, 2)
	widen(c.cr, c.crSums, 2)
	c.convert(dst.Pix[row*dst.Width*3:][:dst.Width*3], ys, c.cb, c.cr)
}

// checkFrame refuses a frame whose rows of least bytes, stride apart, and more
// bytes behind them do not lie in src. It returns the stride, 0 replaced.
func checkFrame(src []byte, width, height, stride, least, more int) (int, error) {
	if stride == 0 {
		stride = least
	}
	const most = 1 << 16 // no camera has a longer side; products stay far from overflow
	if width <= 0 || height <= 0 || width > most || height > most || stride < least || stride > 16*most {
		return 0, refuse(ErrCorrupt, "corrupt: a frame of %dx%d pixels in rows of %d bytes", width, height, stride)
	}
	need := stride*height + more
	if more == 0 {
		need -= stride - least // the last row may go without its padding
	}
	if len(src) < need {
		return 0, refuse(ErrTruncated, "truncated: %d bytes of a frame of %d", len(src), need)
	}
	return stride, nil
}
