package pixel

import "math"

// step is one step along a row that is being resampled: the source pixels lo to
// hi, which lie between the centres of target pixels j-1 and j, and two numbers
// whose meaning depends on the direction.
type step struct {
	lo, hi int
	a, b   float32
}

// shrinkSteps prepares shrinkRow: one step more than there are target pixels.
// In step j, a is the weight in target pixel j of an imagined source pixel at
// hi, and b is one over the sum of all weights in target pixel j. It returns
// how many of the steps shrinkRow may have the assembly do: it reads a byte behind a
// pixel, writes a float behind one, and adds in 32 bits.
func (s *scratch) shrinkSteps(t tent, width int) (fast int) {
	s.steps = sized(s.steps, width+1)
	lo := 0
	for j := range s.steps {
		hi := t.n
		if j < width {
			hi = min(int(math.Ceil(t.centre(j)-0.5)), t.n)
		}
		s.steps[j] = step{lo: lo, hi: hi, a: float32(1 - (t.centre(j)-float64(hi)-0.5)/t.radius)}
		if j < width && hi < t.n && t.ratio < maxFast {
			fast = j + 1
		}
		lo = hi
	}
	for j := range width {
		var sum float64
		for i := t.start(j); i < t.end(j); i++ {
			sum += float64(t.weight(j, i))
		}
		s.steps[j].b = float32(1 / sum)
	}
	return fast
}

// maxFast bounds the pixels of a step, but for the first, of which the assembly
// adds up: 255 * 4000 * 4001 / 2 is less than 2^31.
const maxFast = 3999

// shrinkRow writes the row src, 3 bytes a pixel, at the target's width into dst.
// slope is 1/radius.
//
// Between two centres the tent's weights lie on a line, so a step needs no
// multiplication a pixel: with s the sum of its values and r the sum of its
// running sums (in which the last pixel counts once, the one before twice),
// target pixel j gets a*s - slope*r, and target pixel j-1 the rest of s,
// because the two weights of a pixel add up to 1. The sums are integers, exact.
//
// The steps before fast may be taken by the assembly.
func shrinkRow(dst []float32, src []byte, steps []step, fast int, slope float32) {
	var c carry
	shrinkLoop(dst, src, steps, 0, 1, slope, &c)
	from := 1
	if fast > from && lanes > 0 {
		shrinkVector(&dst[0], &src[0], &steps[from], fast-from, slope, &c)
		from = fast
	}
	shrinkLoop(dst, src, steps, from, len(steps), slope, &c)
}

// carry goes from one step of shrinkRow to the next.
type carry struct {
	left [4]float32 // what the target pixel got so far; the last is not used
	norm float32    // one over its weights
}

// shrinkLoop takes the steps from lo to hi. Step j completes target pixel j-1.
func shrinkLoop(dst []float32, src []byte, steps []step, lo, hi int, slope float32, c *carry) {
	left0, left1, left2, norm := c.left[0], c.left[1], c.left[2], c.norm
	for j := lo; j < hi; j++ {
		st := steps[j]
		var s0, s1, s2, r0, r1, r2 uint64
		pix := src[3*st.lo : 3*st.hi]
		for i := 2; i < len(pix); i += 3 {
			s0 += uint64(pix[i-2])
			s1 += uint64(pix[i-1])
			s2 += uint64(pix[i])
			r0 += s0
			r1 += s1
			r2 += s2
		}
		sum0, sum1, sum2 := float32(int64(s0)), float32(int64(s1)), float32(int64(s2))
		here0 := float32(st.a*sum0) - float32(slope*float32(int64(r0)))
		here1 := float32(st.a*sum1) - float32(slope*float32(int64(r1)))
		here2 := float32(st.a*sum2) - float32(slope*float32(int64(r2)))
		if j > 0 {
			d := dst[3*j-3:][:3]
			d[0] = (left0 + (sum0 - here0)) * norm
			d[1] = (left1 + (sum1 - here1)) * norm
			d[2] = (left2 + (sum2 - here2)) * norm
		}
		left0, left1, left2, norm = here0, here1, here2, st.b
	}
	c.left, c.norm = [4]float32{left0, left1, left2}, norm
}

// twoSteps prepares twoRow: in step j, lo and hi are the source pixels to both
// sides of target pixel j's centre, the same one at an edge, and a and b their
// weights.
func (s *scratch) twoSteps(t tent, width int) {
	s.steps = sized(s.steps, width)
	for j := range s.steps {
		at := t.centre(j) - 0.5
		lo := math.Floor(at)
		b := float32(at - lo)
		s.steps[j] = step{lo: max(int(lo), 0), hi: min(int(lo)+1, t.n-1), a: 1 - b, b: b}
	}
}

// twoRow writes the row src, 3 bytes a pixel, at the target's width into dst, from
// the nearest two pixels each.
func twoRow(dst []float32, src []byte, steps []step) {
	for j, st := range steps {
		p, q, d := src[3*st.lo:][:3], src[3*st.hi:][:3], dst[3*j:][:3]
		d[0] = float32(st.a*float32(p[0])) + float32(st.b*float32(q[0]))
		d[1] = float32(st.a*float32(p[1])) + float32(st.b*float32(q[1]))
		d[2] = float32(st.a*float32(p[2])) + float32(st.b*float32(q[2]))
	}
}
