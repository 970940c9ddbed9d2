package main

import "math"

// liquid is what a level gauge shows: a colour up to a height, and an empty glass above it.
type liquid struct {
	colour  vec     // in a thin layer
	back    vec     // what is behind the empty glass
	surface float64 // height of the liquid, in local y
	tilt    float64 // slope of the surface as the camera or the machine leans
	wide    float64 // half width of the glass: edges of a tube are darker
	marks   [2]float64
	marked  bool
	film    float64 // dried liquid left on the glass above the surface, 0..1
	float   float64 // radius of a ball that swims in it, 0 for none
	ball    vec     // its colour
	seed    uint64
}

// drawLiquid fills a glass that reaches from y = -half to y = half, to the given share.
func drawLiquid(r *random, share, half, wide float64) *liquid {
	l := &liquid{seed: r.next(), wide: wide, surface: half * (2*share - 1), tilt: r.sway(0.03), film: r.unit() * r.unit() * 0.7}
	l.colour = rgb(choose(r, 0xa85c10, 0x7a3a10, 0x98181c, 0x4a2412))
	l.colour = l.colour.mul(r.scale(0.8, 1.25))
	l.back = rgb(choose(r, 0xf0eee8, 0xe6e4da, 0xe4e8ea, 0xf0e8d0))
	l.marks = [2]float64{-half * r.in(0.55, 0.7), half * r.in(0.55, 0.7)}
	l.marked = r.chance(0.5)
	if r.chance(0.12) {
		l.float, l.ball = wide*r.in(0.5, 0.8), rgb(choose(r, 0xc02018, 0x181818, 0xe8e0d0))
	}
	return l
}

// paint shows the glass from the front. Local y is up.
func (l *liquid) paint(p, _ vec, m *surface) {
	depth := math.Sqrt(math.Max(0, 1-p.x*p.x/(l.wide*l.wide))) // of the tube, seen from the front
	y := p.y - l.tilt*p.x
	if y < l.surface {
		thick := 0.45 + 0.55*depth
		deep := clamp((l.surface-y)*0.25, 0, 0.35)
		m.colour = l.colour.mul((0.65 + 0.6*thick) * (1 - deep) * (0.9 + 0.2*cloud(p.x*3, p.y*3, 3, l.seed)))
		if d, id := cells(p.x*11, p.y*11, l.seed); d < 0.18*id && id > 0.75 { // bubbles
			m.colour = m.colour.mix(l.back, 0.4)
		}
	} else {
		k := l.film * cloud(p.x*4, p.y*1.5, 4, l.seed+1) * smooth(0.9, 0, y-l.surface)
		m.colour = l.back.mul(0.55+0.45*depth).mix(l.colour, 0.7*k)
	}
	if d := math.Abs(y - l.surface); d < 0.02 { // the meniscus
		m.colour = l.colour.mul(0.35)
	} else if d < 0.035 && y > l.surface {
		m.colour = l.back.mul(1.1).cap(0.9)
	}
	if l.float > 0 {
		if d := flat(p.x, p.y-l.surface+l.float*0.4); d < l.float {
			m.colour = l.ball.mul(1.1 - 0.6*d/l.float)
		}
	}
	if l.marked {
		for _, at := range l.marks {
			if math.Abs(p.y-at) < 0.012 && math.Abs(p.x) > l.wide*0.55 {
				m.colour = vec{0.02, 0.02, 0.02}
			}
		}
	}
}

// level adds a level gauge filled to the given share.
func (s *scene) level(r *random, share float64) {
	switch r.pick(3) {
	case 0:
		s.porthole(r, share)
	case 1:
		s.tube(r, share)
	default:
		s.strip(r, share)
	}
}

