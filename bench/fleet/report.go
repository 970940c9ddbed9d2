package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// report is all that was measured.
type report struct {
	Seed      uint64     `json:"seed"`
	Devices   int        `json:"devices"`
	Processor string     `json:"processor"`
	Threads   int        `json:"threads"`
	RAMDisk   bool       `json:"ram_disk"`
	Base      int64      `json:"base_bytes"`
	Delta     int64      `json:"delta_bytes"`        // from the base before it
	Longer    int64      `json:"delta_longer_bytes"` // from the one before that
	Rebuild   float64    `json:"download_and_rebuild_ms"`
	Scenarios []*outcome `json:"scenarios"`
}

// describe notes the sizes of what a fleet is offered.
func (r *report) describe(f *fleet) {
	b := f.coming.Base
	r.Base, r.Delta, r.Longer = b.Bytes, way(b, f.before(1)).Bytes, way(b, f.before(2)).Bytes
}

// write writes fleet.json, fleet.md and fleet.svg into a folder.
func (r *report) write(dir string) error {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	picture, err := r.picture()
	if err != nil {
		return err
	}
	for name, data := range map[string][]byte{"fleet.json": append(data, '\n'), "fleet.md": r.markdown(), "fleet.svg": picture} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil { //nolint:gosec // a document
			return err
		}
	}
	return nil
}

func (r *report) markdown() []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("%s devices in one process, seed %d.", thousands(int64(r.Devices)), r.Seed)
	if r.Base > 0 {
		p(" The base has %s; the delta to it from the base before %s (%.0f %%), from the one before that %s.",
			size(float64(r.Base)), size(float64(r.Delta)), 100*float64(r.Delta)/float64(r.Base), size(float64(r.Longer)))
	}
	p("\nA request, an answer and a connection count as %d bytes up, %d down, and %d up and %d down, beside what is in them.\n", requestUp, responseDown, handshakeUp, handshakeDown)
	p("\nAt the origin:\n\n")
	p("| scenario | hours | looks | requests | a second: mean | peak minute | peak second | egress, Mbit/s: mean | peak minute | peak second | bytes a device |\n")
	p("|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, o := range r.Scenarios {
		p("| %s | %.1f | %s | %s | %.1f | %.1f | %.0f | %.2f | %.1f | %.1f | %s |\n", o.Title, o.Hours, thousands(o.Looks), thousands(o.Requests),
			o.Rate, o.RateMinute, o.RateSecond, o.Egress/mbit, o.EgressMinute/mbit, o.EgressSecond/mbit, size(o.BytesDevice))
	}
	p("\nOf the release, from the moment at which the roll-out came to a device:\n\n")
	p("| scenario | devices | how many | have it | 50 %% | 95 %% | 99 %% | all | bytes of files a device |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, o := range r.Scenarios {
		if o.Release == nil {
			continue
		}
		for _, a := range append([]arrival{*o.Release}, o.Sorts...) {
			p("| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", o.Title, a.Sort, thousands(int64(a.Due)), thousands(int64(a.Taken)),
				clock(a.Half), clock(a.Most), clock(a.NearlyAll), clock(a.All), size(a.Bytes))
		}
	}
	p("\nWhat went wrong and was made up for:\n\n")
	p("| scenario | requests that got nowhere | retries | looks given up | downloads given up | sent and lost | fetched twice | of all content |\n|---|---|---|---|---|---|---|---|\n")
	for _, o := range r.Scenarios {
		p("| %s | %s | %s | %s | %s | %s | %s | %.3f %% |\n", o.Title, thousands(o.Unheard), thousands(o.Retries), thousands(o.Failed), thousands(o.Broken),
			size(float64(o.Lost)), size(float64(o.Again)), 100*float64(o.Lost+o.Again)/float64(max(o.Content, 1)))
	}
	p("\nOn this machine (%s, %d threads, busy with other work; processor's time):\n\n", r.Processor, r.Threads)
	p("| scenario | a look, nothing new, ms | with news | a download | run, s | memory, MiB | state of all devices, MiB | files and folders |\n|---|---|---|---|---|---|---|---|\n")
	for _, o := range r.Scenarios {
		m := o.Machine
		p("| %s | %s | %s | %s | %.0f | %d | %d | %s |\n", o.Title, duration(m.Quiet), duration(m.News), duration(m.Fetch), m.Wall, m.Resident>>20, m.Disk>>20, thousands(m.Files))
	}
	if r.Rebuild > 0 {
		p("\nA download with a store behind it, the base rebuilt of the delta and kept: %.0f ms.\n", r.Rebuild)
	}
	return b.Bytes()
}

func duration(ms float64) string {
	if ms == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", ms)
}

// clock writes seconds for people.
func clock(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case s < 0:
		return "not yet"
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", s)
	case d < time.Hour:
		return fmt.Sprintf("%.1f min", d.Minutes())
	}
	return fmt.Sprintf("%.2f h", d.Hours())
}

// size writes bytes for people, in powers of ten as networks count.
func size(n float64) string {
	for _, u := range []struct {
		of   float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= u.of {
			return fmt.Sprintf("%.3g %s", n/u.of, u.name)
		}
	}
	return fmt.Sprintf("%.0f B", n)
}

// thousands writes a number with commas.
func thousands(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
