package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/adapt/speed"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/tflite"
)

// benchReport is what `edge bench --json` prints. Times are in milliseconds; each
// comes as a median with quartiles, as time that passes and as time of processors.
type benchReport struct {
	Base    benchBase    `json:"base"`
	Machine benchMachine `json:"machine"`

	Forward []speed.Forward `json:"forward"` // a picture, of the base alone
	Decode  []benchExtract  `json:"decode"`  // a picture, from its file to the base's input, by one processor
	Extract benchExtract    `json:"extract"` // a picture, from its file to features, by all processors
	Train   speed.Train     `json:"train"`   // a head, whole
	// PeakRSSMiB is the largest resident memory of extract and train together.
	PeakRSSMiB float64 `json:"peak_rss_mib"`
}

// benchBase is the base that was measured.
type benchBase struct {
	Name     string        `json:"name"`
	Digest   digest.Digest `json:"digest"`
	Width    int           `json:"width"`
	Height   int           `json:"height"`
	Features int           `json:"features"`
	Type     string        `json:"type"`    // of its input: "float32", "int8"
	XNNPACK  bool          `json:"xnnpack"` // whether XNNPACK runs it
}

// benchMachine is where it was measured.
type benchMachine struct {
	Model      string            `json:"model,omitempty"` // "Raspberry Pi 4 Model B Rev 1.4"
	Platform   string            `json:"platform"`
	Processors int               `json:"processors"` // that edge uses
	Edge       string            `json:"edge"`
	TFLite     string            `json:"tflite"`
	JPEG       pixel.JPEGDecoder `json:"jpeg"`
	LoadBefore *float64          `json:"load_before,omitempty"` // of the last minute
	LoadAfter  *float64          `json:"load_after,omitempty"`
}

// benchExtract says which pictures went the way.
type benchExtract struct {
	Of string `json:"of"` // "640x480", or the folder
	speed.Extract
}

func newBenchReport(b *device.Base, f *benchFlags) *benchReport {
	var machine machineReader
	p := b.Source.Preprocessing
	return &benchReport{
		Base: benchBase{
			Name: b.Source.Name, Digest: b.Source.Digest, Width: p.Width, Height: p.Height, Features: b.Source.Features,
			Type: b.Input().Type.String(), XNNPACK: !f.base.noXNNPACK && b.Warning() == "",
		},
		Machine: benchMachine{
			Model: machine.text("proc/device-tree/model"), Platform: runtime.GOOS + "/" + runtime.GOARCH,
			Processors: runtime.GOMAXPROCS(0), Edge: version, TFLite: tflite.Version(), JPEG: pixel.JPEG(), LoadBefore: loadAverage(),
		},
	}
}

// loadAverage is that of the last minute; nil if it is not known.
func loadAverage() *float64 {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(data))
	if len(fields) == 0 {
		return nil
	}
	load, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return nil
	}
	return &load
}

// text writes the report for a person.
func (r *benchReport) text(w io.Writer) error {
	b, m := r.Base, r.Machine
	about := newTable()
	about.AppendRow(table.Row{"base", fmt.Sprintf("%s, %s, %dx%d, %d features", b.Name, b.Type, b.Width, b.Height, b.Features)})
	about.AppendRow(table.Row{"machine", strings.TrimPrefix(fmt.Sprintf("%s, %s, %s", m.Model, m.Platform, counted(m.Processors, "processor")), ", ")})
	library := "TensorFlow Lite " + m.TFLite
	if !b.XNNPACK {
		library += ", without XNNPACK: several times slower"
	}
	about.AppendRow(table.Row{"library", library})
	about.AppendRow(table.Row{"JPEGs", m.JPEG.String()})
	if m.LoadBefore != nil && *m.LoadBefore > float64(m.Processors)/2 {
		about.AppendRow(table.Row{"load", fmt.Sprintf("%.1f before the start: something else keeps the device busy, so that times are too long", *m.LoadBefore)})
	}

	forward := newTable("the base", "ms a picture", "middle half", "a second")
	for _, f := range r.Forward {
		what := counted(f.Threads, "thread")
		if f.Batch > 1 {
			what += fmt.Sprintf(", %d together", f.Batch)
		}
		forward.AppendRow(table.Row{what, number(f.MS.Median), half(f.MS), number(f.MS.Rate().Median)})
	}

	way := newTable("a picture", "ms", "middle half", "a second")
	for _, d := range r.Decode {
		way.AppendRow(table.Row{d.Of + ", decoded by one processor", number(d.MS.Median), half(d.MS), number(d.MS.Rate().Median)})
	}
	way.AppendRow(table.Row{r.Extract.Of + ", to features by all", number(r.Extract.MS.Median), half(r.Extract.MS), number(r.Extract.MS.Rate().Median)})

	t := r.Train
	train := newTable("a head", "ms", "middle half", "ms an epoch")
	train.AppendRow(table.Row{
		fmt.Sprintf("%d images, %d classes, %s", t.Images, t.Classes, counted(t.Epochs, "epoch")),
		number(t.MS.Median), half(t.MS), number(t.MS.Median / float64(t.Epochs)),
	})
	_, err := fmt.Fprintf(w, "%s\n\n%s\n\n%s\n\n%s\n\n%.0f MiB of memory at most, for a head from pictures.\n",
		about.Render(), forward.Render(), way.Render(), train.Render(), r.PeakRSSMiB)
	return err
}

// half is the middle half of what was measured.
func half(f speed.Figure) string { return number(f.Low) + " to " + number(f.High) }

// number has three digits that count, or all before the point.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
