package main

import "math"

// panel is the sheet that the instrument is mounted on: the plane z = 0, paint, scratches and dirt included.
type panel struct {
	finish    finish
	colour    vec     // of the paint, or of the bare metal
	under     surface // what a chip in the paint shows
	rough     float64
	grain     float64 // direction of brushing, radians
	wear      float64 // 0 new to 1 worn through
	grime     float64 // 0 clean to 1 never wiped
	dust      float64
	seed      uint64
	scratches []scratch
	seams     []seam
	streaks   []streak
	stripe    *seam // a painted line
	paint     vec   // its colour
}

// finish is how the sheet was treated in the factory.
type finish int

const (
	satin finish = iota
	gloss
	hammer
	wrinkle
	brushed
	galvanised
	finishes
)

type scratch struct{ ax, ay, bx, by, half, depth float64 }

// seam is a line along which nx*x + ny*y = off.
type seam struct{ nx, ny, off, half float64 }

// streak is what rain and condensate leave below a screw.
type streak struct{ x, y, half, long float64 }

var machinePaints = []int{
	0x68825b, 0xb5b0a1, 0xcbd0cc, 0x3f6b8f, 0x2e5978, 0xe6d2b5, 0x7d8580, 0x4c7f7a,
	0x383e42, 0x6d342d, 0xd9d0b4, 0x8fb0a0, 0xb89a4e, 0x222222, 0x9aa79a, 0x5c6a72,
}

// rgb turns a screen colour 0xRRGGBB into linear light (x^2.2 as a polynomial).
func rgb(hex int) vec {
	lin := func(v int) float64 {
		c := float64(v&255) / 255
		return c * c * (0.3*c + 0.7)
	}
	return vec{lin(hex >> 16), lin(hex >> 8), lin(hex)}
}

// drawPaint returns a machine colour, no two quite the same.
func drawPaint(r *random) vec {
	c := rgb(machinePaints[r.pick(len(machinePaints))])
	f := r.scale(0.75, 1.3)
	return vec{c.x * f * r.in(0.9, 1.1), c.y * f * r.in(0.95, 1.05), c.z * f * r.in(0.9, 1.1)}.cap(0.85)
}

func drawPanel(r *random) panel {
	n := panel{finish: finish(r.pick(int(finishes))), colour: drawPaint(r), seed: r.next(),
		grain: choose(r, 0, math.Pi/2) + r.sway(0.03),
		wear:  r.unit() * r.unit(), grime: r.in(0, 0.9), dust: r.unit() * r.unit() * 0.5}
	n.under = surface{colour: rgb(0x8d8f90), rough: 0.45, metal: 0.8}
	if r.chance(0.4) {
		n.under = surface{colour: rgb(choose(r, 0x7a4a32, 0x9a9a8a, 0x4a3a30)), rough: 0.8}
	}
	switch n.finish {
	case gloss:
		n.rough = r.in(0.14, 0.26)
	case brushed, galvanised:
		n.rough, n.wear = r.in(0.25, 0.5), 0
		n.colour = rgb(choose(r, 0xc4c6c8, 0xb9b4aa, 0xa9aeb2, 0xcdbf9c))
	default:
		n.rough = r.in(0.35, 0.65)
	}
	for range r.pick(4) + int(14*n.wear) + r.pick(6) {
		x, y, a, l := r.in(-2, 2), r.in(-2, 2), r.in(0, math.Pi), r.scale(0.1, 1.6)
		n.scratches = append(n.scratches, scratch{x, y, x + l*math.Cos(a), y + l*math.Sin(a), r.scale(0.003, 0.014), r.unit()})
	}
	for range r.pick(3) {
		e := seam{off: r.sign() * r.in(1.25, 2.1), half: r.in(0.01, 0.03)}
		if r.chance(0.5) {
			e.nx = 1
		} else {
			e.ny = 1
		}
		n.seams = append(n.seams, e)
	}
	if r.chance(0.2) {
		n.stripe = &seam{off: r.sign() * r.in(1.1, 1.9), half: r.in(0.04, 0.2)}
		n.stripe.nx, n.stripe.ny = 1, 0
		if r.chance(0.5) {
			n.stripe.nx, n.stripe.ny = 0, 1
		}
		n.paint = rgb(choose(r, 0xd8c020, 0xb02018, 0xe8e4d8, 0x181818, 0x2050a0))
	}
	return n
}

// at returns the surface of the panel at (x, y). near is the distance to the nearest body, at most 0.3: dirt
// collects in corners. Without detail only the colour matters, for light that comes by a detour.
func (n *panel) at(x, y, near float64, detail bool) surface {
	s := surface{colour: n.colour, rough: n.rough}
	if n.finish == brushed || n.finish == galvanised {
		s.metal = 1
	}
	if !detail {
		return s
	}
	n.texture(x, y, &s)
	if n.stripe != nil && math.Abs(x*n.stripe.nx+y*n.stripe.ny-n.stripe.off) < n.stripe.half {
		s.colour, s.metal = n.paint, 0
	}
	n.age(x, y, near, &s)
	for _, e := range n.seams {
		d := x*e.nx + y*e.ny - e.off
		if math.Abs(d) < e.half {
			return surface{colour: vec{0.012, 0.011, 0.01}, rough: 0.9}
		}
		if math.Abs(d) < e.half*2.4 { // the rolled edge of the sheet
			k := math.Copysign(0.8*(1-(math.Abs(d)-e.half)/(1.4*e.half)), d)
			s.bump = s.bump.sub(vec{e.nx * k, e.ny * k, 0})
		}
	}
	return s
}

