package kernel

const (
	// A block is what the assembly keeps in registers of a product of matrices.
	blockRows    = 4
	blockColumns = 16
	// chunk is how many terms are added at a time, so that what they need of the
	// second matrix stays in the first-level cache for all rows.
	chunk = 32
)

// A view says how the first factors of a product lie in memory.
type view struct {
	row  int // elements from a factor to that of the next row of the product
	term int // and to that of the next term
}

// product adds a product of matrices to y.
//
//	for r < rows, j < out, t < terms: y[r][j] += x[r*v.row+t*v.term] * w[t][j]
//
// y is [rows][out], w is [terms][out].
func product(y, x, w []float32, v view, rows, terms, out int) {
	whole, wide := rows-rows%blockRows, out-out%blockColumns
	if lanes == 0 || wide == 0 {
		whole, wide = 0, 0
	}
	for t := 0; t < terms; t += chunk {
		n := min(chunk, terms-t)
		for r := 0; r < whole; r += blockRows {
			for j := 0; j < wide; j += blockColumns {
				blockVector(&y[r*out+j], &x[r*v.row+t*v.term], &w[t*out+j], out, v.row, v.term, n)
			}
		}
		if wide < out {
			strip(y, x, w, v, 0, whole, wide, t, t+n, out)
		}
		strip(y, x, w, v, whole, rows, 0, t, t+n, out)
	}
}

// strip is product for some rows, columns and terms.
//
//	for lo <= r < hi, from <= j < out, first <= t < end: y[r][j] += x[r*v.row+t*v.term] * w[t][j]
func strip(y, x, w []float32, v view, lo, hi, from, first, end, out int) {
	row := func(m []float32, i int) []float32 { return m[i*out+from : (i+1)*out] }
	factors := func(r, t int) quad {
		at := r*v.row + t*v.term
		return quad{x[at], x[at+v.term], x[at+2*v.term], x[at+3*v.term]}
	}
	t := first
	for ; t+4 <= end; t += 4 {
		w0, w1, w2, w3 := row(w, t), row(w, t+1), row(w, t+2), row(w, t+3)
		r := lo
		for ; r+2 <= hi; r += 2 {
			accumulateTwo(row(y, r), row(y, r+1), w0, w1, w2, w3, factors(r, t), factors(r+1, t))
		}
		if r < hi {
			accumulate(row(y, r), w0, w1, w2, w3, factors(r, t))
		}
	}
	for ; t < end; t++ {
		for r := lo; r < hi; r++ {
			accumulateOne(row(y, r), row(w, t), x[r*v.row+t*v.term])
		}
	}
}
