package main

import "math"

// hash2 returns a number in [0, 1) for a cell of a grid.
func hash2(x, y int64, seed uint64) float64 {
	z := uint64(x)*0x9e3779b97f4a7c15 ^ uint64(y)*0xc2b2ae3d27d4eb4f ^ seed
	z = (z ^ z>>29) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>32) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}

// noise2 is smooth value noise in [0, 1) with cells of size 1.
func noise2(x, y float64, seed uint64) float64 {
	fx, fy := math.Floor(x), math.Floor(y)
	u, v := x-fx, y-fy
	u, v = u*u*(3-2*u), v*v*(3-2*v)
	i, j := int64(fx), int64(fy)
	return lerp(
		lerp(hash2(i, j, seed), hash2(i+1, j, seed), u),
		lerp(hash2(i, j+1, seed), hash2(i+1, j+1, seed), u), v)
}

// cloud sums octaves of noise2, each half the size and strength of the one before. The result is in [0, 1),
// centred on 0.5.
func cloud(x, y float64, octaves int, seed uint64) float64 {
	sum, gain, total := 0.0, 1.0, 0.0
	for i := range octaves {
		sum += gain * noise2(x, y, seed+uint64(i)*7919)
		total += gain
		x, y, gain = x*2.03+17.1, y*2.03-9.7, gain/2
	}
	return sum / total
}

// cells returns the distance, in cells, from (x, y) to the nearest of one scattered point per grid cell, and a
// number in [0, 1) that belongs to that point.
func cells(x, y float64, seed uint64) (distance, id float64) {
	i, j := int64(math.Floor(x)), int64(math.Floor(y))
	best := 9.0
	for a := i - 1; a <= i+1; a++ {
		for b := j - 1; b <= j+1; b++ {
			dx := float64(a) + hash2(a, b, seed) - x
			dy := float64(b) + hash2(a, b, seed^0x5bf03635) - y
			if q := dx*dx + dy*dy; q < best {
				best, id = q, hash2(a, b, seed^0x2545f491)
			}
		}
	}
	return math.Sqrt(best), id
}
