package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"
)

// contactSheet writes an overview of the set in folder in as one JPEG file: a row a class, and of every third
// scene the first picture.
func contactSheet(in, out string) error {
	const columns, cell, gap = 9, 80, 3
	sheet := image.NewRGBA(image.Rect(0, 0, columns*(cell+gap)-gap, len(classes)*(cell+gap)-gap))
	draw.Draw(sheet, sheet.Bounds(), image.White, image.Point{}, draw.Src)
	for _, p := range plan() {
		row, i := p.scene/len(bursts), p.scene%len(bursts)
		if p.frame > 0 || i%3 != 0 || i/3 >= columns {
			continue
		}
		data, err := os.ReadFile(filepath.Join(in, p.class, p.name))
		if err != nil {
			return err
		}
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			return err
		}
		at := image.Rect(0, 0, cell, cell).Add(image.Pt(i/3*(cell+gap), row*(cell+gap)))
		draw.CatmullRom.Scale(sheet, at, m, m.Bounds(), draw.Src, nil)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, sheet, &jpeg.Options{Quality: 88}); err != nil {
		return err
	}
	return os.WriteFile(out, file.Bytes(), 0o644)
}
