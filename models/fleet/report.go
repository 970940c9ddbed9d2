package fleet

import (
	"time"

	"github.com/edge-adapt/edge/internal/digest"
)

// Report is what a device says of itself at one moment.
type Report struct {
	Format int `json:"format"`
	// Sequence rises with every report of a device. Client sets it.
	Sequence int64 `json:"sequence"`
	// Sent is the time by the device's clock, which may be wrong.
	Sent         time.Time `json:"sent"`
	Edge         string    `json:"edge"`         // version of the program
	Architecture string    `json:"architecture"` // Go's name
	MemoryMiB    int       `json:"memory_mib,omitempty"`
	Uptime       float64   `json:"uptime_seconds"` // of the program
	Channel      string    `json:"channel,omitempty"`
	Health       Health    `json:"health"`
	// Stuck is why updates do not get through, for people; "" if they do.
	Stuck string `json:"stuck,omitempty"`
	Tasks []Task `json:"tasks"`
}

// Health is how the program fares. Zero numbers are not known.
type Health struct {
	Ready       bool    `json:"ready"`
	Problem     string  `json:"problem,omitempty"` // why not
	ResidentMiB int     `json:"resident_mib,omitempty"`
	DiskFreeMiB int     `json:"disk_free_mib,omitempty"` // where the store is
	Temperature float64 `json:"temperature_c,omitempty"` // of the processor, in degrees Celsius
}

// State is how far a task's active generation has come.
type State string

// The states.
const (
	Probation State = "probation" // under watch
	Good      State = "good"      // marked good
	Unmarked  State = ""          // neither
)

// Task is one task of a device.
type Task struct {
	Task       string `json:"task"`
	Generation int    `json:"generation"` // the active one; 0: none
	// Release is the release that the active generation was made from; 0: none, it
	// was adapted here.
	Release   int           `json:"release,omitempty"`
	State     State         `json:"state,omitempty"`
	Activated time.Time     `json:"activated,omitzero"` // by the device's clock
	Base      digest.Digest `json:"base,omitempty"`
	Classes   int           `json:"classes,omitempty"` // how many there are
	// Labels are their names. They leave the device with consent alone.
	Labels   []string `json:"labels,omitempty"`
	Measures Measures `json:"measures,omitzero"`
	Counts   Counts   `json:"counts,omitzero"`
	Latency  Latency  `json:"latency_ms,omitzero"`
	// Stuck is why this task takes no release, for people; "" if nothing hinders it.
	Stuck string `json:"stuck,omitempty"`
	// Refused and Rollbacks are the latest, in any order. What was reported before
	// may be reported again and counts once.
	Refused   []Refusal  `json:"refused,omitempty"`
	Rollbacks []Rollback `json:"rollbacks,omitempty"`
}

// Measures are of the active generation, on images of the device that were held
// back from training.
type Measures struct {
	Accuracy float64 `json:"accuracy"` // 0 to 1
	Images   int     `json:"images"`   // how many there were
}

// Counts are sums since the program started.
type Counts struct {
	Images uint64 `json:"images"` // classified, of cameras and callers
	Failed uint64 `json:"failed"` // that could not be
	Events uint64 `json:"events"`
}

// Latency is from capture to decision, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// Refusal is a release that the device tried and did not activate.
type Refusal struct {
	Release int       `json:"release"`
	When    time.Time `json:"when"`
	Reason  string    `json:"reason"`
}

// By is who or what made a task go back.
type By string

// Who makes a task go back.
const (
	ByProbation  By = "probation"  // the generation did worse than the one before
	ByStarts     By = "starts"     // it failed to start three times
	ByPerson     By = "person"     // somebody asked for it
	ByRevocation By = "revocation" // its release was revoked
)

// Rollback is one return from a generation to an earlier one. Device, task,
// generation and time tell it from all others.
type Rollback struct {
	When       time.Time `json:"when"`
	Generation int       `json:"generation"`        // that was left
	Release    int       `json:"release,omitempty"` // that it was made from; 0: none
	To         int       `json:"to,omitempty"`      // generation; 0: none was left to go to
	By         By        `json:"by"`
	Reason     string    `json:"reason"`
}
