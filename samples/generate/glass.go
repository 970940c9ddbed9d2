package main

import "math"

// glass is the flat pane over a dial: it shows the room faintly and carries dust, smears and sometimes a crack.
// It is seen by rays from the camera only.
type glass struct {
	z        float64
	inside   func(x, y float64) float64 // distance to its rim, negative inside
	dust     float64                    // 0 clean to 1
	strength float64                    // share reflected when seen head on
	bulge    float64                    // how much a domed pane bends its reflections, 0 flat
	seed     uint64
	scratch  []scratch
}

func drawGlass(r *random, z float64, inside func(x, y float64) float64) *glass {
	g := &glass{z: z, inside: inside, dust: r.unit() * r.unit(), strength: r.in(0.03, 0.1), bulge: r.unit() * r.unit() * 0.25, seed: r.next()}
	for range r.pick(5) {
		x, y, a, l := r.in(-0.8, 0.8), r.in(-0.8, 0.8), r.in(0, math.Pi), r.scale(0.1, 0.8)
		g.scratch = append(g.scratch, scratch{x, y, x + l*math.Cos(a), y + l*math.Sin(a), r.in(0.003, 0.007), 0})
	}
	return g
}

// meet returns the light that the pane adds to a ray that goes on for distance t, and the share it lets through.
func (g *glass) meet(s *scene, o, d vec, t float64, k *dice) (vec, float64) {
	if d.z >= 0 {
		return vec{}, 1
	}
	at := (g.z - o.z) / d.z
	if at > t {
		return vec{}, 1
	}
	p := o.along(d, at)
	if g.inside(p.x, p.y) > 0 {
		return vec{}, 1
	}
	smear := g.dust * smooth(0.35, 0.75, cloud(p.x*2.1, p.y*2.1, 4, g.seed))
	a, b := k.pair(onGlass)
	n := vec{p.x*g.bulge + (a-0.5)*0.12*smear, p.y*g.bulge + (b-0.5)*0.12*smear, 1}.norm()
	up := d.sub(n.mul(2 * d.dot(n)))
	up.z = math.Max(up.z, 0.05)
	f := g.strength + (1-g.strength)*fresnel(vec{}, -d.dot(n)).x
	veil := 0.02*g.dust + 0.09*smear
	for _, c := range g.scratch {
		if segment2(p.x, p.y, c.ax, c.ay, c.bx, c.by) < c.half {
			veil += 0.25
		}
	}
	light := s.room.wall.mul(0.6)
	for i := range s.lights {
		light = light.add(s.lights[i].colour.mul(0.7))
	}
	return s.room.seen(p, up).cap(9).mul(f).add(light.mul(veil)), (1 - f) * (1 - veil)
}
