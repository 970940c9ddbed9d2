package runtime

import "fmt"

// StandBy says why nothing adapts for now, such as that another process keeps
// the store; nil says that it may again. Tasks serve and are judged either way.
//
// While it stands by, Adapt is refused with ErrStandBy and the reason. What runs
// already goes on. When it may adapt again, samples that are younger than the
// generation in use are adapted to, where that was asked for.
func (r *Runtime) StandBy(why error) {
	r.mu.Lock()
	r.standBy = why
	r.mu.Unlock()
	for _, t := range r.Tasks() {
		signal(t.pokeSamples)
	}
}

// StandingBy returns why nothing adapts for now, or nil.
func (r *Runtime) StandingBy() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.standBy == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrStandBy, r.standBy)
}
