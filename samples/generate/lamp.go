package main

import "math"

// lampColour is the tint of a lens and of the light that comes through it.
type lampColour struct{ lens, light vec }

var lampColours = map[string]lampColour{
	"red":    {vec{0.55, 0.025, 0.02}, vec{1, 0.045, 0.025}},
	"green":  {vec{0.03, 0.33, 0.09}, vec{0.06, 1, 0.22}},
	"yellow": {vec{0.6, 0.3, 0.02}, vec{1, 0.55, 0.04}},
}

// lens is the coloured cap of a lamp.
type lens struct {
	tint   lampColour
	power  float64 // light of the bulb against the light in the room, 0 when off
	ribs   float64 // ribs per unit, 0 for a smooth cap
	rings  bool    // ribs run in circles, not straight
	haze   float64 // 0 deep and glossy to 1 milky
	size   float64
	bx, by float64 // the bulb behind the lens
	seed   uint64
}

// lamp adds a signal lamp. Of a lamp that is off the colour is only that of its lens.
func (s *scene) lamp(r *random, colour string, lit bool) {
	l := &lens{tint: lampColours[colour], haze: r.unit(), seed: r.next()}
	l.power = r.scale(3.4, 8)
	l.bx, l.by = r.sway(0.16), r.sway(0.16)
	if !lit {
		l.power = 0
	}
	if r.chance(0.5) {
		l.ribs, l.rings = r.in(9, 22), r.chance(0.5)
	}
	rim := drawCase(r)
	k := &skin{look: surface{colour: l.tint.lens, rough: lerp(0.08, 0.35, l.haze)}, grunge: 0.5 * r.unit() * r.unit(), paint: l.paint}
	w := drawScrew(r)
	switch r.pick(4) {
	case 0: // round, in a wide ring
		l.size = r.in(0.6, 0.75)
		h := r.in(0.2, 0.36)
		s.round(ring(l.size-0.02, 0.95, h, r.in(0.03, 0.1)), vec{}, upright, 0.95, h, rim)
		if r.chance(0.5) {
			s.round(disc(1.1, 0.05, 0.02), vec{}, upright, 1.1, 0.05, drawCase(r))
		}
		s.cap(dome(l.size, r.in(0.25, 0.6)), h-0.08, 0.6, l, k)
	case 1: // square, flat
		l.size = r.in(0.62, 0.74)
		a, c := r.in(0.85, 1), r.in(0.02, 0.15)
		frame := func(p vec) float64 {
			d := math.Max(box2(p.x, p.y, a, a, c), -box2(p.x, p.y, l.size, l.size, c*0.5))
			return extrude(d, p.z-0.11, 0.11, 0.03)
		}
		s.put(frame, vec{}, upright, vec{-a, -a, 0}, vec{a, a, 0.22}, rim)
		s.cap(slab(l.size, l.size, 0.14, c*0.5, 0.05), 0.06, 0.14, l, k)
	case 2: // small bulb cap in a hexagonal nut
		l.size = r.in(0.46, 0.56)
		s.round(disc(0.95, 0.04, 0.015), vec{}, upright, 0.95, 0.04, drawCase(r))
		s.round(nut(0.72, 0.16), vec{0, 0, 0.04}, upright.turned(r.in(0, 1)), 0.86, 0.16, rim)
		s.round(ring(l.size, l.size+0.1, 0.3, 0.03), vec{}, upright, l.size+0.1, 0.3, rim)
		s.cap(both(disc(l.size, 0.2, 0.02), moved(dome(l.size, 0.42), vec{0, 0, 0.2})), 0.2, 0.62, l, k)
	default: // flat cap on a square plate with screws
		l.size = r.in(0.55, 0.66)
		s.put(slab(0.95, 0.95, 0.05, r.in(0.02, 0.3), 0.015), vec{}, upright, vec{-0.95, -0.95, 0}, vec{0.95, 0.95, 0.05}, rim)
		s.corners(w, r, 0.78, 0.78, 0.05)
		s.round(ring(l.size-0.01, l.size+0.12, 0.2, 0.04), vec{}, upright, l.size+0.12, 0.2, drawCase(r))
		h := r.in(0.25, 0.5)
		s.cap(disc(l.size, h, 0.08), 0.05, h, l, k)
	}
}

// cap adds the lens at height z, and the light it throws on the panel.
func (s *scene) cap(sh shape, z, h float64, l *lens, k *skin) {
	b := s.round(sh, vec{0, 0, z}, upright, l.size, h, k)
	if l.power == 0 {
		return
	}
	b.clear = true
	s.lights = append(s.lights, light{at: vec{0, 0, z + h*0.7 + 0.25}, radius: l.size * 0.45,
		colour: l.tint.light.mul(l.power * 0.3), ref: 1})
}

// paint shows the lens: ribs, the reflector behind it and, when lit, the bulb.
func (l *lens) paint(p, n vec, m *surface) {
	q := flat(p.x, p.y)
	rib := 0.0
	if l.ribs > 0 {
		u := p.x
		if l.rings {
			u = q
		}
		sn, cs := math.Sincos(u * l.ribs * 2 * math.Pi / 2)
		rib = sn
		if l.rings && q > 1e-6 {
			m.bump = vec{p.x / q * cs * 0.45, p.y / q * cs * 0.45, 0}
		} else {
			m.bump = vec{cs * 0.45, 0, 0}
		}
	}
	core := smooth(l.size*1.05, 0, flat(p.x-l.bx, p.y-l.by))
	speck := 0.8 + 0.4*noise2(p.x*7, p.y*7, l.seed)
	m.colour = l.tint.lens.mul((0.1 + 0.14*l.haze + 0.16*core*(1-l.haze) + 0.06*rib) * speck)
	if l.power > 0 {
		hot := core * core * core * (1 - 0.6*l.haze)
		m.glow = l.tint.light.mix(vec{1, 0.95, 0.85}, 0.4*hot*hot).mul(
			l.power * (0.26 + 0.15*l.haze + 0.4*core + 1.7*hot) * (1 + 0.3*rib) * (0.45 + 0.55*n.z) * speck)
	}
}
