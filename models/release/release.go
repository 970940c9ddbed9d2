// Package release holds what publisher and device say to each other: a channel
// lists releases, and a release says what it is, whom it suits and who is to
// take it now.
//
// A channel is one JSON document, a target of the TUF repository with the name
// that Target gives. Who reads it has verified its bytes; Parse bounds what they
// can ask for all the same, as a key may be stolen.
//
// # Names of targets
//
//	channels/stable.json        the channel
//	bases/<hex>.tflite          a base, by its SHA-256
//	deltas/<hex>-<hex>.delta    a base as what changed of another: from, to (tflite/delta)
//	heads/<hex>.tar             a generation without its base, by the archive's SHA-256 (models/bundle)
package release

import (
	"encoding/json"
	"time"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models"
)

// Release is one thing published: a base, a head with the base that it wants, or
// a head for a base that devices have.
type Release struct {
	// Number is given once in a repository, and rises.
	Number  int       `json:"release"`
	Created time.Time `json:"created"`
	// Task is the task that takes it; "" is a base for every task that Requires
	// lets through.
	Task     string   `json:"task,omitempty"`
	Base     Base     `json:"base"`
	Head     *File    `json:"head,omitempty"` // nil: the device fits its own
	Requires Requires `json:"requires,omitzero"`
	Rollout  Rollout  `json:"rollout"`
	// Revoked is why nobody is to use it any more; devices that do go back. "" is
	// the usual.
	Revoked  string          `json:"revoked,omitempty"`
	Notes    string          `json:"notes,omitempty"`
	Measures json.RawMessage `json:"measures,omitempty"` // the publisher's, for people
}

// Base is the base of a release, and the ways to get it.
type Base struct {
	models.Base
	Parent        digest.Digest       `json:"parent,omitempty"` // it was fine-tuned from that one; "" if from none
	Preprocessing pixel.Preprocessing `json:"preprocessing"`
	Features      int                 `json:"features"`
	Full          *File               `json:"full,omitempty"`   // nil: whoever takes the release has it
	Deltas        []Delta             `json:"deltas,omitempty"` // shorter ways from other bases
}

// File is a target of the repository.
type File struct {
	Target string        `json:"target"`
	Digest digest.Digest `json:"digest"`
	Bytes  int64         `json:"bytes"`
}

// Delta is a File that makes the base from the base with the digest From.
type Delta struct {
	From digest.Digest `json:"from"`
	File
}

// Requires says whom a release suits. Zero values ask for nothing.
type Requires struct {
	// Bases are the digests of which the device's active base must be one.
	Bases []digest.Digest `json:"bases,omitempty"`
	// Width and Height are the input of the device's active base, in pixels.
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
	// Edge is the lowest version of the program, such as "v1.4.0".
	Edge string `json:"edge,omitempty"`
	// MemoryMiB is the least memory of the device, as the kernel counts it.
	MemoryMiB int `json:"memory_mib,omitempty"`
	// Architectures are Go's names, such as "arm64".
	Architectures []string `json:"architectures,omitempty"`
}

// Rollout says who is to take a release now.
type Rollout struct {
	// Percent of the devices take it, 0 to 100: those whose Bucket is below it. A
	// device that has it keeps it when the number falls.
	Percent float64 `json:"percent"`
	// Salt decides, with the device's ID, which devices come first. Releases with
	// the same salt come to the same devices first.
	Salt string `json:"salt,omitempty"`
	// Halted is why nobody takes it for now. "" is the usual.
	Halted string `json:"halted,omitempty"`
}

// Targets returns every file that the release names.
func (r Release) Targets() []File {
	var files []File
	if r.Base.Full != nil {
		files = append(files, *r.Base.Full)
	}
	for _, d := range r.Base.Deltas {
		files = append(files, d.File)
	}
	if r.Head != nil {
		files = append(files, *r.Head)
	}
	return files
}
