package pixel

// Limits bounds what a single picture may cost. Both are checked against the
// file's header before anything is allocated for its pixels.
type Limits struct {
	// Bytes is the longest file that is looked at. Zero means 64 MiB.
	Bytes int64
	// Pixels is the largest width times height, of the canvas and of every
	// frame in it. Zero means 64 megapixels (2^26). Decoding takes up to about
	// 12 bytes of memory a pixel while it runs; the result takes 3.
	Pixels int64
}

const (
	defaultBytes  = 64 << 20
	defaultPixels = 64 << 20
)

// OrDefault returns the limits with zeros replaced.
func (l Limits) OrDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Pixels <= 0 {
		l.Pixels = defaultPixels
	}
	return l
}
