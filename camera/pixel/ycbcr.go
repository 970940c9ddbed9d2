package pixel

import "image"

// converter turns one row of Y, Cb, Cr, each as long as the picture is wide,
// into RGB.
type converter func(dst, ys, cbs, crs []byte)

// jfif converts BT.601 in full range, as JPEG has it (JFIF 1.02, page 3):
//
//	R = Y + 1.402*(Cr-128)
//	G = Y - 0.344136*(Cb-128) - 0.714136*(Cr-128)
//	B = Y + 1.772*(Cb-128)
//
// in units of 1/65536, rounded. The factors stand in the loop because that is a
// quarter faster than reading them.
func jfif(dst, ys, cbs, crs []byte) {
	cbs, crs, dst = cbs[:len(ys)], crs[:len(ys)], dst[:3*len(ys)]
	for i, y := range ys {
		base := int32(y)<<16 + 32768
		cb, cr := int32(cbs[i])-128, int32(crs[i])-128
		d := dst[3*i:][:3]
		d[0] = clamp(base + 91881*cr)
		d[1] = clamp(base - 22554*cb - 46802*cr)
		d[2] = clamp(base + 116130*cb)
	}
}

// studio converts BT.601 with Y in 16 to 235 and Cb, Cr in 16 to 240, as lossy
// WebP has it (RFC 6386 section 9.2). The Go decoder leaves this to its caller;
// taken for JFIF, the colours come out washed out. The formula is jfif's with Y
// less 16, every factor for Y times 255/219 and for Cb, Cr times 255/224.
func studio(dst, ys, cbs, crs []byte) {
	cbs, crs, dst = cbs[:len(ys)], crs[:len(ys)], dst[:3*len(ys)]
	for i, y := range ys {
		base := (int32(y)-16)*76309 + 32768
		cb, cr := int32(cbs[i])-128, int32(crs[i])-128
		d := dst[3*i:][:3]
		d[0] = clamp(base + 104597*cr)
		d[1] = clamp(base - 25675*cb - 53279*cr)
		d[2] = clamp(base + 132201*cb)
	}
}

// clamp returns v/65536 kept within 0 to 255.
func clamp(v int32) byte {
	if uint32(v) < 1<<24 {
		return byte(v >> 16)
	}
	if v < 0 {
		return 0
	}
	return 255
}

// yCbCrRows returns the rower of p. Chroma of lower resolution is interpolated:
// a sample counts three quarters where it is nearest and one quarter next to
// that, in either direction. That is what libjpeg and libwebp do by default, so
// the pictures agree with other programs' to a rounding. Ratios of four, which
// are rare, are repeated.
func yCbCrRows(p *image.YCbCr, convert converter) rower {
	width, height := p.Rect.Dx(), p.Rect.Dy()
	across, down := 1, 1
	switch p.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	case image.YCbCrSubsampleRatio411:
		across = 4
	case image.YCbCrSubsampleRatio410:
		across, down = 4, 2
	}
	if across == 1 && down == 1 {
		return func(dst []byte, y int) {
			convert(dst, p.Y[y*p.YStride:][:width], p.Cb[y*p.CStride:], p.Cr[y*p.CStride:])
		}
	}
	n, rows := (width+across-1)/across, (height+down-1)/down
	sums := make([]uint16, n)
	cb, cr := make([]byte, n*across), make([]byte, n*across)
	return func(dst []byte, y int) {
		near, far := y, y
		if down == 2 {
			near = y / 2
			far = min(max(near-1+2*(y&1), 0), rows-1)
		}
		for _, plane := range [2]struct{ src, dst []byte }{{p.Cb, cb}, {p.Cr, cr}} {
			a, b := plane.src[near*p.CStride:][:n], plane.src[far*p.CStride:][:n]
			for i, v := range a {
				sums[i] = 3*uint16(v) + uint16(b[i])
			}
			widen(plane.dst, sums, across)
		}
		convert(dst, p.Y[y*p.YStride:][:width], cb, cr)
	}
}

// widen writes a chroma row at full width. sums are four times the values.
// dst is across times as long as sums.
func widen(dst []byte, sums []uint16, across int) {
	last := len(sums) - 1
	if across != 2 || last == 0 {
		for i, s := range sums {
			v := byte((s + 2) >> 2)
			for k := range across {
				dst[i*across+k] = v
			}
		}
		return
	}
	dst[0] = byte((sums[0] + 2) >> 2)
	// The two rounding terms alternate, so that no row drifts up or down.
	s := sums[0]
	for i, next := range sums[1:] {
		d := dst[2*i+1:][:2]
		d[0] = byte((3*s + next + 7) >> 4)
		d[1] = byte((3*next + s + 8) >> 4)
		s = next
	}
	dst[2*last+1] = byte((sums[last] + 2) >> 2)
}
