package decide

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// model decides as the package comment says, from the whole history and
// without any cleverness.
type model struct {
	o       Options
	history []int
	current int
}

func (m *model) observe(vote int) bool {
	m.history = append(m.history, vote)
	if vote == nobody || vote == m.current || !m.inARow(vote) && !m.byShare(vote) {
		return false
	}
	m.current = vote
	return true
}

func (m *model) inARow(class int) bool {
	if len(m.history) < m.o.InARow {
		return false
	}
	return !slices.ContainsFunc(m.history[len(m.history)-m.o.InARow:], func(v int) bool { return v != class })
}

func (m *model) byShare(class int) bool {
	count := func(class int) (n int) {
		for _, v := range m.history[max(0, len(m.history)-m.o.Window):] {
			if v == class {
				n++
			}
		}
		return n
	}
	need := m.o.need()
	return count(class) >= need && (m.current == nobody || count(m.current) < max(1, m.o.Window-need))
}

// against runs a Decider beside the model and holds both to what any decider
// must keep.
func against(t *testing.T, o Options, classes int, frames []byte) {
	t.Helper()
	o = o.OrDefault()
	d := New(o, classes)
	m := &model{o: o, current: nobody}
	// A class that wins by share has need votes and must fall below spare before
	// another can win by share.
	spare := max(1, o.Window-o.need())
	apart := min(o.InARow, max(1, o.need()-spare+1), max(1, min(o.InARow, o.Window)-spare+1))
	lastChange := -apart
	for i, f := range frames {
		class, sure, unknown := int(f)%classes, f&0x80 == 0, f&0x70 == 0x70
		vote, score := nobody, float32(0.3)
		if sure {
			vote, score = class, 0.9
		}
		if unknown {
			vote = Unknown
		}
		before := currently(d)
		changed := d.Observe(class, score, unknown)
		if want := m.observe(vote); changed != want {
			t.Fatalf("frame %d of %v: changed %v, the model says %v", i, frames, changed, want)
		}
		now, ok := d.Current()
		if ok != (m.current != nobody) || ok && now != m.current {
			t.Fatalf("frame %d of %v: %d, %v, the model has %d", i, frames, now, ok, m.current)
		}
		switch {
		case changed != (currently(d) != before):
			t.Fatalf("frame %d: told %v, from %s to %s", i, changed, before, currently(d))
		case changed && now != vote:
			t.Fatalf("frame %d: %d became current by a vote for %d", i, now, vote)
		case changed && i-lastChange < apart:
			t.Fatalf("frames %d and %d: changes less than %d apart", lastChange, i, apart)
		}
		if changed {
			lastChange = i
		}
	}
}

func TestAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 17))
	for range 2000 {
		o := Options{InARow: 1 + rng.IntN(6), Window: 1 + rng.IntN(12), Share: 0.501 + 0.499*rng.Float64()}
		frames := make([]byte, 60)
		hold := 1 + rng.IntN(5) // frames that stay alike, on average
		for i := range frames {
			if i == 0 || rng.IntN(hold) == 0 {
				frames[i] = byte(rng.IntN(256))
			} else {
				frames[i] = frames[i-1]
			}
		}
		against(t, o, 1+rng.IntN(4), frames)
	}
}

// TestAllShortStreams goes through every stream of eight frames over two
// classes, unknown and doubt, with the defaults.
func TestAllShortStreams(t *testing.T) {
	letters := []byte{0, 1, 0x70, 0x80}
	frames := make([]byte, 8)
	for n := range 1 << (2 * len(frames)) {
		for i := range frames {
			frames[i] = letters[n>>(2*i)&3]
		}
		against(t, Options{}, 2, frames)
	}
}

func FuzzDecider(f *testing.F) {
	f.Add(uint8(3), uint8(5), uint8(60), uint8(2), []byte("\x00\x00\x00\x01\x00\x01\x70\x70\x70"))
	f.Add(uint8(1), uint8(1), uint8(100), uint8(1), []byte("\x00\x80\x00"))
	f.Add(uint8(9), uint8(4), uint8(51), uint8(7), []byte("\x01\x02\x01\x82\x01\x02"))
	f.Fuzz(func(t *testing.T, row, window, share, classes uint8, frames []byte) {
		o := Options{InARow: int(row), Window: int(window), Share: float64(share) / 100}
		if o.Validate() != nil || len(frames) > 500 {
			return
		}
		against(t, o, 1+int(classes)%8, frames)
	})
}
