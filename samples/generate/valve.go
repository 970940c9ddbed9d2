package main

import "math"

// valve adds a quarter-turn valve in a pipe. Its handle lies along the pipe when open, and across it when closed.
func (s *scene) valve(r *random, open bool) {
	axis := deg(r.sway(3)) // of the pipe
	if r.chance(0.5) {
		axis += math.Pi
	}
	handle := upright.turned(axis + deg(r.sway(5)))
	if !open {
		handle = handle.turned(r.sign() * math.Pi / 2)
	}
	along := upright.turned(axis)
	z := r.in(0.34, 0.5)
	at := vec{0, 0, z}
	tube := drawMetal(r)
	if r.chance(0.6) {
		tube = plasticSkin(drawPaint(r), r.in(0.2, 0.5), r.in(0.2, 1))
	}
	body := tube
	if r.chance(0.6) {
		body = metalSkin(choose(r, 0xc6a25a, 0xb8b6b2, 0x9a8a60), r.in(0.15, 0.4), r.in(0.2, 1))
	}
	thin := r.in(0.19, 0.26)
	s.put(pipe(6, thin, 0), at, along, vec{-6, -thin, -thin}, vec{6, thin, thin}, tube)
	s.valveBody(r, at, along, thin, body)
	s.clamp(r, at, along, thin)
	stem := z + thin + 0.12
	s.round(disc(thin*0.75, stem+0.1-z, 0.02), at, upright, thin, stem+0.1-z, body)
	s.round(nut(thin*0.85, 0.1), vec{0, 0, stem - 0.04}, upright.turned(r.in(0, 1)), thin*1.05, 0.1, body)
	s.handle(r, handle, stem+0.08, tube.look.colour)
}

// valveBody adds the thick middle and its two hexagons or flanges.
func (s *scene) valveBody(r *random, at vec, along frame, thin float64, k *skin) {
	fat, half := thin*r.in(1.35, 1.6), r.in(0.3, 0.42)
	ball := func(p vec) float64 {
		q := flat(p.y, p.z)
		w := lerp(fat, thin*1.15, smooth(0, half, math.Abs(p.x)))
		return math.Max(q-w, math.Abs(p.x)-half-0.05) * 0.8
	}
	s.put(ball, at, along, vec{-half - 0.05, -fat, -fat}, vec{half + 0.05, fat, fat}, k)
	flange := r.chance(0.35)
	for _, side := range []float64{-1, 1} {
		end := at.add(along.x.mul(side * (half + 0.1)))
		if flange {
			s.put(pipe(0.05, fat*1.12, 0.015), end, along, vec{-0.05, -fat * 1.12, -fat * 1.12}, vec{0.05, fat * 1.12, fat * 1.12}, k)
			continue
		}
		a := thin * 1.25
		sh := func(p vec) float64 { return extrude(hex2(p.y, p.z, a), p.x, 0.14, 0.02) }
		s.put(sh, end, along, vec{-0.14, -a * 1.2, -a * 1.2}, vec{0.14, a * 1.2, a * 1.2}, k)
	}
}

// clamp adds the bracket that holds the pipe on the panel.
func (s *scene) clamp(r *random, at vec, along frame, thin float64) {
	k := drawMetal(r)
	for _, side := range []float64{-1, 1} {
		if !r.chance(0.5) {
			continue
		}
		p := at.add(along.x.mul(side * r.in(1, 1.35)))
		s.put(pipe(0.09, thin+0.03, 0.01), p, along, vec{-0.09, -thin - 0.03, -thin - 0.03}, vec{0.09, thin + 0.03, thin + 0.03}, k)
		wide := thin + 0.22
		foot := func(q vec) float64 { return extrude(box2(q.x, q.y, 0.09, wide, 0.02), q.z-0.02, 0.02, 0.005) }
		s.put(foot, vec{p.x, p.y, 0}, along, vec{-0.09, -wide, 0}, vec{0.09, wide, 0.04}, k)
	}
}

// handle adds the handle at height z, its length along the x axis of turn. back is the colour behind it.
func (s *scene) handle(r *random, turn frame, z float64, back vec) {
	grip := plasticSkin(drawUnlike(r, back, 0xa81c14, 0xc8a020, 0x1c4a90, 0x161616, 0x2a6a3a, 0xc0b8a8), r.in(0.15, 0.5), r.in(0.1, 0.8))
	metal := metalSkin(choose(r, 0xc8c8ca, 0x9a9894), r.in(0.2, 0.45), r.in(0.2, 0.9))
	at := vec{0, 0, z}
	switch r.pick(3) {
	case 0: // a long lever to one side, the usual ball valve
		long, wide := r.in(0.95, 1.15), r.in(0.085, 0.13)
		bar := func(p vec) float64 {
			return extrude(box2(p.x-long/2+0.08, p.y, long/2+0.08, wide*0.8, wide*0.7), p.z-0.03, 0.03, 0.01)
		}
		s.put(bar, at, turn, vec{-0.2, -wide, 0}, vec{long, wide, 0.06}, metal)
		from := long * r.in(0.3, 0.45)
		sleeve := func(p vec) float64 {
			return extrude(box2(p.x-(from+long)/2, p.y, (long-from)/2+0.05, wide, wide*0.8), p.z-0.03, 0.075, 0.05)
		}
		s.put(sleeve, at, turn, vec{from - 0.06, -wide, -0.05}, vec{long + 0.06, wide, 0.11}, grip)
	case 1: // a wing handle
		long, wide := r.in(0.55, 0.75), r.in(0.1, 0.15)
		wing := func(p vec) float64 {
			x := math.Abs(p.x)
			w := wide * lerp(0.7, 1.25, smooth(0.1, long, x))
			return extrude(math.Max(math.Abs(p.y)-w, x-long), p.z-0.05-0.1*smooth(0.1, long, x), 0.06, 0.04) * 0.8
		}
		s.put(wing, at, turn, vec{-long, -0.2, -0.02}, vec{long, 0.2, 0.24}, grip)
	default: // a long oval key
		long, wide, high := r.in(0.5, 0.7), r.in(0.12, 0.17), r.in(0.16, 0.3)
		key := func(p vec) float64 {
			return extrude(box2(p.x, p.y, long, wide, wide), p.z-high/2, high/2, 0.05)
		}
		s.put(key, at, turn, vec{-long, -wide, 0}, vec{long, wide, high}, grip)
	}
	s.round(nut(0.085, 0.07), vec{0, 0, z + 0.06}, turn, 0.11, 0.07, metal)
}
