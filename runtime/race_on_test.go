//go:build race

package runtime

// raced says that the race detector runs, under which a sync.Pool forgets at
// random, and so allocates.
const raced = true
