package pixel

import "testing"

// Every orientation, by where the stored picture's pixels belong (Exif 2.32,
// tag 0x0112), for a picture of more rows than run takes at a time.
func TestTurnPutsPixelsWhereTheyBelong(t *testing.T) {
	const w, h = 19, 41
	src := noise(w, h)
	for o, place := range map[int]func(x, y int) (int, int){
		0: func(x, y int) (int, int) { return x, y },
		1: func(x, y int) (int, int) { return x, y },
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return h - 1 - y, x },
		7: func(x, y int) (int, int) { return h - 1 - y, w - 1 - x },
		8: func(x, y int) (int, int) { return y, w - 1 - x },
	} {
		got := new(RGB)
		src.oriented(got, o)
		if wide, high := got.Width, got.Height; o < 5 && (wide != w || high != h) || o >= 5 && (wide != h || high != w) {
			t.Errorf("orientation %d: %dx%d", o, wide, high)
			continue
		}
	pixels:
		for y := range h {
			for x := range w {
				tx, ty := place(x, y)
				for c := range 3 {
					if got.Pix[(ty*got.Width+tx)*3+c] != src.Pix[(y*w+x)*3+c] {
						t.Errorf("orientation %d: stored pixel (%d, %d) is not at (%d, %d)", o, x, y, tx, ty)
						break pixels
					}
				}
			}
		}
	}
}
