package main

import "math"

// light is a glowing ball that lights the scene from a known place.
type light struct {
	at     vec
	radius float64 // soft shadows come from a large one
	colour vec     // what a white matt wall facing it, at distance ref, would send back
	ref    float64 // the distance at which colour holds
	shade  *shade  // something outside the picture that throws a shadow, or nil
}

// shade is the edge of a shadow, or the bars of a window frame, across the light.
type shade struct {
	nx, ny, off float64 // the edge as a line on the panel
	soft        float64 // half width of the half shadow
	dark        float64 // light left in the shadow, 0..1
	bar         float64 // distance between bars, 0 for a single edge
}

// falls returns the share of light that reaches the panel near (x, y).
func (g *shade) falls(x, y float64) float64 {
	d := x*g.nx + y*g.ny - g.off
	if g.bar > 0 {
		d = math.Abs(d-g.bar*math.Floor(d/g.bar+0.5)) - g.bar*0.17
	}
	return lerp(g.dark, 1, smooth(-g.soft, g.soft, d))
}

// room is the space around the camera. Every mirror in the scene shows it, and it lights the shadows.
// It is a box from the panel wall at z = 0 to the wall behind the camera at z = depth.
type room struct {
	wide, high, deep, depth float64 // half width, ceiling, floor (both positive), depth
	wall, ceiling, floor    vec     // their colours times the light in the room
	seed                    uint64
	lamps                   []patch
	person                  patch // whoever holds the camera: a dark shape on the back wall
}

// patch is a soft-edged rectangle on a face of the room.
type patch struct {
	face         int // 0 back wall, 1 ceiling, 2 left, 3 right
	u, v, hu, hv float64
	light        vec
	bars         float64 // glazing bars of a window, 0 for none
}

// drawLight chooses the light of a scene: its direction, hardness, colour and share against the room.
func (s *scene) drawLight(r *random) {
	warmth := r.scale(2700, 8000)
	key := kelvin(warmth)
	share := r.in(0.15, 0.85) // of the light that comes from the lamp, the rest from the room
	around := r.in(0, 2*math.Pi)
	if r.chance(0.7) { // light mostly comes from above
		around = deg(90) + r.sway(deg(110))
	}
	steep := deg(r.in(28, 75))
	far := r.in(9, 16)
	at := vec{math.Cos(around) * math.Cos(steep), math.Sin(around) * math.Cos(steep), math.Sin(steep)}.mul(far)
	l := light{at: at, radius: r.scale(0.25, 3.2), colour: key.mul(share / math.Sin(steep)), ref: far}
	if r.chance(0.3) {
		a := r.in(0, 2*math.Pi)
		l.shade = &shade{nx: math.Cos(a), ny: math.Sin(a), off: r.in(-0.8, 0.8), soft: r.scale(0.03, 0.4), dark: r.in(0.1, 0.55)}
		if r.chance(0.3) {
			l.shade.bar = r.in(0.9, 2)
		}
	}
	s.lights = append(s.lights, l)
	s.drawRoom(r, kelvin(clamp(warmth*r.scale(0.75, 1.35), 2700, 8000)), 1-share)
}

func (s *scene) drawRoom(r *random, tint vec, level float64) {
	m := room{wide: r.in(8, 14), high: r.in(7, 12), deep: r.in(6, 10), depth: r.in(14, 26), seed: r.next()}
	grey := func(lo, hi float64) vec {
		g := r.in(lo, hi)
		return tint.tint(vec{g * r.in(0.9, 1.1), g, g * r.in(0.9, 1.1)}).mul(level)
	}
	m.wall, m.ceiling, m.floor = grey(0.5, 1), grey(0.7, 1.4), grey(0.1, 0.5)
	for range 1 + r.pick(3) {
		if r.chance(0.5) { // a tube under the ceiling
			m.lamps = append(m.lamps, patch{face: 1, u: r.in(-6, 6), v: r.in(3, 14), hu: r.scale(0.3, 4), hv: r.scale(0.2, 0.8),
				light: tint.mul(level * r.scale(4, 14))})
			continue
		}
		w := patch{face: choose(r, 0, 0, 2, 3), u: r.in(-5, 5), v: r.in(0, 5), hu: r.in(1, 3.5), hv: r.in(1, 3)}
		w.light = kelvin(r.scale(5000, 8000)).mul(level * r.scale(3, 9))
		if r.chance(0.6) {
			w.bars = r.in(0.8, 1.6)
		}
		m.lamps = append(m.lamps, w)
	}
	m.person = patch{u: r.in(-1, 1), v: r.in(-3, 0), hu: r.in(0.8, 2), hv: r.in(2, 4)}
	s.room = m
}

// seen returns the light that arrives at p from direction d, which must not point into the panel.
func (m *room) seen(p, d vec) vec {
	tx := (math.Copysign(m.wide, d.x) - p.x) / (d.x + math.Copysign(1e-9, d.x))
	ty := (m.high - p.y) / (d.y + 1e-9)
	if d.y < 0 {
		ty = (-m.deep - p.y) / (d.y - 1e-9)
	}
	tz := 1e9
	if d.z > 1e-6 {
		tz = (m.depth - p.z) / d.z
	}
	face, t := 0, tz
	base := m.wall
	if tx < t {
		face, t = 3, tx
		if d.x < 0 {
			face = 2
		}
	}
	if ty < t {
		face, t, base = 1, ty, m.ceiling
		if d.y < 0 {
			face, base = 4, m.floor
		}
	}
	q := p.along(d, t)
	u, v := q.x, q.y
	switch face {
	case 1, 4:
		v = q.z
	case 2, 3:
		u = q.z - m.depth/2
	}
	c := base.mul(0.35 + 1.1*cloud(u*0.21, v*0.21, 3, m.seed+uint64(face)))
	if face != 1 && noise2(u*0.3, v*0.22, m.seed^99) > 0.62 {
		c = c.mul(0.35) // cupboards, machines, doors
	}
	for i := range m.lamps {
		if w := &m.lamps[i]; w.face == face {
			c = c.add(w.light.mul(w.covers(u, v)))
		}
	}
	if face == 0 && m.person.covers(u, v) > 0 {
		c = c.mul(1 - 0.8*m.person.covers(u, v))
	}
	return c
}

// covers returns how far (u, v) is inside the patch, 0..1.
func (w *patch) covers(u, v float64) float64 {
	d := box2(u-w.u, v-w.v, w.hu, w.hv, 0.1)
	in := smooth(0.15, -0.15, d)
	if w.bars > 0 && in > 0 {
		a := math.Abs(u - w.u - w.bars*math.Floor((u-w.u)/w.bars+0.5))
		b := math.Abs(v - w.v - w.bars*1.4*math.Floor((v-w.v)/(w.bars*1.4)+0.5))
		in *= smooth(0.04, 0.12, math.Min(a, b))
	}
	return in
}

// kelvin returns the colour of light of a temperature between 2500 and 8000 K, of luma 1.
func kelvin(t float64) vec {
	table := [...]vec{{1.9, 0.82, 0.22}, {1.55, 0.9, 0.45}, {1.32, 0.95, 0.66}, {1.12, 0.98, 0.87}, {1, 1, 1.03}, {0.93, 1.005, 1.15}, {0.88, 1.01, 1.25}}
	at := clamp((t-2500)/1000, 0, 5.49) * 6 / 5.5
	i := int(at)
	c := table[i].mix(table[i+1], at-float64(i))
	return c.mul(1 / c.luma())
}
