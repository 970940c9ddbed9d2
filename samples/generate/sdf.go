package main

import "math"

// shape is a signed distance function: the distance from a local point to a surface, negative inside.
// It may say less than the true distance, never much more: rays walk by it.
type shape func(p vec) float64

// extrude makes a solid out of a flat outline: d is the distance to the outline, z the height above the
// middle, half the half thickness, bevel the rounding of its edges.
func extrude(d, z, half, bevel float64) float64 {
	a, b := d+bevel, math.Abs(z)-half+bevel
	return math.Min(math.Max(a, b), 0) + flat(math.Max(a, 0), math.Max(b, 0)) - bevel
}

// box2 is the distance to a rectangle with half sides hx, hy and corner radius r.
func box2(x, y, hx, hy, r float64) float64 {
	a, b := math.Abs(x)-hx+r, math.Abs(y)-hy+r
	return math.Min(math.Max(a, b), 0) + flat(math.Max(a, 0), math.Max(b, 0)) - r
}

// hex2 is the distance to a hexagon whose flats are r from the centre.
func hex2(x, y, r float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	return math.Max(x, x*0.5+y*0.8660254037844386) - r
}

// segment2 is the distance from (x, y) to the straight line from (ax, ay) to (bx, by).
func segment2(x, y, ax, ay, bx, by float64) float64 {
	dx, dy := bx-ax, by-ay
	t := clamp(((x-ax)*dx+(y-ay)*dy)/(dx*dx+dy*dy+1e-12), 0, 1)
	return flat(x-ax-dx*t, y-ay-dy*t)
}

// disc is a cylinder from z = 0 to z = h.
func disc(r, h, bevel float64) shape {
	return func(p vec) float64 { return extrude(flat(p.x, p.y)-r, p.z-h/2, h/2, bevel) }
}

// ring is a tube wall between radii in and out, from z = 0 to z = h.
func ring(in, out, h, bevel float64) shape {
	mid, half := (in+out)/2, (out-in)/2
	return func(p vec) float64 {
		return extrude(math.Abs(flat(p.x, p.y)-mid)-half, p.z-h/2, h/2, bevel)
	}
}

// slab is a rectangular plate with half sides hx, hy and corner radius r, from z = 0 to z = h.
func slab(hx, hy, h, r, bevel float64) shape {
	return func(p vec) float64 { return extrude(box2(p.x, p.y, hx, hy, r), p.z-h/2, h/2, bevel) }
}

// nut is a hexagonal plate from z = 0 to z = h. Its upper corners are turned off as on a real nut.
func nut(r, h float64) shape {
	return func(p vec) float64 {
		d := extrude(hex2(p.x, p.y, r), p.z-h/2, h/2, 0.01)
		return math.Max(d, (flat(p.x, p.y)+p.z-r*1.08-h)*0.7)
	}
}

// dome is the upper half of an ellipsoid of radius r and height h, standing on z = 0.
func dome(r, h float64) shape {
	return func(p vec) float64 {
		q := vec{p.x / r, p.y / r, p.z / h}
		g := vec{q.x / r, q.y / r, q.z / h}
		k := q.len()
		return math.Max(k*(k-1)/(g.len()+1e-9), -p.z)
	}
}

// pipe is a round bar along x from -l to l.
func pipe(l, r, bevel float64) shape {
	return func(p vec) float64 { return extrude(flat(p.y, p.z)-r, p.x, l, bevel) }
}

// minus cuts b out of a.
func minus(a, b shape) shape {
	return func(p vec) float64 { return math.Max(a(p), -b(p)) }
}

// both joins a and b.
func both(a, b shape) shape {
	return func(p vec) float64 { return math.Min(a(p), b(p)) }
}

// moved shifts a shape by d.
func moved(a shape, d vec) shape {
	return func(p vec) float64 { return a(p.sub(d)) }
}
