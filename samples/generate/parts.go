package main

import "math"

// The parts that every instrument shares: metals, screws, label plates, and the neighbours that reach into
// the picture.

func metalSkin(hex int, rough, grunge float64) *skin {
	return &skin{look: surface{colour: rgb(hex), rough: rough, metal: 1}, grunge: grunge}
}

func plasticSkin(colour vec, rough, grunge float64) *skin {
	return &skin{look: surface{colour: colour, rough: rough}, grunge: grunge}
}

// drawMetal returns a bare metal: chrome, steel, brass, aluminium or blackened.
func drawMetal(r *random) *skin {
	hex := choose(r, 0xd6d6d8, 0xb4b2ae, 0xc9a659, 0xcacdd0, 0x4a4846)
	return metalSkin(hex, r.scale(0.1, 0.45), r.in(0.1, 0.9))
}

// drawDark returns a dark plastic or lacquer.
func drawDark(r *random) *skin {
	c := rgb(choose(r, 0x161616, 0x1f1b18, 0x26282b, 0x14181c))
	return plasticSkin(c, r.in(0.15, 0.5), r.in(0.1, 0.7))
}

// drawUnlike returns one of the colours that stands out against another: a handle that cannot be seen on its
// plate would leave the picture without an answer.
func drawUnlike(r *random, back vec, of ...int) vec {
	apart := func(a, b vec) float64 {
		return vec{math.Sqrt(a.x) - math.Sqrt(b.x), math.Sqrt(a.y) - math.Sqrt(b.y), math.Sqrt(a.z) - math.Sqrt(b.z)}.len()
	}
	best := rgb(choose(r, of...))
	for range 6 {
		if apart(best, back) > 0.4 {
			break
		}
		if c := rgb(choose(r, of...)); apart(c, back) > apart(best, back) {
			best = c
		}
	}
	return best
}

// drawCase returns the material of a bezel or a housing.
func drawCase(r *random) *skin {
	switch r.pick(3) {
	case 0:
		return drawMetal(r)
	case 1:
		return drawDark(r)
	}
	return plasticSkin(drawPaint(r), r.in(0.2, 0.55), r.in(0.1, 0.9))
}

// screw is the kind of screw that one instrument is held by: the same on all its corners.
type screw struct {
	kind   int // 0 slot, 1 cross, 2 hexagon socket, 3 hexagon head, 4 rivet
	radius float64
	skin   *skin
}

func drawScrew(r *random) screw {
	return screw{r.pick(5), r.in(0.055, 0.1), metalSkin(choose(r, 0xb8b8b8, 0x8a8680, 0x3a3836, 0xb59a58), r.in(0.2, 0.5), r.in(0.2, 1))}
}

// drive adds a screw at (x, y) on a surface at height z.
func (s *scene) drive(w screw, r *random, x, y, z float64) {
	a, h := w.radius, w.radius*0.55
	head := disc(a, h, a*0.25)
	slot := func(turn float64) shape {
		sn, cs := math.Sincos(turn)
		return func(p vec) float64 {
			u, v := p.x*cs+p.y*sn, p.y*cs-p.x*sn
			return extrude(box2(u, v, a*1.2, a*0.14, 0), p.z-h, h*0.6, 0)
		}
	}
	sh := head
	switch w.kind {
	case 0:
		sh = minus(head, slot(0))
	case 1:
		sh = minus(head, both(slot(0), slot(math.Pi/2)))
	case 2:
		sh = minus(head, func(p vec) float64 { return extrude(hex2(p.x, p.y, a*0.5), p.z-h, h*0.7, 0) })
	case 3:
		sh = nut(a*0.95, h*1.3)
	case 4:
		sh = dome(a*0.9, h)
	}
	s.round(sh, vec{x, y, z}, upright.turned(r.in(0, math.Pi)), a*1.15, h*1.4, w.skin)
	if z < 0.05 && r.chance(0.5) {
		s.panel.streaks = append(s.panel.streaks, streak{x, y, r.in(0.04, 0.12), r.in(0.2, 1.1)})
	}
}

