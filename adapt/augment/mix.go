package augment

// Mix blends two pictures as the base reads them, or whatever it made of them:
// dst = lambda*a + (1-lambda)*b (Zhang et al. 2017). The three have one length,
// and dst may be a or b. Mix does not allocate.
func Mix(dst, a, b []float32, lambda float64) {
	if len(dst) != len(a) || len(dst) != len(b) {
		panic("augment: Mix of different lengths")
	}
	of, other := float32(lambda), float32(1-lambda)
	for i, v := range a {
		dst[i] = float32(of*v) + float32(other*b[i])
	}
}

// Targets fills dst, [classes], with what the scores of a blended picture
// should be: lambda for label and the rest for other, which may be the same,
// of all but a share smoothing, 0 to 1, that all classes have alike (Szegedy
// et al. 2015, as in Keras). They sum to 1.
func Targets(dst []float32, label, other int, lambda, smoothing float64) {
	for i := range dst {
		dst[i] = float32(smoothing / float64(len(dst)))
	}
	dst[label] += float32((1 - smoothing) * lambda)
	dst[other] += float32((1 - smoothing) * (1 - lambda))
}
