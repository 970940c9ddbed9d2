package tflite

import "github.com/edge-adapt/edge/tflite/internal/capi"

// Trim gives the memory of closed interpreters back to the system.
//
// Closing frees it, but the C library keeps what it may need again, in pieces for
// every thread that has opened a model: a program that opens one model after
// another grows by that. Trim takes milliseconds, and may be called concurrently.
func Trim() { capi.Trim() }
