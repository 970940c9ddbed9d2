package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
)

// film is the electronics behind the lens: what turns light into a small JPEG file, faults included.
type film struct {
	level    float64 // brightness that the exposure aims for, linear
	balance  vec     // white balance error
	vignette float64 // light lost in the corners, 0..1
	bloom    float64 // share of light that strays around bright spots
	shot     float64 // noise that grows with the root of the light
	read     float64 // noise in the dark
	blotch   float64 // how coarse the noise is, 0 per pixel to 1
	sharpen  float64
	vivid    float64 // saturation, 1 as is
	contrast float64 // 0 none to 1 strong
	quality  int     // JPEG, 70 to 92
}

func drawFilm(r *random, lamp vec) film {
	f := film{level: 0.17 * r.scale(0.5, 1.8), vignette: r.in(0, 0.45), bloom: r.scale(0.02, 0.12),
		blotch: r.unit(), sharpen: r.in(0, 0.8), vivid: r.in(0.75, 1.2), contrast: r.in(0, 0.7)}
	gain := r.unit() * r.unit()
	f.shot, f.read = 0.009+0.034*gain, 0.0015+0.008*gain
	// A camera removes most of the tint of the light, and adds a little of its own.
	keep := 1 - r.in(0.4, 1)
	f.balance = vec{lerp(1/lamp.x, 1, keep) * r.scale(0.93, 1.07), 1 / lamp.y, lerp(1/lamp.z, 1, keep) * r.scale(0.93, 1.07)}
	f.quality = 70 + int(22.99*r.unit()*r.unit())
	return f
}

// nudged is the film a frame later.
func (f film) nudged(r *random) film {
	f.level *= r.scale(0.93, 1.07)
	f.quality = int(clamp(float64(f.quality+r.pick(5)-2), 70, 92))
	return f
}

// develop turns the light on the sensor into a JPEG file.
func (f *film) develop(raw []vec, r *random) ([]byte, error) {
	for i := range raw {
		x, y := place(i)
		q := (x*x + y*y) / 2
		raw[i] = raw[i].mul(1 - f.vignette*q).tint(f.balance)
	}
	f.spread(raw)
	mean := 0.0 // of square roots: a lamp in the picture must not turn the rest black
	for _, c := range raw {
		mean += math.Sqrt(math.Max(c.luma(), 0))
	}
	mean /= float64(len(raw))
	gain := f.level / (mean*mean + 1e-9)
	for i := range raw {
		raw[i] = raw[i].mul(gain)
	}
	f.grain(raw, r)
	f.crisp(raw)
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	for i, c := range raw {
		y := c.luma()
		c = vec{y, y, y}.mix(c, f.vivid)
		picture.SetRGBA(i%side, i/side, color.RGBA{f.tone(c.x), f.tone(c.y), f.tone(c.z), 255})
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: f.quality})
	return out.Bytes(), err
}

// place returns the position of pixel i, each coordinate in [-1, 1].
func place(i int) (x, y float64) {
	return (float64(i%side)+0.5)/(side/2) - 1, 1 - (float64(i/side)+0.5)/(side/2)
}

// spread adds the veil around bright spots that any lens shows.
func (f *film) spread(raw []vec) {
	bright := make([]vec, len(raw))
	for i, c := range raw {
		bright[i] = c.sub(vec{0.8, 0.8, 0.8})
		bright[i] = vec{math.Max(bright[i].x, 0), math.Max(bright[i].y, 0), math.Max(bright[i].z, 0)}
	}
	for _, radius := range []int{2, 6, 14} {
		for range 2 {
			bright = smear(bright, radius)
		}
		for i := range raw {
			raw[i] = raw[i].add(bright[i].mul(f.bloom))
		}
	}
}

// smear averages over (2*radius+1)^2 pixels. Beyond the edge it repeats the last pixel.
func smear(in []vec, radius int) []vec {
	for _, step := range []int{1, side} {
		out := make([]vec, len(in))
		for line := range side {
			first := line * side
			if step == side {
				first = line
			}
			at := func(j int) vec { return in[first+step*min(max(j, 0), side-1)] }
			sum := vec{}
			for j := -radius; j <= radius; j++ {
				sum = sum.add(at(j))
			}
			for j := range side {
				out[first+step*j] = sum.mul(1 / float64(2*radius+1))
				sum = sum.add(at(j + radius + 1)).sub(at(j - radius))
			}
		}
		in = out
	}
	return in
}

// grain adds sensor noise. Its colour is partly smoothed away, as cameras do.
func (f *film) grain(raw []vec, r *random) {
	noise := make([]vec, len(raw))
	for i := range noise {
		noise[i] = vec{r.gauss(), r.gauss() * 0.8, r.gauss() * 1.2}
	}
	soft := smear(noise, 1)
	for i, c := range raw {
		n := noise[i].mix(soft[i].mul(2.2), f.blotch)
		y := n.luma() * 1.3
		n = n.mix(vec{y, y, y}, 0.6)
		amount := func(x, n float64) float64 {
			x = math.Max(x, 0)
			return x + n*math.Sqrt(f.read*f.read+f.shot*f.shot*x)
		}
		raw[i] = vec{amount(c.x, n.x), amount(c.y, n.y), amount(c.z, n.z)}
	}
}

// crisp is the sharpening of a cheap camera.
func (f *film) crisp(raw []vec) {
	soft := smear(raw, 1)
	for i, c := range raw {
		raw[i] = c.add(c.sub(soft[i]).mul(f.sharpen))
	}
}

// tone maps linear light to a byte: a soft shoulder, the power 7/16 made of square roots (see flat for why
// not math.Pow) and an S-curve.
func (f *film) tone(x float64) uint8 {
	x = math.Max(x, 0)
	x = x * (1 + x*0.12) / (1 + x*0.75)
	x = math.Min(x*1.1, 1)
	q := math.Sqrt(math.Sqrt(x))
	x = q * math.Sqrt(q) * math.Sqrt(math.Sqrt(q))
	x = lerp(x, x*x*(3-2*x), 0.6*f.contrast)
	return uint8(clamp(x*255+0.5, 0, 255))
}
