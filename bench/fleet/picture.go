package main

import (
	"bytes"
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// colours tell scenarios apart, on paper and for those who see fewer of them
// (Okabe and Ito).
var colours = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255}, color.RGBA{230, 159, 0, 255},
}

// picture draws the scenarios with a release: requests at the origin, and who has
// it, over the time since it was published.
func (r *report) picture() ([]byte, error) {
	rate, have := plot.New(), plot.New()
	rate.Title.Text = fmt.Sprintf("Requests a second at the origin, %s devices, mean of a minute", thousands(int64(r.Devices)))
	rate.Y.Scale, rate.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	rate.X.Label.Text, have.X.Label.Text = "hours since the release", "hours since the release"
	have.Title.Text = "Devices that have the release, per cent"
	have.Y.Min, have.Y.Max = 0, 100
	have.X.Scale, have.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	for _, p := range []*plot.Plot{rate, have} {
		p.Add(plotter.NewGrid())
		p.Legend.Top, p.Legend.Left = true, true // texts grow to the right, whatever font a viewer has
	}
	rate.Legend.XOffs = vg.Points(190)
	n := 0
	for _, o := range r.Scenarios {
		if o.Release == nil {
			continue
		}
		for _, line := range []struct {
			on     *plot.Plot
			points plotter.XYs
		}{{rate, o.rates()}, {have, o.shares()}} {
			l, err := plotter.NewLine(line.points)
			if err != nil {
				return nil, err
			}
			l.Color, l.Width = colours[n%len(colours)], vg.Points(1.2)
			line.on.Add(l)
			line.on.Legend.Add(o.Title, l)
		}
		n++
	}
	if n == 0 {
		return []byte("<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n"), nil
	}
	canvas := vgsvg.New(vg.Points(510), vg.Points(570))
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadY: vg.Points(17), PadTop: vg.Points(3), PadRight: vg.Points(11)}
	plots := [][]*plot.Plot{{rate}, {have}}
	for i, c := range plot.Align(plots, tiles, draw.New(canvas)) {
		plots[i][0].Draw(c[0])
	}
	var b bytes.Buffer
	_, err := canvas.WriteTo(&b)
	return b.Bytes(), err
}

// rates are the requests a second of each minute, from the beginning on. A minute without any is drawn as a tenth.
func (o *outcome) rates() plotter.XYs {
	var points plotter.XYs
	last := int(o.Hours * 60)
	for m := 0; m < last; m++ {
		var sum int64
		for s := 60 * m; s < 60*(m+1) && s < len(o.requests); s++ {
			sum += o.requests[s]
		}
		points = append(points, plotter.XY{X: (float64(m) + 0.5 - lead.Minutes()) / 60, Y: max(float64(sum)/60, 0.1)})
	}
	return points
}

// shares are the per cent of all devices that have the release, at up to 500
// moments.
func (o *outcome) shares() plotter.XYs {
	points := plotter.XYs{{X: 1.0 / 3600, Y: 0}}
	for i := range min(500, len(o.taken)) {
		k := (i + 1) * len(o.taken) / min(500, len(o.taken))
		points = append(points, plotter.XY{X: max(1, (o.taken[k-1]-lead).Seconds()) / 3600, Y: 100 * float64(k) / float64(o.Devices)})
	}
	return points
}
