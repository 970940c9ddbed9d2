// Package probation judges a generation by what it does with live frames.
//
// A Watch gathers what one generation, the judged, answers, and says whether it
// may stay, must go, or is to be watched further. It serves two purposes:
//
//   - Probation: the judged is active. What it is compared with is the Record of
//     the generation before it and, where both share a base, that generation's
//     answers to the same frames.
//   - Shadow: the judged runs beside the active generation, whose answers to the
//     same frames it is compared with, and decides nothing.
//
// # What makes a generation go
//
//   - MaxErrors frames failed, or MaxNaN frames had scores that are not numbers
//     while the other generation's were.
//   - Latency: in two blocks of LatencyFrames frames in a row the 99th
//     percentile was above LatencyFactor times the other generation's and more
//     than LatencySlack above it. Two blocks, so that a moment in which the whole
//     machine was busy is no reason.
//   - Collapse: it names one class for nearly everything while the other
//     generation sees several. See below.
//   - Agreement below MinAgreement, if that was asked for.
//
// # Collapse
//
// Frames follow each other closely, so a thousand frames of one lamp are one
// observation and not a thousand. What is counted is visits: runs of at least
// visitFrames frames of one class. The judged has collapsed to class c if, after
// CollapseFrames frames,
//
//   - at least the share Collapse of its frames are c, and
//   - the other generation knows c, and paid visits to other classes, and
//   - that the judged missed so many of these is no chance: p ≤ 0.01.
//
// Beside another generation, k of its visits were to classes other than c that
// the judged knows too, and the judged followed in j of them (it named the same
// class in at least half of the frames). Were it to follow at least every other
// visit, as few as j would come with the probability
//
//	p = P(X ≤ j), X ~ Binomial(k, 1/2)
//
// With only a Record of the generation before, k is the number of its visits to
// classes other than c in its last M frames, j that of the judged in N frames.
// Were they as frequent as before, as few as j would come with the probability
// (the conditional test of two Poisson rates; Przyborowski and Wilenski 1940)
//
//	p = P(X ≤ j), X ~ Binomial(k + j, N / (N + M))
//
// So seven missed visits convict, six do not, and a camera that really shows one
// thing all day convicts nobody.
//
// The package is pure: time comes in as an argument; it knows no goroutine and
// no I/O, and nothing here allocates per frame. Nothing is safe for concurrent
// use.
package probation

// Unknown is the class of a frame that shows none of the head's classes.
const Unknown = -1

// absent marks a class that the other labels do not have.
const absent = -2
