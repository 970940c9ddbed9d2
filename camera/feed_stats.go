package camera

import "time"

// State is what a Feed is doing.
type State string

// The states of a Feed. A live source is running once its first frame has come,
// any other once it is open.
const (
	Opening State = "opening"
	Running State = "running"
	Waiting State = "waiting" // for the next try
	Ended   State = "ended"   // the source, or the context
	Failed  State = "failed"  // trying again is of no use
)

// Change is a change of a Feed's state.
type Change struct {
	State State
	// Err says why the source does not run, of Waiting and Failed.
	Err error
	// Gap is how long there was no frame, of a source that is Running again; of
	// one that is not live, for how long it was away.
	Gap time.Duration
	// Info describes the source that is Running.
	Info Info
	// Try is the number of this try, of Opening, or of the next one, of Waiting. It
	// starts anew with 1 after a source that ran for a while.
	Try int
	// Wait is how long it is until the next try, of Waiting.
	Wait time.Duration
}

// Stats is what a Feed has done since it was made.
type Stats struct {
	State State     `json:"state"`
	Since time.Time `json:"since"` // of the state
	// Frames counts what the source delivered, Dropped how many of these nobody
	// took before a newer one came, Skipped the pictures that could not be used,
	// Reconnects how often the source ran again after a failure.
	Frames     uint64    `json:"frames"`
	Dropped    uint64    `json:"dropped"`
	Skipped    uint64    `json:"skipped"`
	Reconnects uint64    `json:"reconnects"`
	LastFrame  time.Time `json:"last_frame,omitzero"`
	LastError  string    `json:"last_error,omitempty"` // of the source or of a picture; it stays
	Info       Info      `json:"info"`                 // of the source that ran last
}

// Stats returns what the feed has done. It may be called at any time.
func (f *Feed) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// running notes that the source delivers.
func (f *Feed) running(source Source) {
	c := Change{State: Running, Info: source.Info()}
	back := !f.quiet.IsZero()
	if back {
		c.Gap = time.Since(f.quiet)
	}
	f.mu.Lock()
	f.stats.Info = c.Info
	if back {
		f.stats.Reconnects++
	}
	f.mu.Unlock()
	f.change(c)
}

// describe notes what the first frame may have told the source about itself.
func (f *Feed) describe(source Source) {
	info := source.Info()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stats.Info = info
}

// change enters a state and tells who asked.
func (f *Feed) change(c Change) {
	f.mu.Lock()
	f.stats.State, f.stats.Since = c.State, time.Now()
	if c.Err != nil {
		f.stats.LastError = c.Err.Error()
	}
	f.mu.Unlock()
	if f.options.Notify != nil {
		f.options.Notify(c)
	}
}

// skip counts a picture that could not be used and tells who asked.
func (f *Feed) skip(s *Skipped) {
	f.mu.Lock()
	f.stats.Skipped++
	f.stats.LastError = s.Error()
	f.mu.Unlock()
	if f.options.Skipped != nil {
		f.options.Skipped(s)
	}
}
