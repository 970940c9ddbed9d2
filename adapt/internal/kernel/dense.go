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
	// Four rows of w at a time stay in the first-level cache while every row
	// of the batch takes them in, so w is read from memory once.
	i := 0
	for ; i+4 <= in; i += 4 {
		w0, w1, w2, w3 := w[i*out:][:out], w[(i+1)*out:][:out], w[(i+2)*out:][:out], w[(i+3)*out:][:out]
		r := 0
		for ; r+2 <= rows; r += 2 {
			accumulateTwo(y[r*out:][:out], y[(r+1)*out:][:out], w0, w1, w2, w3,
				quad(x[r*in+i:][:4]), quad(x[(r+1)*in+i:][:4]))
		}
		if r < rows {
			accumulate(y[r*out:][:out], w0, w1, w2, w3, quad(x[r*in+i:][:4]))
		}
	}
	for ; i < in; i++ {
		for r := range rows {
			accumulateOne(y[r*out:][:out], w[i*out:][:out], x[r*in+i])
		}
	}
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
	i := lo
	for ; i+2 <= hi; i += 2 {
		g0, g1 := gw[i*out:][:out], gw[(i+1)*out:][:out]
		r := 0
		for ; r+4 <= rows; r += 4 {
			d := dy[r*out:][:4*out]
			p0, p1, p2, p3 := x[r*in+i:][:2], x[(r+1)*in+i:][:2], x[(r+2)*in+i:][:2], x[(r+3)*in+i:][:2]
			accumulateTwo(g0, g1, d[:out], d[out:][:out], d[2*out:][:out], d[3*out:][:out],
				quad{p0[0], p1[0], p2[0], p3[0]}, quad{p0[1], p1[1], p2[1], p3[1]})
		}
		for ; r < rows; r++ {
			accumulateOne(g0, dy[r*out:][:out], x[r*in+i])
			accumulateOne(g1, dy[r*out:][:out], x[r*in+i+1])
		}
	}
	if i < hi {
		for r := range rows {
			accumulateOne(gw[i*out:][:out], dy[r*out:][:out], x[r*in+i])
		}
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
// dx is [rows][in], dy is [rows][out], w is [in][out].
func DenseGradInput(dx, dy, w []float32, rows, in, out int) {
	length("dx", dx, rows*in)
	length("dy", dy, rows*out)
	length("w", w, in*out)
	for r := range rows {
		d := dy[r*out:][:out]
		row := dx[r*in:][:in]
		i := 0
		// Four sums at a time, because one alone waits for its last addition.
		for ; i+4 <= in; i += 4 {
			w0, w1, w2, w3 := w[i*out:][:len(d)], w[(i+1)*out:][:len(d)], w[(i+2)*out:][:len(d)], w[(i+3)*out:][:len(d)]
			var s0, s1, s2, s3 float32
			for j, v := range d {
				s0 += float32(v * w0[j])
				s1 += float32(v * w1[j])
				s2 += float32(v * w2[j])
				s3 += float32(v * w3[j])
			}
			q := row[i:][:4]
			q[0], q[1], q[2], q[3] = s0, s1, s2, s3
		}
		for ; i < in; i++ {
			w0 := w[i*out:][:len(d)]
			var s float32
			for j, v := range d {
				s += float32(v * w0[j])
			}
			row[i] = s
		}
	}
}
