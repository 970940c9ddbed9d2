package main

import "math"

// vec is a point, a direction or a linear RGB colour.
//
// World axes: x to the right of the panel, y up, z out of the panel towards the camera.
// One unit is about the radius of the instrument in the picture.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec              { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec              { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) mul(s float64) vec          { return vec{a.x * s, a.y * s, a.z * s} }
func (a vec) tint(b vec) vec             { return vec{a.x * b.x, a.y * b.y, a.z * b.z} }
func (a vec) dot(b vec) float64          { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) len() float64               { return math.Sqrt(a.dot(a)) }
func (a vec) mix(b vec, t float64) vec   { return a.mul(1 - t).add(b.mul(t)) }
func (a vec) luma() float64              { return 0.2126*a.x + 0.7152*a.y + 0.0722*a.z }
func (a vec) along(d vec, t float64) vec { return vec{a.x + d.x*t, a.y + d.y*t, a.z + d.z*t} }

// norm returns a scaled to length 1. a must not be zero.
func (a vec) norm() vec { return a.mul(1 / a.len()) }

// cross returns the right-handed cross product.
func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// cap limits every channel to at most m. It keeps single bright paths from becoming white dots.
func (a vec) cap(m float64) vec {
	return vec{math.Min(a.x, m), math.Min(a.y, m), math.Min(a.z, m)}
}

// around returns two unit vectors that form a right-handed frame with the unit vector n.
func around(n vec) (u, v vec) {
	if math.Abs(n.z) > 0.7 {
		u = vec{1, 0, 0}.cross(n).norm()
	} else {
		u = vec{0, 0, 1}.cross(n).norm()
	}
	return u, n.cross(u)
}

// frame is a rotation: the local axes of a body written in world coordinates.
type frame struct{ x, y, z vec }

var upright = frame{vec{1, 0, 0}, vec{0, 1, 0}, vec{0, 0, 1}}

// out turns a local direction into a world direction.
func (f frame) out(p vec) vec { return f.x.mul(p.x).add(f.y.mul(p.y)).add(f.z.mul(p.z)) }

// in turns a world direction into a local direction.
func (f frame) in(p vec) vec { return vec{f.x.dot(p), f.y.dot(p), f.z.dot(p)} }

// turned returns f turned about its own z axis by a radians, counter-clockwise as the camera sees it.
func (f frame) turned(a float64) frame {
	s, c := math.Sincos(a)
	return frame{f.x.mul(c).add(f.y.mul(s)), f.y.mul(c).sub(f.x.mul(s)), f.z}
}

func clamp(x, lo, hi float64) float64 { return math.Max(lo, math.Min(hi, x)) }

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// smooth rises from 0 at a to 1 at b with flat ends. a may be larger than b: then it falls.
func smooth(a, b, x float64) float64 {
	t := clamp((x-a)/(b-a), 0, 1)
	return t * t * (3 - 2*t)
}

// flat returns the length of the vector (x, y).
//
// math.Hypot and math.Exp are avoided in this program: they are assembly on some machines and pick their
// instructions by processor, so their last bit, and with it the bytes of a picture, could differ.
func flat(x, y float64) float64 { return math.Sqrt(x*x + y*y) }

// deg converts degrees to radians.
func deg(a float64) float64 { return a * math.Pi / 180 }
