// Package speed measures how fast adapting is on this machine with a base: the
// base's forward, what comes before it, a head's training. It measures the very
// code that adapts (adapt.Extractor, adapt.Train), not a copy of it, and knows
// no TensorFlow Lite.
//
// What is compared is timed in turns, so that whatever else the machine does
// meets all of it alike, and comes as medians with their spread.
package speed
