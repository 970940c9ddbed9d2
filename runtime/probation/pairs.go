package probation

import "slices"

// pairs compares two generations on the same frames.
type pairs struct {
	same []int // the judged's class by the other's class, Unknown first; absent: it has no such label

	frames  uint64
	agreed  uint64
	shift   float64 // sum of the score differences
	latency Histogram

	// The other's run of one class that goes on, and in how many of its frames
	// the judged named the same.
	last, run, with int
	visited         []uint64 // visits of the other by its class, Unknown first
	followed        []uint64 // of those, the ones that the judged followed
}

func newPairs(judged, other Generation) pairs {
	classes := len(other.Labels)
	p := pairs{
		same: make([]int, classes+1), last: absent,
		visited: make([]uint64, classes+1), followed: make([]uint64, classes+1),
	}
	p.same[0] = absent
	if judged.Unknown && other.Unknown {
		p.same[0] = Unknown
	}
	for i, l := range other.Labels {
		p.same[i+1] = absent
		if at := slices.Index(judged.Labels, l); at >= 0 {
			p.same[i+1] = at
		}
	}
	return p
}

func (p *pairs) add(a, other Answer) {
	p.frames++
	p.shift += float64(a.Score) - float64(other.Score)
	agreed := p.same[other.Class+1] == a.Class
	if agreed {
		p.agreed++
	}
	if other.Class != p.last {
		p.endVisit()
		p.last, p.run, p.with = other.Class, 0, 0
	}
	p.run++
	if agreed {
		p.with++
	}
}

// endVisit counts the visit that the other ends.
func (p *pairs) endVisit() {
	if p.run < visitFrames {
		return
	}
	p.visited[p.last+1]++
	if 2*p.with >= p.run {
		p.followed[p.last+1]++
	}
}

// agreement returns the share of frames with the same label; 1 of none.
func (p *pairs) agreement() float64 {
	if p.frames == 0 {
		return 1
	}
	return float64(p.agreed) / float64(p.frames)
}

// besides returns the other's visits to classes that both know and that are not
// the judged's class c, and how many of them the judged followed.
func (p *pairs) besides(c int) (visited, followed uint64) {
	for i, same := range p.same {
		if same != absent && same != c {
			visited += p.visited[i]
			followed += p.followed[i]
		}
	}
	return visited, followed
}
