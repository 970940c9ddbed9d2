package head

import (
	"runtime"
	"sync"
)

// worthwhile is how many products pay for a goroutine: some 50 µs of work.
const worthwhile = 200_000

// divide calls f on consecutive parts of [0, n), at the same time where that
// pays, and returns when all are done. each is the work of one of the n, in
// products. Parts begin at even numbers, which the kernels take in pairs.
func divide(n, each int, f func(lo, hi int)) {
	parts := min(runtime.GOMAXPROCS(0), n*each/worthwhile, n/2)
	if parts <= 1 {
		f(0, n)
		return
	}
	var wg sync.WaitGroup
	lo := 0
	for i := 1; i < parts; i++ {
		hi := n * i / parts &^ 1
		from := lo
		wg.Go(func() { f(from, hi) })
		lo = hi
	}
	f(lo, n)
	wg.Wait()
}
