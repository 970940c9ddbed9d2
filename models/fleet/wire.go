package fleet

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"time"
)

// Routes of a receiver that devices use.
const (
	EnrolRoute   = "/v1/enrol"   // POST an Enrolment, with an enrolment token
	ReportsRoute = "/v1/reports" // POST a Report
)

// Enrolment is what a device says at first contact. It is signed like a report: who
// enrols a key has it.
type Enrolment struct {
	Format int    `json:"format"`
	Public []byte `json:"public_key"` // Ed25519, 32 bytes
}

// maxEnrolment bounds the bytes of an enrolment.
const maxEnrolment = 4 << 10

// ParseEnrolment reads an enrolment. The error is ErrForm.
func ParseEnrolment(data []byte) (Enrolment, error) {
	var e Enrolment
	if len(data) > maxEnrolment {
		return Enrolment{}, fmt.Errorf("enrolment of %d bytes: %w", len(data), ErrForm)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return Enrolment{}, fmt.Errorf("enrolment: %w: %w", ErrForm, err)
	}
	if e.Format < 1 || len(e.Public) != ed25519.PublicKeySize {
		return Enrolment{}, fmt.Errorf("enrolment: %w: format %d, a key of %d bytes", ErrForm, e.Format, len(e.Public))
	}
	return e, nil
}

// Code tells a device what to do about a refusal.
type Code string

// The codes of refusals that a device can do something about.
const (
	CodeUnknown  Code = "unknown_device" // enrol, then send again
	CodeSequence Code = "sequence"       // send again with a sequence above Answer.Sequence
	CodeDate     Code = "date"           // sign again with the time Answer.Now
	CodeBlocked  Code = "blocked"        // send no more
)

// Answer is what a receiver answers to a device.
type Answer struct {
	// Sequence is the highest that it has of the device.
	Sequence int64     `json:"sequence,omitempty"`
	Now      time.Time `json:"now,omitzero"`
	Error    string    `json:"error,omitempty"` // "" if it was taken
	Hint     string    `json:"hint,omitempty"`
	Code     Code      `json:"code,omitempty"`
}
