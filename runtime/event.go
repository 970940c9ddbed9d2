package runtime

import "time"

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	KindStart       Kind = "start"              // the runtime began to run
	KindChange      Kind = "change"             // a task sees something else
	KindHeartbeat   Kind = "heartbeat"          // nothing changed for a while: what holds
	KindSourceLost  Kind = "source_lost"        // a source gives no frames; Message says why
	KindSourceBack  Kind = "source_back"        // it does again; Message says after how long
	KindSourceEnded Kind = "source_ended"       // it has come to its end by itself
	KindGeneration  Kind = "generation"         // another generation serves
	KindRefused     Kind = "generation_refused" // a generation was not taken; the one before it serves on
	KindRollback    Kind = "rollback"           // a generation was taken back; Message says why
	KindGood        Kind = "good"               // a generation has passed its probation
	KindShadow      Kind = "shadow"             // a generation runs beside the active one, or does no longer
	KindAdaptStart  Kind = "adapt_started"
	KindAdaptDone   Kind = "adapt_done"
	KindAdaptFailed Kind = "adapt_failed"
)

// Kinds returns all kinds of events.
func Kinds() []Kind {
	return []Kind{
		KindStart, KindChange, KindHeartbeat, KindSourceLost, KindSourceBack, KindSourceEnded,
		KindGeneration, KindRefused, KindRollback, KindGood, KindShadow, KindAdaptStart, KindAdaptDone, KindAdaptFailed,
	}
}

// Event is something that happened. As JSON it is one line, the same wherever
// events go.
type Event struct {
	// ID goes up by one or more from event to event, also across restarts while
	// the clock does not run back. It stays below 2^53.
	ID   uint64    `json:"id"`
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	Task string    `json:"task,omitempty"`

	// Label is what the task sees now, and Previous what it saw before; both are
	// "" while Unknown. Score is that of the frame that decided it.
	Label      string  `json:"label,omitempty"`
	Previous   string  `json:"previous,omitempty"`
	Score      float32 `json:"score,omitempty"`
	Unknown    bool    `json:"unknown,omitempty"`
	Generation int     `json:"generation,omitempty"`

	Source string `json:"source,omitempty"` // without credentials
	Frame  uint64 `json:"frame,omitempty"`  // its number since the source was opened
	Name   string `json:"name,omitempty"`   // the file that the frame came from
	// LatencyMS is from the frame's capture to this event, in milliseconds.
	LatencyMS float64 `json:"latency_ms,omitempty"`

	Message string `json:"message,omitempty"` // for people
	Hint    string `json:"hint,omitempty"`    // the next step
}
