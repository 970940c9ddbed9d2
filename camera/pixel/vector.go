package pixel

// The assembly takes the first elements, in whole vectors, where the processor
// has the instructions (AVX; every arm64 has NEON). It rounds every product
// before it adds, as the loops do, so the result has the same bits.

// axpy computes dst += w*x.
func axpy(dst, x []float32, w float32) {
	x = x[:len(dst)]
	if n := vectored(len(dst)); n > 0 {
		axpyVector(&dst[0], &x[0], n, w)
		dst, x = dst[n:], x[n:]
	}
	axpyLoop(dst, x, w)
}

func axpyLoop(dst, x []float32, w float32) {
	for i, v := range x {
		dst[i] += float32(w * v)
	}
}

// affine computes dst = dst*scale + offset.
func affine(dst []float32, scale, offset float32) {
	if n := vectored(len(dst)); n > 0 {
		affineVector(&dst[0], n, scale, offset)
		dst = dst[n:]
	}
	affineLoop(dst, scale, offset)
}

func affineLoop(dst []float32, scale, offset float32) {
	for i, v := range dst {
		dst[i] = float32(v*scale) + offset
	}
}

// vectored returns how many of n elements the assembly takes.
func vectored(n int) int {
	if lanes == 0 {
		return 0
	}
	return n - n%lanes
}
