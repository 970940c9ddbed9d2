// Package sink takes events out of the daemon: into a file of JSON lines, to
// webhooks, into a history in SQLite. Each is a runtime.Sink.
//
// A sink never stops the daemon. Making one only checks what it was told; disk
// and network are touched by Deliver, whose error says what was lost, and the next
// Deliver tries afresh. So a disk that is full, read-only or not mounted yet costs the
// events of that time, which the runtime counts, and nothing else.
//
// Another way out, such as MQTT, is another type with Deliver and Close here or in
// a folder of its own, and a section under events in the configuration.
package sink

import (
	"encoding/json"
	"fmt"

	"github.com/edge-adapt/edge/runtime"
)

var (
	_ runtime.Sink = (*JSONLines)(nil)
	_ runtime.Sink = (*Webhook)(nil)
	_ runtime.Sink = (*History)(nil)
	_ runtime.Sink = (*Filter)(nil)
)

// line is e as one line of JSON without the line's end: the same bytes wherever
// events go.
func line(e runtime.Event) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", e.ID, err) // a score that is no number
	}
	return data, nil
}
