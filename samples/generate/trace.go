package main

import "math"

// dice hands out the random numbers of one path. Paths of a pixel share out the unit square evenly
// (a Kronecker sequence, shifted at random per pixel and purpose), so a few paths already look smooth.
type dice struct {
	path, paths int
	shift       random
}

// pair returns two numbers in [0, 1) for the k-th decision of this path. k must be odd and small.
func (k *dice) pair(purpose int) (float64, float64) {
	r := random{k.shift.state ^ uint64(purpose)*0x9fb21c651e98df25}
	i := float64((k.path*purpose + purpose) % k.paths)
	a := r.unit() + i*0.7548776662466927
	b := r.unit() + i*0.5698402909980532
	return a - math.Floor(a), b - math.Floor(b)
}

// The decisions of a path, as numbers for dice.pair.
const (
	onPixel  = 1
	onLens   = 3
	onTime   = 5
	onGlass  = 7
	onChoice = 9
	onBounce = 11
	onLight  = 13 // and 15, 17 ... one for each further light
)

// trace returns the light that comes back along a ray from the camera.
func (s *scene) trace(o, d vec, k *dice) vec {
	t, id := s.cast(o, d, 1e9, false)
	sum, through := vec{}, 1.0
	if s.glass != nil {
		sum, through = s.glass.meet(s, o, d, t, k)
	}
	if id == nothing {
		return sum.add(s.room.seen(o, vec{d.x, d.y, math.Abs(d.z)}).mul(through))
	}
	p := o.along(d, t)
	m, n := s.look(p, id, true)
	return sum.add(s.shine(p, n, d.mul(-1), &m, k).mul(through))
}

// look returns the surface and the normal at a point of a body or of the panel.
func (s *scene) look(p vec, id int, detail bool) (surface, vec) {
	if id == panelID {
		near := 0.3
		if detail {
			near = s.nearest(p, near)
		}
		m := s.panel.at(p.x, p.y, near, detail)
		return m, vec{m.bump.x, m.bump.y, 1}.norm()
	}
	b := &s.bodies[id]
	n := b.normal(p)
	m := b.skin.look
	if !detail && b.skin.paint == nil {
		return m, n
	}
	q := b.turn.in(p.sub(b.at))
	if b.skin.paint != nil {
		b.skin.paint(q, b.turn.in(n), &m)
	}
	if g := b.skin.grunge; g > 0 && detail {
		u, v, seed := q.x+0.7*q.z+b.at.x*3, q.y+0.6*q.z+b.at.y*3, s.panel.seed+77
		dirt := g * smooth(0.4, 0.8, cloud(u*2.3, v*2.3, 4, seed))
		m.colour = m.colour.mix(rgb(0x2a241c), 0.7*dirt)
		m.rough = lerp(m.rough, 0.8, 0.7*dirt) + 0.12*g*noise2(u*19, v*19, seed)
		m.metal *= 1 - 0.6*dirt
		m.bump = m.bump.add(vec{noise2(u*40, v*40, seed+1) - 0.5, noise2(u*40, v*40, seed+2) - 0.5, 0}.mul(0.14 * g))
	}
	if m.bump != (vec{}) {
		n = n.add(b.turn.out(m.bump)).norm()
	}
	return m, n
}

