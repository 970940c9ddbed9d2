// Package tflite runs TensorFlow Lite models: it opens a .tflite file, applies
// XNNPACK, and turns float32 numbers into float32 numbers, whatever the types
// of the model's own inputs and outputs.
//
// # Ownership
//
// An Interpreter owns every C object it needs: the mapped model, the options,
// the delegate, the interpreter and its log. No other package ever sees one.
// Close frees them in the order that the library asks for, once; an
// Interpreter that is not closed keeps them until the process ends. Slices
// handed to Run and RunAll are read and written during the call and not kept.
//
// The model file stays mapped until Close. Replace a model by renaming a new
// file over it; writing into an open one ends the process with SIGBUS.
//
// # Concurrency
//
// What is said of Run holds for RunAll, which gives several outputs.
//
// An Interpreter does one thing at a time. A Run during another Run returns
// ErrBusy and touches nothing; Close waits for a Run to end, and a Run after it
// returns ErrClosed. Use one Interpreter a goroutine, or a pool of them.
//
// # Failure
//
// A wrong length is refused and changes nothing. When the library itself fails,
// the state of its objects is unknown: the Interpreter is broken, and every
// later Run says so and why (ErrBroken). Close it and open another.
//
// A damaged or hostile file can crash native code, and a crash in native code
// ends the process: no Go error can come of it. Trial opens and runs a model in
// a child process first. Do that once for every file whose digest is not known
// to be good.
//
// # Linking
//
// The C library is linked dynamically as libtensorflowlite_c.so, 2.18 or newer,
// and is looked for where the build said (beside the program, in lib/). If it
// is missing the program does not start.
package tflite
