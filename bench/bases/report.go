package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// report is the table and what it says, in Markdown.
func report(bases []*measured, sets []set, seeds uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Test accuracy in per cent of `edge adapt` with each base: mean of %d seeds, and each of them.\nWritten by `make bench-bases`.\n\n", seeds)
	row(&b, "", bases, func(m *measured) string { return m.name })
	b.WriteString("|---" + strings.Repeat("|---", len(bases)) + "|\n")
	for _, s := range sets {
		row(&b, s.name, bases, func(m *measured) string {
			var each []string
			for _, v := range m.accuracy[s.name] {
				each = append(each, fmt.Sprintf("%.1f", v))
			}
			return fmt.Sprintf("**%.1f** (%s)", mean(m.accuracy[s.name]), strings.Join(each, " / "))
		})
	}
	row(&b, "bytes", bases, func(m *measured) string { return fmt.Sprint(m.bytes) })
	for i := range bases[0].times {
		row(&b, fmt.Sprintf("ms a picture, %d thread%s", i+1, "s"[:i]), bases, func(m *measured) string {
			return fmt.Sprintf("%.3f (%.3f)", quick(m.times[i]), usual(m.times[i]))
		})
	}
	b.WriteString("\nMilliseconds from float pixels to float features: the tenth percentile (the median), " + machine() + ".\n\n")
	float, twin, narrow := bases[0], bases[1], bases[2]
	for _, s := range sets {
		if !s.heldBack {
			fmt.Fprintf(&b, "- %s: %+.1f points from %s to %s, %+.1f from that to %s.\n", s.name,
				mean(float.accuracy[s.name])-mean(narrow.accuracy[s.name]), narrow.name, float.name,
				mean(twin.accuracy[s.name])-mean(float.accuracy[s.name]), twin.name)
		}
	}
	fmt.Fprintf(&b, "- %s is %.2fx as fast as %s with one thread, %.2fx with two.\n", twin.name,
		quick(float.times[0])/quick(twin.times[0]), float.name, quick(float.times[1])/quick(twin.times[1]))
	return b.String()
}

func row(b *strings.Builder, title string, bases []*measured, cell func(*measured) string) {
	b.WriteString("| " + title)
	for _, m := range bases {
		b.WriteString(" | " + cell(m))
	}
	b.WriteString(" |\n")
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// machine says what the times were taken on.
func machine() string {
	text := fmt.Sprintf("%d processors (%s", runtime.NumCPU(), runtime.GOARCH)
	if cpuinfo, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		words := strings.Fields(string(cpuinfo))
		for _, flag := range []string{"avx512_vnni", "avx_vnni", "asimddp", "i8mm"} {
			if slices.Contains(words, flag) {
				text += ", " + flag
			}
		}
	}
	text += ")"
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		if fields := strings.Fields(string(load)); len(fields) > 0 {
			text += ", load " + fields[0] + " at the end"
		}
	}
	return text
}
