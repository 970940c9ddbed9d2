package release_test

import (
	"encoding/json"
	"testing"

	"github.com/edge-adapt/edge/models/release"
)

// raw encodes without checking.
func raw(t testing.TB, c release.Channel) []byte {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What Parse lets through can be encoded, and is the same then.
func FuzzParse(f *testing.F) {
	f.Add(raw(f, channel()))
	f.Add(raw(f, channel(numbered(1), withHead(numbered(2), "lamps"))))
	f.Add([]byte(`{"format": 1, "channel": "stable", "updated": "2026-01-01T00:00:00Z", "releases": [{"release": 1e9}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := release.Parse(data, "stable")
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			return // raw messages may grow by their indentation
		}
		if _, err := release.Parse(again, "stable"); err != nil {
			t.Errorf("%v\n%s", err, again)
		}
	})
}
