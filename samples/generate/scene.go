package main

import "math"

// scene is everything in front of one camera: the panel at z = 0, the bodies on it, the light around it.
// It is read only once built.
type scene struct {
	panel  panel
	bodies []body
	glass  *glass // nil without one
	lights []light
	room   room
	top    float64 // height of the tallest body
}

// body is one solid thing on the panel.
type body struct {
	shape  shape
	at     vec
	turn   frame
	lo, hi vec // world box around it
	skin   *skin
	clear  bool // casts no shadow: the lens of a lamp that is lit
}

// skin is the material of a body.
type skin struct {
	look   surface
	grunge float64                    // wear and dirt, 0 new to 1 never cleaned
	paint  func(p, n vec, s *surface) // refines the look at a local point, or nil
}

// surface is how a point answers to light.
type surface struct {
	colour vec     // share of light scattered back, linear RGB 0..1; of a metal the mirror colour
	rough  float64 // 0.03 mirror to 1 matt
	metal  float64 // 0 or 1, or between on worn edges
	glow   vec     // light of its own
	bump   vec     // added to the normal before it is scaled to length 1
}

// put adds a body: shape at point at, turned by turn, inside the local box lo..hi.
func (s *scene) put(sh shape, at vec, turn frame, lo, hi vec, k *skin) *body {
	b := body{shape: sh, at: at, turn: turn, skin: k}
	mid := at.add(turn.out(lo.add(hi).mul(0.5)))
	h := hi.sub(lo).mul(0.5)
	reach := vec{
		math.Abs(turn.x.x)*h.x + math.Abs(turn.y.x)*h.y + math.Abs(turn.z.x)*h.z,
		math.Abs(turn.x.y)*h.x + math.Abs(turn.y.y)*h.y + math.Abs(turn.z.y)*h.z,
		math.Abs(turn.x.z)*h.x + math.Abs(turn.y.z)*h.y + math.Abs(turn.z.z)*h.z,
	}
	b.lo, b.hi = mid.sub(reach), mid.add(reach)
	s.top = math.Max(s.top, b.hi.z)
	s.bodies = append(s.bodies, b)
	return &s.bodies[len(s.bodies)-1]
}

// round adds an upright body that fits in a cylinder of radius r and height h standing at point at.
func (s *scene) round(sh shape, at vec, turn frame, r, h float64, k *skin) *body {
	return s.put(sh, at, turn, vec{-r, -r, 0}, vec{r, r, h}, k)
}

// distance is the distance from the world point p to the body.
func (b *body) distance(p vec) float64 { return b.shape(b.turn.in(p.sub(b.at))) }

// normal returns the outward direction at a point on the body (four samples on a tetrahedron).
func (b *body) normal(p vec) vec {
	const e = 0.0015
	q := b.turn.in(p.sub(b.at))
	a := b.shape(vec{q.x + e, q.y - e, q.z - e})
	c := b.shape(vec{q.x - e, q.y - e, q.z + e})
	d := b.shape(vec{q.x - e, q.y + e, q.z - e})
	f := b.shape(vec{q.x + e, q.y + e, q.z + e})
	return b.turn.out(vec{a - c - d + f, -a - c + d + f, -a + c - d + f + 1e-9}.norm())
}

// window returns where the line o + t*d is inside the box of the body; enter > leave when it misses.
func (b *body) window(o, inv vec) (enter, leave float64) {
	x0, x1 := (b.lo.x-o.x)*inv.x, (b.hi.x-o.x)*inv.x
	if x0 > x1 {
		x0, x1 = x1, x0
	}
	y0, y1 := (b.lo.y-o.y)*inv.y, (b.hi.y-o.y)*inv.y
	if y0 > y1 {
		y0, y1 = y1, y0
	}
	z0, z1 := (b.lo.z-o.z)*inv.z, (b.hi.z-o.z)*inv.z
	if z0 > z1 {
		z0, z1 = z1, z0
	}
	return max(x0, y0, z0), min(x1, y1, z1)
}

const (
	nothing = -2 // a ray that leaves into the room
	panelID = -1 // a ray that ends on the panel
)

// cast follows a ray to the first thing in its way, at most to distance far.
//
// It returns the distance and the index of the body, panelID or nothing. Rays start outside all bodies.
// With shadow set it skips clear bodies, and any body in the way will do.
func (s *scene) cast(o, d vec, far float64, shadow bool) (float64, int) {
	hit := nothing
	if d.z < -1e-6 {
		if t := -o.z / d.z; t < far {
			far, hit = t, panelID
		}
	}
	inv := vec{1 / (d.x + 1e-12), 1 / (d.y + 1e-12), 1 / (d.z + 1e-12)}
	type span struct {
		enter, leave float64
		id           int
	}
	var spans [64]span
	n := 0
	for i := range s.bodies {
		b := &s.bodies[i]
		if shadow && b.clear {
			continue
		}
		in, out := b.window(o, inv)
		if in = max(in, 0); in >= out || in >= far || n == len(spans) {
			continue
		}
		k := n // kept sorted by entry: the first hit usually ends the search
		for ; k > 0 && spans[k-1].enter > in; k-- {
			spans[k] = spans[k-1]
		}
		spans[k] = span{in, out, i}
		n++
	}
	for _, w := range spans[:n] {
		if w.enter >= far {
			break
		}
		if t, ok := s.bodies[w.id].walk(o, d, w.enter, math.Min(w.leave, far)); ok {
			far, hit = t, w.id
			if shadow {
				break
			}
		}
	}
	return far, hit
}

// walk steps along a ray between two distances until it touches the body.
func (b *body) walk(o, d vec, from, to float64) (float64, bool) {
	lo, ld := b.turn.in(o.sub(b.at)), b.turn.in(d)
	t := from
	for range 80 {
		r := b.shape(lo.along(ld, t))
		if r < 0.0006 {
			return t, true
		}
		if t += r * 0.95; t > to {
			return 0, false
		}
	}
	return t, true // grazing: so close for so long that it counts as a touch
}

// nearest returns the distance from a panel point to the nearest body within reach, or reach.
func (s *scene) nearest(p vec, reach float64) float64 {
	for i := range s.bodies {
		b := &s.bodies[i]
		if p.x > b.lo.x-reach && p.x < b.hi.x+reach && p.y > b.lo.y-reach && p.y < b.hi.y+reach && b.lo.z < reach {
			reach = math.Min(reach, math.Max(b.distance(p), 0))
		}
	}
	return reach
}
