package main

import (
	"slices"
	"time"
)

// outcome is what became of a scenario. Bytes at the origin count what TLS and
// HTTP add; rates are a second.
type outcome struct {
	Name    string  `json:"name"`
	Title   string  `json:"title"`
	Devices int     `json:"devices"`
	Period  float64 `json:"period_hours"`
	Hours   float64 `json:"hours"` // that were simulated

	Looks       int64   `json:"looks"`
	Failed      int64   `json:"looks_failed"` // after the client's own tries
	Requests    int64   `json:"requests"`     // at the origin
	Missing     int64   `json:"requests_missing"`
	Unheard     int64   `json:"requests_unheard"` // that never got there
	Retries     int64   `json:"retries"`
	Connections int64   `json:"connections"`
	Rate        float64 `json:"requests_mean"`
	RateSecond  float64 `json:"requests_peak_second"`
	RateMinute  float64 `json:"requests_peak_minute"`

	Down         int64   `json:"bytes_down"`
	Up           int64   `json:"bytes_up"`
	Content      int64   `json:"bytes_of_files"`
	Lost         int64   `json:"bytes_lost"`  // sent, never arrived
	Again        int64   `json:"bytes_again"` // fetched twice
	Egress       float64 `json:"egress_mean"`
	EgressSecond float64 `json:"egress_peak_second"`
	EgressMinute float64 `json:"egress_peak_minute"`
	BytesDevice  float64 `json:"bytes_a_device"`

	Fetches int64     `json:"downloads"`
	Broken  int64     `json:"downloads_failed"`  // after the client's own tries
	Release *arrival  `json:"release,omitempty"` // nil: there is none
	Sorts   []arrival `json:"sorts,omitempty"`   // of devices, where there is more than one

	Machine machine `json:"machine"`

	requests []int64         // by second
	taken    []time.Duration // since the beginning, rising
}

// machine is what the simulation itself took. No two runs have the same.
type machine struct {
	Quiet    float64 `json:"quiet_look_ms"` // processor's time, in milliseconds
	News     float64 `json:"look_with_news_ms"`
	Fetch    float64 `json:"download_ms"`
	Wall     float64 `json:"seconds"`
	Resident int64   `json:"peak_resident_bytes"`
	Disk     int64   `json:"state_bytes"` // on the RAM disk at the end, of all devices
	Files    int64   `json:"state_files"`
}

// outcome sums up a fleet that has run.
func (f *fleet) outcome(t *tally, c *cost) *outcome {
	s := f.scenario
	length := s.Length.Seconds()
	o := &outcome{
		Name: s.Name, Title: s.Title, Devices: len(f.devices), Period: s.Period.Hours(), Hours: s.Length.Hours(),
		Looks: t.checks, Failed: t.failed, Requests: t.asked, Missing: t.missing, Unheard: t.unheard, Retries: t.retries, Connections: t.connections,
		Rate: float64(t.asked) / length, RateSecond: float64(peak(t.requests, 1)), RateMinute: float64(peak(t.requests, 60)) / 60,
		Down: t.down, Up: t.up, Content: t.content, Lost: t.lost,
		Egress: float64(t.down) / length, EgressSecond: float64(peak(t.egress, 1)), EgressMinute: float64(peak(t.egress, 60)) / 60,
		BytesDevice: float64(t.down) / float64(len(f.devices)), Fetches: t.fetches, Broken: t.broken,
		Machine:  machine{Quiet: c.quiet.milliseconds(), News: c.news.milliseconds(), Fetch: c.fetch.milliseconds()},
		requests: t.requests,
	}
	for _, d := range f.devices {
		o.Again += d.src.again()
		if d.taken > 0 {
			o.taken = append(o.taken, d.taken)
		}
	}
	slices.Sort(o.taken)
	if len(s.Steps) == 0 {
		return o
	}
	all := f.arrival("all", func(*device) bool { return true })
	o.Release = &all
	for _, name := range []string{"healthy", "flaky", "away"} {
		if a := f.arrival(name, func(d *device) bool { return d.sort() == name }); a.Due < all.Due && a.Due > 0 {
			o.Sorts = append(o.Sorts, a)
		}
	}
	return o
}

// arrival is how a release reached devices of a sort. Times are seconds from when
// the roll-out came to a device until it had the release, by share of the devices
// that it came to; -1 if fewer have it.
type arrival struct {
	Sort      string  `json:"sort"`
	Due       int     `json:"due"`   // devices that the roll-out came to
	Taken     int     `json:"taken"` // of them, those that have the release
	Half      float64 `json:"seconds_50"`
	Most      float64 `json:"seconds_95"`
	NearlyAll float64 `json:"seconds_99"`
	All       float64 `json:"seconds_100"`
	Bytes     float64 `json:"bytes_of_files_a_device"` // that were sent to it
}

func (f *fleet) arrival(name string, of func(*device) bool) arrival {
	a := arrival{Sort: name}
	var waited []time.Duration
	for _, d := range f.devices {
		due, ok := f.due(d)
		if !ok || !of(d) {
			continue
		}
		a.Due++
		a.Bytes += float64(d.src.drawn)
		if d.taken > 0 {
			waited = append(waited, d.taken-due)
		}
	}
	slices.Sort(waited)
	a.Taken = len(waited)
	a.Bytes /= float64(max(a.Due, 1))
	a.Half, a.Most, a.NearlyAll, a.All = share(waited, a.Due, 0.50), share(waited, a.Due, 0.95), share(waited, a.Due, 0.99), share(waited, a.Due, 1)
	return a
}

// share returns the seconds after which a share of so many had what they waited
// for, -1 if they do not.
func share(waited []time.Duration, of int, part float64) float64 {
	need := int(part*float64(of) + 0.999999)
	if of == 0 || need > len(waited) {
		return -1
	}
	return waited[need-1].Seconds()
}
