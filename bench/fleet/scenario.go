package main

import "time"

// scenario is one thing that happens to a fleet.
type scenario struct {
	Name   string
	Title  string
	Period time.Duration // between two looks of a device, give or take a quarter
	Length time.Duration // how long is looked at
	// Steps are the roll-out of one release, as it goes on. None: nothing is new.
	Steps []step
	// Nudge is the time over which devices come after each step, told by a message.
	// Zero: there is none, they come when they would.
	Nudge time.Duration
	// Again is how long a device waits at first when a look failed, after the client's
	// own tries; it doubles up to the period. Zero: a period.
	Again time.Duration
	Flaky float64 // share of devices whose requests fail and whose downloads break off
	Away  float64 // share of devices that are off the network for hours
}

// step is a percentage of a roll-out, from a moment on.
type step struct {
	At      time.Duration
	Percent float64
}

// usualPeriod is how often a device looks by itself.
const usualPeriod = 6 * time.Hour

// lead is how long a fleet goes on quietly before something is published.
const lead = 10 * time.Minute

// scenarios are those of the report.
func scenarios() []scenario {
	once := []step{{lead, 100}}
	return []scenario{
		{Name: "nudge", Title: "release to all, nudge over 10 minutes", Period: usualPeriod, Length: lead + 20*time.Minute, Steps: once, Nudge: 10 * time.Minute},
		{
			Name: "trouble", Title: "the same, 5 % flaky, 2 % away for hours", Period: usualPeriod, Length: lead + 5*time.Hour,
			Steps: once, Nudge: 10 * time.Minute, Again: 5 * time.Minute, Flaky: 0.05, Away: 0.02,
		},
		{Name: "polling", Title: "release to all, by polling", Period: usualPeriod, Length: lead + 8*time.Hour, Steps: once},
		{
			Name: "staged", Title: "1, 10, 50, 100 %, 2 hours apart, by polling", Period: usualPeriod, Length: lead + 14*time.Hour,
			Steps: []step{{lead, 1}, {lead + 2*time.Hour, 10}, {lead + 4*time.Hour, 50}, {lead + 6*time.Hour, 100}},
		},
		{Name: "quiet-1h", Title: "nothing new, a look an hour", Period: time.Hour, Length: time.Hour / 2},
		{Name: "quiet-6h", Title: "nothing new, every 6 hours", Period: usualPeriod, Length: time.Hour},
		{Name: "quiet-24h", Title: "nothing new, once a day", Period: 24 * time.Hour, Length: 2 * time.Hour},
	}
}

// due returns when the roll-out comes to the device at a place of it, in per cent
// (release.Bucket). ok is false if it does not.
func (s scenario) due(place float64) (at time.Duration, ok bool) {
	for _, st := range s.Steps {
		if place < st.Percent {
			return st.At, true
		}
	}
	return 0, false
}
