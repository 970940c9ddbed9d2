// Package fleet is what a device says home, and how: a report, signed with the
// device's own key, sent to a receiver that somebody runs (models/fleet/receiver).
// Nothing is sent unless the device was told where to.
//
// # What is in a report
//
// Versions, health, counts, measures, and which generation and release each task
// uses, which it refused and which it went back from. Never an image, a feature, a
// head or a path. Names of classes are left out, and taken out of every reason,
// unless the device's owner consents to them.
//
// # Who sent it
//
// A device is its Ed25519 key: its ID is a digest of the public half. The receiver
// learns the key once, against an enrolment token; afterwards each request carries
//
//	Edge-Device:    the ID
//	Edge-Date:      when it was signed
//	Edge-Signature: Ed25519, base64, over
//
//	    edge fleet 1 \n method \n route \n Edge-Date \n SHA-256 of the body, hexadecimal \n
//
// The route is one of this package's, without the folder that a proxy may put
// before it. A request that somebody has recorded is of no use later: its sequence,
// inside the body, is not above the last one, and its date is outside of the window.
//
// A device whose clock is wrong is let in all the same, since it is one that people
// want to hear of: the receiver says what time it is, and the device signs anew with
// that. The time by its own clock stands in the report.
package fleet
