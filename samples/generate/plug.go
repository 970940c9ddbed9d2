package main

import "math"

// cable is a round cord that leaves a plug towards the camera, bends and hangs down in front of the panel.
type cable struct {
	from   float64 // height at which it leaves the plug
	bend   float64 // radius of the bend
	radius float64
	end    float64 // height above the panel at which it leaves the picture
	ripple float64 // depth of the rings of the bend protector
}

// shape returns the cord hanging along -y.
func (c cable) shape() shape {
	const far = 4
	top := c.from + c.bend
	fall := (top - c.end) / far
	return func(p vec) float64 {
		if p.y > -c.bend {
			if p.z < c.from {
				return flat(flat(p.x, p.y), c.from-p.z) - c.radius
			}
			d := flat(flat(p.y+c.bend, p.z-c.from)-c.bend, p.x) - c.radius
			sleeve := smooth(c.from+c.bend*0.9, c.from, p.z) // thicker where it leaves the plug
			return (d - 0.5*c.radius*sleeve + c.ripple*math.Cos(p.z*70)*sleeve) * 0.8
		}
		return flat(p.x, p.z-top-(p.y+c.bend)*fall) - c.radius
	}
}

// plug adds a socket, empty or with a plug in it.
func (s *scene) plug(r *random, in bool) {
	// Both halves are drawn in either case, so that a socket does not depend on what is in it.
	socket := [...]func(*random, bool){s.roundPlug, s.knurledPlug, s.squarePlug}[r.pick(3)]
	socket(r, in)
	c := cable{from: r.in(0.75, 0.95), bend: r.in(0.2, 0.34), radius: r.in(0.09, 0.15), end: r.in(0.2, 0.6), ripple: choose(r, 0, 0.012)}
	k := plasticSkin(rgb(choose(r, 0x151515, 0x4a4c4e, 0xc05a14, 0x2a3440)), r.in(0.35, 0.7), r.in(0.2, 0.8))
	turn := upright.turned(deg(r.sway(40)))
	if in {
		top := c.from + c.bend + c.radius
		s.put(c.shape(), vec{}, turn, vec{-0.2, -4, 0.3}, vec{0.2, 0.3, top}, k)
	}
}

// holes is the face of an empty socket: a grid or a circle of contacts.
type holes struct {
	at     [][2]float64
	radius float64
	key    float64 // radius at which the guide notch begins
}

// paint shows the contacts as dark holes with a metal rim.
func (h *holes) paint(p, _ vec, m *surface) {
	for _, c := range h.at {
		switch d := flat(p.x-c[0], p.y-c[1]); {
		case d < h.radius*0.75:
			*m = surface{colour: vec{0.006, 0.006, 0.006}, rough: 0.9}
		case d < h.radius:
			*m = surface{colour: rgb(0xb09a60), rough: 0.35, metal: 1}
		}
	}
	if h.key > 0 && math.Abs(p.x) < 0.05 && p.y > h.key {
		m.colour = vec{0.01, 0.01, 0.01}
	}
}

// circleOf returns n contacts on a circle, and one in the middle of many.
func circleOf(n int, radius, size float64) *holes {
	h := &holes{radius: size, key: radius + size}
	for i := range n {
		sn, cs := math.Sincos(math.Pi/2 + 2*math.Pi*(float64(i)+0.5)/float64(n))
		h.at = append(h.at, [2]float64{radius * cs, radius * sn})
	}
	if n > 4 {
		h.at = append(h.at, [2]float64{0, 0})
	}
	return h
}

// roundPlug is a coloured plastic socket as for three-phase current.
func (s *scene) roundPlug(r *random, in bool) {
	colour := rgb(choose(r, 0x1c4f9c, 0xa81c18, 0xc09020, 0x303234))
	k := plasticSkin(colour, r.in(0.25, 0.5), r.in(0.1, 0.8))
	base := plasticSkin(rgb(choose(r, 0x9a9c98, 0x303234, 0xc8c6bc)), r.in(0.3, 0.55), r.in(0.1, 0.8))
	a := r.in(0.85, 0.98)
	s.put(slab(a, a, 0.08, r.in(0.05, 0.3), 0.03), vec{}, upright, vec{-a, -a, 0}, vec{a, a, 0.08}, base)
	s.corners(drawScrew(r), r, a-0.13, a-0.13, 0.08)
	open, h := r.in(0.56, 0.64), r.in(0.28, 0.42)
	s.round(ring(open, open+0.12, h, 0.03), vec{0, 0, 0.08}, upright, open+0.12, h, k)
	face := circleOf(3+r.pick(3), open*0.55, open*0.16)
	insert := plasticSkin(vec{0.02, 0.02, 0.02}.mix(colour, choose(r, 0, 0.7)), 0.5, 0.3)
	insert.paint = face.paint
	s.round(disc(open, 0.06, 0), vec{0, 0, 0.08}, upright, open, 0.06, insert)
	grip, fins := r.in(0.36, 0.44), float64(8+r.pick(8))
	body := plasticSkin(choose(r, colour, rgb(0x161616)), r.in(0.3, 0.5), r.in(0.1, 0.7))
	if in {
		s.round(ring(0, open-0.02, 0.2, 0.03), vec{0, 0, 0.3}, upright, open, 0.2, k)
		sh := func(p vec) float64 {
			q := flat(p.x, p.y)
			w := lerp(open-0.06, grip, smooth(0, 0.3, p.z))
			return extrude(q-w+0.02*math.Cos(fins*math.Atan2(p.y, p.x)), p.z-0.28, 0.28, 0.05) * 0.75
		}
		s.round(sh, vec{0, 0, 0.42}, upright, open, 0.56, body)
	}
}

