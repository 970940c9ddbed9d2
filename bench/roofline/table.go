package main

import (
	"fmt"
	"strings"

	"github.com/edge-adapt/edge/camera/pixel"
)

// attainable is 10^9 operations a second at most, by the lower ceiling, and
// whether that is memory's.
func (c ceilings) attainable(r row) (gflops float64, memory bool) {
	byMemory := r.Operations / r.Bytes * c.memory()
	return min(c.Arithmetic, byMemory), byMemory < c.Arithmetic
}

// table is the ceilings and the stages in Markdown.
func table(c ceilings, rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "One processor does %.1f GFLOP/s, reads %.1f GB/s from memory, and copies at %.1f GB/s, read and written together. ", c.Arithmetic, c.Read, c.Copy)
	fmt.Fprintf(&b, "Memory holds up what does fewer than %.1f operations on a byte from there. JPEGs: %s.\n\n", c.Arithmetic/c.memory(), pixel.JPEG().Name)
	b.WriteString("| stage, a picture | ms | MFLOP | kB | FLOP/B | GFLOP/s | of attainable | GB/s | of memory's |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		ms := r.ProcessorMS.Median
		rate := r.Bytes / ms / 1e6
		work, intensity, speed, share := "", "", "", "" // of what has no arithmetic
		if r.Operations > 0 {
			gflops := r.Operations / ms / 1e6
			most, memory := c.attainable(r)
			ceiling := "arithmetic"
			if memory {
				ceiling = "memory"
			}
			work, intensity = fmt.Sprintf("%.3g", r.Operations/1e6), fmt.Sprintf("%.1f", r.Operations/r.Bytes)
			speed, share = fmt.Sprintf("%.1f", gflops), fmt.Sprintf("%.0f %% (%s)", 100*gflops/most, ceiling)
		}
		fmt.Fprintf(&b, "| %s | %.4f | %s | %.1f | %s | %s | %s | %.2f | %.0f %% |\n",
			r.Name, ms, work, r.Bytes/1e3, intensity, speed, share, rate, 100*rate/c.memory())
	}
	return b.String()
}
