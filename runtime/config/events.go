package config

import "time"

// Events is where events go besides the API.
type Events struct {
	JSONL    JSONL              `key:"jsonl"`
	Webhooks map[string]Webhook `key:"webhooks"` // by name
	History  History            `key:"history"`
}

// JSONL is a file of events, one JSON object a line, that is rotated.
type JSONL struct {
	Path    string   `key:"path"` // "": none
	MaxSize Size     `key:"max_size"`
	Keep    int      `key:"keep"` // older files
	MaxAge  Duration `key:"max_age"`
}

// Webhook is an address that every event is posted to.
type Webhook struct {
	URL        string   `key:"url"`
	Kinds      []string `key:"kinds"` // empty: all
	Tasks      []string `key:"tasks"` // empty: all
	SecretFile string   `key:"secret_file"`
	Secret     Secret   `key:"secret"` // by variable only
	CAFile     string   `key:"ca_file"`
	Timeout    Duration `key:"timeout"`
	GiveUp     Duration `key:"give_up"` // since the event
}

// History is the file of past events, in SQLite.
type History struct {
	Path    string   `key:"path"` // "": none
	MaxAge  Duration `key:"max_age"`
	MaxRows int      `key:"max_rows"`
}

// DefaultEvents writes nothing anywhere.
func DefaultEvents() Events {
	return Events{
		JSONL:    JSONL{MaxSize: 10 << 20, Keep: 5, MaxAge: Duration(0)},
		Webhooks: map[string]Webhook{},
		History:  History{MaxAge: Duration(90 * day), MaxRows: 1_000_000},
	}
}

// DefaultWebhook is a webhook of which only the name has been said.
func DefaultWebhook() Webhook {
	return Webhook{
		Kinds: []string{}, Tasks: []string{},
		Timeout: Duration(10 * time.Second), GiveUp: Duration(15 * time.Minute),
	}
}