// knurledPlug is a round metal connector with a coupling ring.
func (s *scene) knurledPlug(r *random, in bool) {
	metal := drawMetal(r)
	if r.chance(0.4) {
		metal = metalSkin(choose(r, 0x4a4c46, 0x6a6c58), r.in(0.3, 0.5), r.in(0.2, 0.9))
	}
	a := r.in(0.8, 0.95)
	s.put(slab(a, a, 0.06, 0.1, 0.02), vec{}, upright, vec{-a, -a, 0}, vec{a, a, 0.06}, metal)
	s.corners(drawScrew(r), r, a-0.13, a-0.13, 0.06)
	open, h := r.in(0.52, 0.6), r.in(0.22, 0.36)
	thread := func(p vec) float64 {
		q := flat(p.x, p.y)
		return extrude(math.Abs(q-open-0.04)-0.04+0.008*math.Cos(p.z*80), p.z-h/2, h/2, 0.01) * 0.8
	}
	s.round(thread, vec{0, 0, 0.06}, upright, open+0.1, h, metal)
	face := circleOf(4+r.pick(4), open*0.6, open*0.13)
	insert := plasticSkin(rgb(choose(r, 0x181818, 0x5a2a18, 0x2a4a34)), 0.5, 0.3)
	insert.paint = face.paint
	s.round(disc(open, h*0.35, 0), vec{0, 0, 0.06}, upright, open, h*0.35, insert)
	teeth, outer, deep := float64(28+r.pick(24)), open+r.in(0.1, 0.17), r.in(0.24, 0.34)
	back := r.in(0.34, 0.42)
	if in {
		sh := func(p vec) float64 {
			q := flat(p.x, p.y)
			return extrude(q-outer+0.012*math.Cos(teeth*math.Atan2(p.y, p.x)), p.z-deep/2, deep/2, 0.03) * 0.7
		}
		s.round(sh, vec{0, 0, 0.2}, upright, outer+0.02, deep, metal)
		s.round(both(disc(back, 0.55, 0.03), disc(back+0.08, 0.2, 0.03)), vec{0, 0, 0.4}, upright, back+0.08, 0.55, metal)
	}
}

// squarePlug is a rectangular connector with rows of contacts and a locking lever.
func (s *scene) squarePlug(r *random, in bool) {
	k := plasticSkin(rgb(choose(r, 0x8a8e90, 0xa8a8a0, 0x3a3e42)), r.in(0.3, 0.5), r.in(0.2, 0.9))
	hx, hy, h := r.in(0.55, 0.68), r.in(0.8, 0.95), r.in(0.25, 0.4)
	s.put(slab(hx+0.1, hy+0.15, 0.06, 0.05, 0.02), vec{}, upright, vec{-hx - 0.1, -hy - 0.15, 0}, vec{hx + 0.1, hy + 0.15, 0.06}, k)
	s.corners(drawScrew(r), r, hx, hy+0.06, 0.06)
	frame := func(p vec) float64 {
		d := math.Max(box2(p.x, p.y, hx-0.1, hy-0.1, 0.05), -box2(p.x, p.y, hx-0.2, hy-0.2, 0.03))
		return extrude(d, p.z-h/2, h/2, 0.02)
	}
	s.put(frame, vec{0, 0, 0.06}, upright, vec{-hx, -hy, 0}, vec{hx, hy, h}, k)
	face := &holes{radius: 0.055}
	columns, rows := 2+r.pick(2), 4+r.pick(4)
	for i := range columns {
		for j := range rows {
			face.at = append(face.at, [2]float64{
				(hx - 0.32) * (2*float64(i)/float64(columns-1) - 1), (hy - 0.34) * (2*float64(j)/float64(rows-1) - 1)})
		}
	}
	insert := plasticSkin(rgb(choose(r, 0x181818, 0xc8c4b4, 0x5a2a18)), 0.5, 0.3)
	insert.paint = face.paint
	s.put(slab(hx-0.15, hy-0.15, h*0.5, 0, 0), vec{0, 0, 0.06}, upright, vec{-hx, -hy, 0}, vec{hx, hy, h * 0.5}, insert)
	metal, swing := metalSkin(0xb8b8b8, 0.3, r.in(0.2, 0.8)), r.in(0.5, 0.62)
	if in {
		hood := func(p vec) float64 {
			w := lerp(0, 0.18, smooth(0.1, 0.55, p.z))
			return extrude(box2(p.x, p.y, hx-0.06-w, hy-0.06-w, 0.08), p.z-0.28, 0.28, 0.05) * 0.8
		}
		s.put(hood, vec{0, 0, 0.3}, upright, vec{-hx, -hy, 0}, vec{hx, hy, 0.56}, k)
		s.round(nut(0.24, 0.14), vec{0, 0, 0.84}, upright, 0.3, 0.14, metal)
		for _, side := range []float64{-1, 1} { // the lever grips the hood
			bar := slab(0.025, swing, 0.1, 0.02, 0.01)
			s.put(bar, vec{side * (hx - 0.01), 0, 0.35}, upright, vec{-0.03, -swing, 0}, vec{0.03, swing, 0.1}, metal)
		}
	}
}
