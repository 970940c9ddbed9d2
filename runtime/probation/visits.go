package probation

// visitFrames is how many frames of one class in a row make a visit; shorter
// runs are flicker.
const visitFrames = 3

// visits counts the visits of one generation by class, Unknown first. The visit
// that goes on counts from its third frame.
type visits struct {
	of   []uint64 // [classes+1]
	last int
	run  int
}

func newVisits(classes int) visits { return visits{of: make([]uint64, classes+1), last: absent} }

func (v *visits) add(class int) {
	if class != v.last {
		v.last, v.run = class, 0
	}
	if v.run++; v.run == visitFrames {
		v.of[class+1]++
	}
}

// others returns the visits to classes other than class.
func (v *visits) others(class int) uint64 {
	var n uint64
	for i, visits := range v.of {
		if i != class+1 {
			n += visits
		}
	}
	return n
}
