package main

import "math"

// side is the width and height of a picture in pixels.
const side = 160

// camera is where one frame is taken from. A burst is one scene seen by several of them.
type camera struct {
	eye    vec
	aim    frame   // x right, y up, z backwards
	zoom   float64 // tangent of half the field of view
	focus  float64 // distance that is sharp
	lens   float64 // radius of the opening: what is not at focus blurs
	smearX float64 // movement while the shutter is open, in half picture widths
	smearY float64
	barrel float64 // lens distortion, negative bends edges inwards
}

// drawCamera places a camera roughly in front of the instrument, which it shows 0.75 to 0.95 of the picture wide.
func drawCamera(r *random) camera {
	half := r.scale(1.04, 1.34) // what fits into half a picture
	far := r.in(5.5, 11)
	yaw, pitch, roll := deg(r.sway(24)), deg(r.sway(16)), deg(r.sway(7))
	to := vec{math.Sin(yaw) * math.Cos(pitch), math.Sin(pitch), math.Cos(yaw) * math.Cos(pitch)}
	slack := half - 0.92
	target := vec{r.sway(slack * 0.6), r.sway(slack * 0.6), 0.2}
	c := camera{eye: target.add(to.mul(far)), zoom: half / far, barrel: r.in(-0.05, 0.02)}
	c.point(to, roll)
	off := r.sign() * r.in(0.03, 0.1)
	soft := 1.4 * r.unit() * r.unit() // radius of the blur at the panel, in pixels
	c.focus = far * (1 + off)
	c.lens = soft * half / (side / 2) / math.Abs(off)
	if r.chance(0.25) {
		a, l := r.in(0, 2*math.Pi), r.in(1, 4)/(side/2)
		c.smearX, c.smearY = l*math.Cos(a), l*math.Sin(a)
	}
	return c
}

func (c *camera) point(back vec, roll float64) {
	c.aim.z = back
	c.aim.x = vec{0, 1, 0}.cross(back).norm()
	c.aim.y = back.cross(c.aim.x)
	c.aim = c.aim.turned(roll)
}

// nudged is the camera a moment later: held by hand, or shaken by the machine.
func (c camera) nudged(r *random) camera {
	c.eye = c.eye.add(vec{r.gauss(), r.gauss(), r.gauss()}.mul(0.05))
	back := c.aim.z.add(vec{r.gauss(), r.gauss(), 0}.mul(0.006)).norm()
	x := c.aim.x
	c.aim.z = back
	c.aim.x = x.sub(back.mul(x.dot(back))).norm()
	c.aim.y = back.cross(c.aim.x)
	c.aim = c.aim.turned(deg(0.6 * r.gauss()))
	c.lens *= r.scale(0.8, 1.25)
	c.smearX, c.smearY = c.smearX+0.004*r.gauss(), c.smearY+0.004*r.gauss()
	return c
}

// ray returns the ray of one path through the picture point (x, y), each in [-1, 1], y up.
func (c *camera) ray(x, y float64, k *dice) (o, d vec) {
	t, _ := k.pair(onTime)
	x, y = x+c.smearX*(t-0.5), y+c.smearY*(t-0.5)
	bend := c.zoom * (1 + c.barrel*(x*x+y*y))
	sharp := c.eye.add(c.aim.out(vec{x * bend, y * bend, -1}.mul(c.focus)))
	a, b := k.pair(onLens)
	sn, cs := math.Sincos(2 * math.Pi * a)
	q := c.lens * math.Sqrt(b)
	o = c.eye.add(c.aim.x.mul(q * cs)).add(c.aim.y.mul(q * sn))
	return o, sharp.sub(o).norm()
}

// expose renders the light on the sensor: side*side linear RGB values, row by row from the top.
// paths is the number of paths per pixel, a power of two.
func (c *camera) expose(s *scene, paths int, seed uint64) []vec {
	raw := make([]vec, side*side)
	for row := range side {
		for col := range side {
			k := dice{paths: paths, shift: *stream(seed, uint64(row*side+col))}
			sum := vec{}
			for k.path = range paths {
				a, b := k.pair(onPixel)
				x := (float64(col)+a)/(side/2) - 1
				y := 1 - (float64(row)+b)/(side/2)
				o, d := c.ray(x, y, &k)
				sum = sum.add(s.trace(o, d, &k).cap(12))
			}
			raw[row*side+col] = sum.mul(1 / float64(paths))
		}
	}
	return raw
}
