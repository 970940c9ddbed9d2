package kernel

// Dense applies a dense layer to a batch.
//
//	for r < rows, j < out:
//	    s = 0
//	    for i < in: s += x[r][i] * w[i][j]
//	    y[r][j] = s + b[j]
//
// y is [rows][out], x is [rows][in], w is [in][out], b is [out].
func Dense(y, x, w, b []float32, rows, in, out int) {
	length("y", y, rows*out)
	length("x", x, rows*in)
	length("w", w, in*out)
	length("b", b, out)
	clear(y)
	product(y, x, w, view{row: in, term: 1}, rows, in, out)
	for r := range rows {
		row := y[r*out:][:out]
		for j := range row {
			row[j] += b[j]
		}
	}
}

// DenseGradWeights writes the gradient of some rows of a dense layer's
// weights: those from lo up to, not including, hi.
//
//	for lo <= i < hi, j < out:
//	    gw[i][j] = 0
//	    for r < rows: gw[i][j] += x[r][i] * dy[r][j]
//
// gw is [in][out], of which the other rows are left alone; x is [rows][in];
// dy, the gradient of the layer's output, is [rows][out].
func DenseGradWeights(gw, x, dy []float32, rows, in, out, lo, hi int) {
	length("gw", gw, in*out)
	length("x", x, rows*in)
	length("dy", dy, rows*out)
	clear(gw[lo*out : hi*out])
	if lo < hi && rows > 0 {
		product(gw[lo*out:hi*out], x[lo:], dy, view{row: 1, term: in}, hi-lo, rows, out)
	}
}

// DenseGradBias writes the gradient of a dense layer's biases.
//
//	for j < out:
//	    gb[j] = 0
//	    for r < rows: gb[j] += dy[r][j]
//
// gb is [out], dy is [rows][out].
func DenseGradBias(gb, dy []float32, rows, out int) {
	length("gb", gb, out)
	length("dy", dy, rows*out)
	clear(gb)
	for r := range rows {
		row := dy[r*out:][:out]
		for j := range gb {
			gb[j] += row[j]
		}
	}
}

// DenseGradInput writes the gradient of a dense layer's input.
//
//	for r < rows, i < in:
//	    dx[r][i] = 0
//	    for j < out: dx[r][i] += dy[r][j] * w[i][j]
//
// dx is [rows][in], dy is [rows][out], w is [in][out]. It needs room for in*out
// elements, turned, which holds w with its rows for columns afterwards.
func DenseGradInput(dx, dy, w, turned []float32, rows, in, out int) {
	length("dx", dx, rows*in)
	length("dy", dy, rows*out)
	length("w", w, in*out)
	length("turned", turned, in*out)
	for i := range in {
		for j, v := range w[i*out:][:out] {
			turned[j*in+i] = v
		}
	}
	clear(dx)
	product(dx, dy, turned, view{row: out, term: 1}, rows, out, in)
}