// texture adds what the finish of the sheet does to its colour and normal.
func (n *panel) texture(x, y float64, s *surface) {
	slope := func(scale, height float64, f func(x, y float64) float64) {
		const e = 0.06
		u, v := x*scale, y*scale
		h := f(u, v)
		s.bump = vec{(h - f(u+e, v)) / e * height, (h - f(u, v+e)) / e * height, 0}
	}
	sn, cs := math.Sincos(n.grain)
	along, cross := x*cs+y*sn, y*cs-x*sn
	switch n.finish {
	case satin:
		slope(21, 0.03, func(u, v float64) float64 { return noise2(u, v, n.seed) })
	case gloss:
		slope(9, 0.02, func(u, v float64) float64 { return noise2(u, v, n.seed) })
	case hammer:
		slope(8, 0.12, func(u, v float64) float64 { d, _ := cells(u, v, n.seed); return d })
		d, _ := cells(x*8, y*8, n.seed)
		s.colour = s.colour.mul(0.9 + 0.25*d)
		s.metal, s.rough = 0.25, 0.3
	case wrinkle:
		slope(24, 0.22, func(u, v float64) float64 { return noise2(u, v, n.seed) })
	case brushed:
		k := noise2(along*3, cross*90, n.seed) + 0.5*noise2(along*5, cross*210, n.seed+1) - 0.75
		s.bump = vec{-sn * k * 0.3, cs * k * 0.3, 0}
		s.colour = s.colour.mul(1 + 0.25*k)
	case galvanised:
		_, k := cells(x*3.5+0.3*noise2(x*9, y*9, n.seed), y*3.5, n.seed)
		s.colour = s.colour.mul(0.75 + 0.3*k)
		s.rough += 0.15 * k
		s.bump = vec{0.05 * (k - 0.5), 0.05 * (hash2(int64(k*1000), 5, n.seed) - 0.5), 0}
	}
}

// age adds chips, scratches, grime, dust and streaks.
func (n *panel) age(x, y, near float64, s *surface) {
	if n.wear > 0 {
		k := cloud(x*1.1, y*1.1, 5, n.seed+11) + 0.12*noise2(x*30, y*30, n.seed+12) + 0.07*smooth(0.2, 0, near)
		if edge := 0.93 - 0.3*n.wear; k > edge {
			b := s.bump
			*s = n.under
			s.colour = s.colour.mul(0.7 + 0.6*noise2(x*17, y*17, n.seed+13))
			s.bump = b.mul(0.5)
		} else if k > edge-0.02 {
			s.colour = s.colour.mul(0.7)
		}
	}
	for i := range n.scratches {
		c := &n.scratches[i]
		if d := segment2(x, y, c.ax, c.ay, c.bx, c.by); d < c.half {
			if c.depth > 0.55 && n.finish != brushed {
				s.colour, s.metal, s.rough = n.under.colour.mul(1.1), n.under.metal, 0.4
			} else {
				s.colour = s.colour.mul(1.25)
			}
			s.bump = s.bump.add(vec{(c.by - c.ay), (c.ax - c.bx), 0}.mul(0.4 / flat(c.bx-c.ax, c.by-c.ay) * (1 - d/c.half)))
		}
	}
	dirt := n.grime * (0.75*smooth(0.25, 0, near) + 0.9*smooth(0.45, 0.8, cloud(x*0.9, y*0.9, 4, n.seed+21)))
	dirt = clamp(dirt*(0.6+0.8*noise2(x*11, y*11, n.seed+22)), 0, 0.85)
	for _, k := range n.streaks {
		if dy := k.y - y; dy > 0 && dy < k.long {
			w := smooth(k.half, 0, math.Abs(x-k.x+0.03*noise2(y*6, k.x, n.seed))) * (1 - dy/k.long)
			s.colour = s.colour.mix(rgb(0x6b4423), 0.6*w*n.grime)
			s.rough += 0.3 * w * (1 - s.rough)
		}
	}
	s.colour = s.colour.mix(rgb(0x2a241c), dirt)
	s.rough = lerp(s.rough, 0.85, dirt)
	s.metal *= 1 - 0.7*dirt
	if n.dust > 0 {
		k := n.dust * (0.4 + 0.6*cloud(x*5, y*5, 3, n.seed+31))
		s.colour = s.colour.mix(rgb(0xb0a898), 0.5*k)
		s.rough = lerp(s.rough, 0.9, k)
		s.metal *= 1 - k
	}
}