// corners drives four screws at (±dx, ±dy).
func (s *scene) corners(w screw, r *random, dx, dy, z float64) {
	for _, sx := range []float64{-1, 1} {
		for _, sy := range []float64{-1, 1} {
			s.drive(w, r, sx*dx, sy*dy, z)
		}
	}
}

// labels are what people wrote on machines. None of them says anything about the state of an instrument.
var labels = []string{"PUMP 2", "MAIN", "LINE 3", "NR 14", "MOTOR", "FEED", "OIL", "WATER", "STEAM", "UNIT 7", "K1", "Q12", "B4",
	"FAN", "HEATER", "TANK A", "COOLING", "P-103", "V-21", "DRIVE", "SPINDLE", "MIXER"}

// label adds a plate with a word at (x, y), which may be partly out of the picture.
func (s *scene) label(r *random, x, y float64) {
	word := labels[r.pick(len(labels))]
	size := r.in(0.11, 0.17)
	l := write(word, 0, 0, size, size*0.09)
	back, ink := rgb(0xe8e6dc), rgb(0x101010)
	switch r.pick(4) {
	case 0:
		back, ink = ink, back
	case 1:
		back, ink = rgb(0x902018), rgb(0xf0ece0)
	case 2:
		back = rgb(0xb8a060)
	}
	k := plasticSkin(back, r.in(0.2, 0.5), r.in(0.1, 0.8))
	k.paint = func(p, n vec, m *surface) {
		if n.z > 0.5 && l.covers(p.x, p.y) {
			m.colour = ink
		}
	}
	hx, hy := l.w+0.09, l.h+0.06
	s.put(slab(hx, hy, 0.03, 0.02, 0.008), vec{x, y, 0}, upright.turned(deg(r.sway(2))), vec{-hx, -hy, 0}, vec{hx, hy, 0.03}, k)
}

// neighbours adds what else is on the panel: a label, and things in the corners that are cut off by the
// picture's edge. None of them is one of the ten classes.
func (s *scene) neighbours(r *random) {
	if r.chance(0.55) {
		s.label(r, r.sway(0.5), r.sign()*r.in(1.28, 1.5))
	}
	w := drawScrew(r)
	for _, sx := range []float64{-1, 1} {
		for _, sy := range []float64{-1, 1} {
			x, y := sx*r.in(1.2, 1.75), sy*r.in(1.2, 1.75)
			switch what := r.unit(); {
			case what < 0.35:
				s.drive(w, r, x, y, 0)
			case what < 0.43:
				s.knob(r, x*1.2, y*1.2)
			case what < 0.5:
				s.blind(r, x*1.15, y*1.15)
			}
		}
	}
	if r.chance(0.22) { // a conduit along an edge
		k := drawCase(r)
		radius, off := r.in(0.07, 0.18), r.sign()*r.in(1.3, 1.8)
		turn, at := upright, vec{0, off, radius + 0.02}
		if r.chance(0.5) {
			turn, at = upright.turned(math.Pi/2), vec{off, 0, radius + 0.02}
		}
		s.put(pipe(5, radius, 0), at, turn, vec{-5, -radius, -radius}, vec{5, radius, radius}, k)
	}
}

// knob adds a fluted knob without a pointer.
func (s *scene) knob(r *random, x, y float64) {
	a, h := r.in(0.25, 0.45), r.in(0.2, 0.4)
	n := float64(8 + r.pick(12))
	sh := func(p vec) float64 {
		q := flat(p.x, p.y)
		return extrude(q-a+0.03*a*math.Cos(n*math.Atan2(p.y, p.x)), p.z-h/2, h/2, 0.05) * 0.85
	}
	s.round(sh, vec{x, y, 0}, upright, a*1.05, h, drawDark(r))
}

// blind adds a blind cap on a round flange.
func (s *scene) blind(r *random, x, y float64) {
	a := r.in(0.25, 0.4)
	k := drawCase(r)
	s.round(disc(a, 0.06, 0.02), vec{x, y, 0}, upright, a, 0.06, k)
	s.round(nut(a*0.55, 0.14), vec{x, y, 0.06}, upright.turned(r.in(0, 3)), a*0.7, 0.14, k)
}
