package speed

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"

	"github.com/edge-adapt/edge/adapt/head"
)

// distinct is how many different pictures are made; the others are copies.
const distinct = 4

// WritePictures fills dir with n JPEGs, in two folders as if they were classes.
// They are made up, the same every time: soft shapes, edges and grain, which
// take about as many bytes as photos of quality 90 do. Copies of a picture
// differ in a comment, so that none is taken for another.
func WritePictures(ctx context.Context, dir string, width, height, n int) error {
	var made [][]byte
	for i := range n {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if i < distinct {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, paint(width, height, uint64(i)), &jpeg.Options{Quality: 90}); err != nil {
				return fmt.Errorf("make pictures: %w", err)
			}
			made = append(made, b.Bytes())
		}
		class := filepath.Join(dir, []string{"even", "odd"}[i%2])
		if err := os.MkdirAll(class, 0o755); err != nil {
			return fmt.Errorf("make pictures: %w", err)
		}
		data, err := Commented(made[i%len(made)], uint32(i)) //nolint:gosec // a count
		if err == nil {
			err = os.WriteFile(filepath.Join(class, fmt.Sprintf("%05d.jpg", i)), data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("make pictures: %w", err)
		}
	}
	return nil
}

// Commented returns a JPEG with number in a comment behind its first marker
// (ITU-T T.81, B.2.4.5: FFFE, the length with its own two bytes, text): the same
// picture in other bytes.
func Commented(data []byte, number uint32) ([]byte, error) {
	if len(data) < 2 || data[0] != 0xff || data[1] != 0xd8 {
		return nil, errors.New("not a JPEG")
	}
	comment := binary.BigEndian.AppendUint32([]byte{0xff, 0xfe, 0, 6}, number)
	return slices.Concat(data[:2], comment, data[2:]), nil
}

// paint makes a picture of its own of each seed.
func paint(width, height int, seed uint64) image.Image {
	random := head.NewRandom(seed, head.StreamOrder)
	const cells = 9 // each way, of the soft shapes
	var grid [3][(cells + 1) * (cells + 1)]float32
	for c := range grid {
		for i := range grid[c] {
			grid[c][i] = 40 + 170*random.Uniform()
		}
	}
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	state := uint32(seed)*2654435761 + 1
	soft := func(c, x, y, w, h int) float32 {
		u, v := float32(x)*cells/float32(w), float32(y)*cells/float32(h)
		i, j := int(u), int(v)
		u, v = u-float32(i), v-float32(j)
		g := grid[c][j*(cells+1)+i:]
		return (g[0]*(1-u)+g[1]*u)*(1-v) + (g[cells+1]*(1-u)+g[cells+2]*u)*v
	}
	stripe := max(4, width/20)
	for y := range height {
		row := img.Y[y*img.YStride:][:width]
		for x := range row {
			state = state*1664525 + 1013904223 // Knuth's generator: grain need not be good
			light := soft(0, x, y, width, height) + float32(state>>28) - 8
			if (x+y/2)/stripe%5 == 0 {
				light *= 0.7 // edges
			}
			row[x] = uint8(min(max(light, 0), 255))
		}
	}
	cw, ch := (width+1)/2, (height+1)/2
	for y := range ch {
		for x := range cw {
			img.Cb[y*img.CStride+x] = uint8(soft(1, x, y, cw, ch)/2 + 64)
			img.Cr[y*img.CStride+x] = uint8(soft(2, x, y, cw, ch)/2 + 64)
		}
	}
	return img
}