// porthole is a round oil sight glass, screwed in or held by a ring of screws.
func (s *scene) porthole(r *random, share float64) {
	open := r.in(0.58, 0.72)
	rim := drawMetal(r)
	if r.chance(0.3) {
		rim = drawCase(r)
	}
	h := r.in(0.2, 0.36)
	if r.chance(0.5) {
		s.round(nut(0.92, h), vec{}, upright.turned(r.in(0, 1)), 1.1, h, rim)
		s.round(ring(open, open+0.09, 0.06, 0.02), vec{0, 0, h}, upright, open+0.09, 0.06, rim)
	} else {
		s.round(ring(open, 1, h, r.in(0.02, 0.08)), vec{}, upright, 1, h, rim)
		w, n := drawScrew(r), 4+2*r.pick(2)
		for i := range n {
			sn, cs := math.Sincos(float64(i) * 2 * math.Pi / float64(n))
			s.drive(w, r, (open+1)/2*cs, (open+1)/2*sn, h)
		}
	}
	l := drawLiquid(r, share, open, open*1.15)
	l.float = 0
	k := &skin{look: surface{rough: 0.09}, grunge: 0.3 * r.unit(), paint: l.paint}
	z := h - 0.08
	if s.bodies[len(s.bodies)-1].hi.z > h+0.05 {
		z = h + 0.01
	}
	s.round(disc(open, 0.03, 0), vec{0, 0, z}, upright, open, 0.03, k)
	s.glass = drawGlass(r, z+0.05, func(x, y float64) float64 { return flat(x, y) - open })
}

// tube is a glass tube between two fittings, often with guard rods.
func (s *scene) tube(r *random, share float64) {
	thin, half := r.in(0.19, 0.26), r.in(0.68, 0.76)
	z := thin + r.in(0.1, 0.2)
	l := drawLiquid(r, share, half, thin)
	k := &skin{look: surface{rough: 0.07}, grunge: 0.3 * r.unit(), paint: l.paint}
	if r.chance(0.6) { // a plate behind, to see the level better
		hx := r.in(0.35, 0.6)
		s.put(slab(hx, 1.05, 0.03, 0.03, 0.01), vec{}, upright, vec{-hx, -1.05, 0}, vec{hx, 1.05, 0.03}, drawCase(r))
	}
	tube := func(p vec) float64 { return extrude(flat(p.x, p.z)-thin, p.y, half, 0) }
	s.put(tube, vec{0, 0, z}, upright, vec{-thin, -half, -thin}, vec{thin, half, thin}, k)
	metal := drawMetal(r)
	a := thin * r.in(1.35, 1.6)
	fitting := func(p vec) float64 { return extrude(hex2(p.x, p.z, a), p.y, 0.13, 0.02) }
	for _, side := range []float64{-1, 1} {
		s.put(fitting, vec{0, side * (half + 0.1), z}, upright, vec{-a * 1.2, -0.13, -a * 1.2}, vec{a * 1.2, 0.13, a * 1.2}, metal)
		s.round(disc(a*1.15, z, 0.02), vec{0, side * (half + 0.12), 0}, upright, a*1.15, z, metal)
	}
	if r.chance(0.5) {
		x, rod := thin+r.in(0.08, 0.14), 0.03
		guard := func(p vec) float64 { return extrude(flat(p.x, p.z)-rod, p.y, half+0.1, 0) }
		for _, side := range []float64{-1, 1} {
			s.put(guard, vec{side * x, 0, z + 0.08}, upright, vec{-rod, -half - 0.1, -rod}, vec{rod, half + 0.1, rod}, metal)
		}
	}
}

// strip is a flat gauge: a tall window in a metal body with a row of bolts on each side.
func (s *scene) strip(r *random, share float64) {
	hx, open, half, h := r.in(0.52, 0.68), r.in(0.22, 0.32), r.in(0.74, 0.84), r.in(0.16, 0.3)
	round := r.in(0.03, 1) * open
	body := drawCase(r)
	frame := func(p vec) float64 {
		d := math.Max(box2(p.x, p.y, hx, 1, 0.08), -box2(p.x, p.y, open, half, round))
		return extrude(d, p.z-h/2, h/2, 0.03)
	}
	s.put(frame, vec{}, upright, vec{-hx, -1, 0}, vec{hx, 1, h}, body)
	l := drawLiquid(r, share, half, open*1.1)
	k := &skin{look: surface{rough: 0.08}, grunge: 0.3 * r.unit(), paint: l.paint}
	s.put(slab(open+0.02, half+0.02, 0.03, 0, 0), vec{0, 0, h - 0.1}, upright, vec{-open - 0.02, -half - 0.02, 0}, vec{open + 0.02, half + 0.02, 0.03}, k)
	s.glass = drawGlass(r, h-0.04, func(x, y float64) float64 { return box2(x, y, open, half, round) })
	w, n := drawScrew(r), 2+r.pick(4)
	for i := range n {
		y := lerp(-0.86, 0.86, (float64(i)+0.5)/float64(n))
		s.drive(w, r, (hx+open)/2, y, h)
		s.drive(w, r, -(hx+open)/2, y, h)
	}
}