// shine returns the light that a point sends towards v: its own glow, the lights, and one further bounce.
func (s *scene) shine(p, n, v vec, m *surface, k *dice) vec {
	nv := n.dot(v)
	if nv < 0.05 { // a bump turned away from the eye
		n = n.add(v.mul(0.06 - nv)).norm()
		nv = math.Max(n.dot(v), 0.03)
	}
	m.rough = clamp(m.rough, 0.05, 1)
	matt := m.colour.mul(1 - m.metal)
	mirror := vec{0.04, 0.04, 0.04}.mix(m.colour, m.metal)
	start := p.along(n, 0.004)
	sum := m.glow
	for i := range s.lights {
		l := &s.lights[i]
		sum = sum.add(s.lit(l, start, n, v, nv, m, matt, mirror, k, onLight+2*i))
	}
	f := fresnel(mirror, nv)
	shareMirror := clamp(f.luma()/(f.luma()+matt.luma()+1e-6), 0.12, 1)
	if m.metal > 0.99 {
		shareMirror = 1
	}
	a, b := k.pair(onBounce)
	x, y := around(n)
	sn, cs := math.Sincos(2 * math.Pi * a)
	if c, _ := k.pair(onChoice); c < shareMirror {
		al := m.rough * m.rough
		ct := math.Sqrt((1 - b) / (1 + (al*al-1)*b))
		st := math.Sqrt(math.Max(0, 1-ct*ct))
		h := x.mul(st * cs).add(y.mul(st * sn)).add(n.mul(ct))
		d := h.mul(2 * h.dot(v)).sub(v)
		if d.dot(n) <= 0.01 {
			return sum
		}
		return sum.add(s.incoming(start, d).cap(lerp(9, 1.6, smooth(0.08, 0.4, m.rough))).tint(f).mul(1 / shareMirror))
	}
	st := math.Sqrt(b)
	d := x.mul(st * cs).add(y.mul(st * sn)).add(n.mul(math.Sqrt(1 - b)))
	return sum.add(s.incoming(start, d).cap(2).tint(matt).mul((1 - f.luma()) / (1 - shareMirror)))
}

// lit returns what one light adds at a point.
func (s *scene) lit(l *light, p, n, v vec, nv float64, m *surface, matt, mirror vec, k *dice, purpose int) vec {
	to := l.at.sub(p)
	a, b := k.pair(purpose)
	u, w := around(to.norm())
	sn, cs := math.Sincos(2 * math.Pi * a)
	reach := l.radius * math.Sqrt(b)
	to = to.add(u.mul(reach * cs)).add(w.mul(reach * sn))
	far := to.len()
	d := to.mul(1 / far)
	nl := n.dot(d)
	if nl <= 0 {
		return vec{}
	}
	if _, id := s.cast(p, d, far-l.radius*0.5, true); id != nothing {
		return vec{}
	}
	power := l.colour.mul(nl * l.ref * l.ref / (far * far))
	if l.shade != nil {
		power = power.mul(l.shade.falls(p.x+0.3*p.z, p.y-0.3*p.z))
	}
	h := d.add(v).norm()
	rough := math.Min(1, m.rough+l.radius/(2*far)) // a large lamp makes a large highlight
	al := rough * rough * rough * rough
	nh := n.dot(h)
	q := nh*nh*(al-1) + 1
	geo := 0.25 / (lerp(nl, 1, rough*0.5) * lerp(nv, 1, rough*0.5))
	gleam := math.Min(al/(q*q)*geo, 30)
	return matt.add(fresnel(mirror, v.dot(h)).mul(gleam)).tint(power)
}

// incoming returns the light that reaches p from direction d, by a cheap view of whatever is there.
func (s *scene) incoming(p, d vec) vec {
	t, id := s.cast(p, d, 40, false)
	if id == nothing {
		return s.room.seen(p, vec{d.x, d.y, math.Max(d.z, 1e-3)})
	}
	q := p.along(d, t)
	m, n := s.look(q, id, false)
	light := s.room.wall.mul(0.55)
	for i := range s.lights {
		l := &s.lights[i]
		to := l.at.sub(q)
		far := to.len()
		c := math.Max(0, n.dot(to)/far) * 0.8
		if l.shade != nil {
			c *= l.shade.falls(q.x, q.y)
		}
		light = light.add(l.colour.mul(c * l.ref * l.ref / (far * far)))
	}
	return m.glow.add(m.colour.tint(light))
}

// fresnel is Schlick's approximation: mirrors get brighter at grazing angles.
func fresnel(f0 vec, cos float64) vec {
	c := 1 - clamp(cos, 0, 1)
	c = c * c * c * c * c
	return f0.mul(1 - c).add(vec{c, c, c})
}
