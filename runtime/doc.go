// Package runtime keeps tasks running: frames in, events out.
//
// A Runtime takes generations from a store, opens their bases, and answers for
// every task with the generation that is active: to callers (Task.Classify) and
// to cameras, whose frames it watches while Run runs. When the store's pointer
// moves, the new generation is opened and tried in the background, then put in
// place by one atomic pointer. What is in flight finishes on the old one.
//
//	frame ─▶ gates ─▶ crop ─▶ preprocess ─▶ base ─▶ head ─▶ decide ─▶ event
//	                           once for all tasks that see the same
//
// # Ownership
//
// A Runtime owns its interpreters, goroutines and sinks. Run ends its goroutines
// before it returns; Close frees the rest. The Store, the Engine and the Metrics
// are the caller's.
//
// # Concurrency
//
// Every exported method may be called concurrently. A base is used by as many
// goroutines as it has interpreters (Options.Workers), one each; further callers
// wait their turn, or until their context ends.
//
// # Failure
//
// A generation that cannot be opened leaves the one before it serving, and says
// why in an event and in TaskStatus. A source that fails is opened again by
// camera.Feed. Bad pictures, full queues and slow readers are counted, and end nothing.
package runtime
