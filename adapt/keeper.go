package adapt

import "github.com/edge-adapt/edge/adapt/head"

// keeper keeps the head that training returns, and knows when to stop.
type keeper struct {
	patience int // zero: keep the last, never stop early

	head *head.Head // what is kept, a copy
	best Epoch      // whose head it is
}

// enough shows the keeper the head at the end of an epoch, and reports whether
// training may end.
func (k *keeper) enough(e Epoch, h *head.Head) bool {
	switch {
	case k.head == nil:
		k.head = h.Clone()
		k.best = e
	case k.patience == 0 || Better(e, k.best):
		k.head.Set(h)
		k.best = e
	}
	return k.patience > 0 && e.Epoch-k.best.Epoch >= k.patience
}

// Better reports whether a's head is to be preferred over b's.
func Better(a, b Epoch) bool { return a.ValLoss < b.ValLoss }
