package main

import "time"

// tally counts what happens at the origin, and what came of it. One belongs to a
// shard; add joins them.
type tally struct {
	requests []int64 // by second
	egress   []int64 // bytes by second, with overhead

	asked       int64 // requests
	missing     int64 // of them, for what is not there: the next root
	unheard     int64 // requests that never reached the origin
	retries     int64 // requests that follow a failed one of the same file
	connections int64
	up, down    int64 // bytes at the origin, with overhead
	content     int64 // bytes of files that reached devices
	lost        int64 // bytes of files that were sent and reached nobody

	checks, failed int64 // looks; of them, that ended with an error
	fetches        int64 // downloads that came to an end
	broken         int64 // that ended with an error
}

// slot makes room for a moment, and returns its second.
func slot(bins *[]int64, at time.Duration) int {
	i := int(max(at, 0) / time.Second)
	for i >= len(*bins) {
		*bins = append(*bins, make([]int64, max(1024, i+1-len(*bins)))...)
	}
	return i
}

func (t *tally) request(at time.Duration, missing bool) {
	i := slot(&t.requests, at)
	t.requests[i]++
	t.asked++
	if missing {
		t.missing++
	}
	t.overhead(at, requestUp, responseDown)
}

func (t *tally) overhead(at time.Duration, up, down int) {
	i := slot(&t.egress, at)
	t.egress[i] += int64(down)
	t.up += int64(up)
	t.down += int64(down)
}

// deliver counts bytes that came to a device between two moments, evenly.
func (t *tally) deliver(from, to time.Duration, n int) {
	t.content += int64(n)
	t.down += int64(n)
	first, last := slot(&t.egress, from), slot(&t.egress, to)
	left := int64(n)
	for i := first; i < last; i++ {
		end := time.Duration(i+1) * time.Second
		part := int64(float64(left) * float64(end-from) / float64(to-from))
		t.egress[i] += part
		left -= part
		from = end
	}
	t.egress[last] += left
}

func (t *tally) lose(at time.Duration, n int) {
	i := slot(&t.egress, at)
	t.egress[i] += int64(n)
	t.down += int64(n)
	t.lost += int64(n)
}

func (t *tally) add(o *tally) {
	for i, n := range o.requests {
		t.requests[slot(&t.requests, time.Duration(i)*time.Second)] += n
	}
	for i, n := range o.egress {
		t.egress[slot(&t.egress, time.Duration(i)*time.Second)] += n
	}
	for _, f := range []struct{ to, from *int64 }{
		{&t.asked, &o.asked}, {&t.missing, &o.missing}, {&t.unheard, &o.unheard}, {&t.retries, &o.retries}, {&t.connections, &o.connections},
		{&t.up, &o.up}, {&t.down, &o.down}, {&t.content, &o.content}, {&t.lost, &o.lost},
		{&t.checks, &o.checks}, {&t.failed, &o.failed}, {&t.fetches, &o.fetches}, {&t.broken, &o.broken},
	} {
		*f.to += *f.from
	}
}

// peak returns the most that came within so many seconds on end.
func peak(bins []int64, over int) int64 {
	var sum, most int64
	for i, n := range bins {
		sum += n
		if i >= over {
			sum -= bins[i-over]
		}
		most = max(most, sum)
	}
	return most
}
